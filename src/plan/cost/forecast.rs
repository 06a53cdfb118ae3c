//! The most that sending the archives of a plan to S3 takes: bytes, time and dollars (SPEC#cost).
//! Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::policy::{StorageClass, Transfer};
use crate::model::store::StoreName;
use crate::model::text::{count, duration, size};
use crate::plan::backup::{Plan, PlanStep};
use crate::plan::cost::price::Prices;
use crate::plan::cost::requests::more_requests;

/// Mbit/s to assume if nothing was measured. v1.0 measured 20.9 on the line of its author.
pub const ASSUMED: f64 = 20.0;

/// How fast uploads are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Speed {
    /// Megabits a second.
    pub mbit: f64,
    #[serde(flatten)]
    pub known: SpeedOrigin,
}

/// How a speed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum SpeedOrigin {
    /// Given by an option.
    Given,
    /// Measured by the run that started then.
    Run { started: DateTime<Utc> },
    /// Assumed.
    Assumed,
}

/// What the archive of one mount will hold, as counted.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// Number of the mount.
    pub mount: usize,
    /// Bytes of the files.
    pub bytes: u64,
    /// Whether there is nothing in it, not even a directory: such an archive has no volume.
    pub empty: bool,
}

/// What is sent to one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UploadLoad {
    /// Bytes of all volumes, before compression; manifests, markers and the archives' own headers
    /// are not counted.
    pub bytes: u64,
    /// Volumes of this backup.
    pub volumes: u64,
    /// Objects that interrupted uploads still have to send.
    pub pending: u64,
    /// Manifests and markers of this backup.
    pub index: u64,
    /// Requests for volumes, besides the one that completes each object.
    #[serde(skip)]
    more: u64,
}

impl UploadLoad {
    /// What a plan sends to a store. `None` if that is nothing, or if a mount of it was not
    /// counted.
    pub fn of(plan: &Plan, to: StoreName, contents: &[Content]) -> Option<UploadLoad> {
        let mut load = UploadLoad::default();
        for step in &plan.steps {
            match step {
                PlanStep::Upload { store, mount } if *store == to => {
                    let order = &plan.stages[*mount];
                    let content = contents
                        .iter()
                        .find(|content| content.mount == order.number)?;
                    let archive = order.archive.as_ref()?;
                    load.add(content, archive.volume_size, archive.transfer);
                }
                PlanStep::Finish { upload } if plan.unfinished[*upload].store == to => {
                    let finish = &plan.unfinished[*upload];
                    load.owe(finish.objects, finish.bytes);
                }
                _ => {}
            }
        }
        (load != UploadLoad::default()).then_some(load)
    }

    /// An archive of incompressible files is always a little larger than the files, so content that
    /// fills a volume begins another one.
    fn add(&mut self, content: &Content, volume_size: u64, transfer: Transfer) {
        let volume_size = volume_size.max(1);
        let more_requests = |size| match transfer {
            Transfer::Spool => more_requests(size),
            // Also a small volume is begun, has one part, and is looked at.
            Transfer::Stream => more_requests(size).max(3),
        };
        self.index += 2;
        if !content.empty {
            let full = content.bytes / volume_size;
            self.bytes += content.bytes;
            self.volumes += full + 1;
            self.more +=
                full * more_requests(volume_size) + more_requests(content.bytes % volume_size);
        }
    }

    /// Objects whose sizes are known only as a sum count as equally large.
    fn owe(&mut self, objects: u64, bytes: u64) {
        self.bytes += bytes;
        self.pending += objects;
        self.more += objects * more_requests(bytes.div_ceil(objects.max(1)));
    }
}

/// The time it takes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Forecast {
    /// The store as the user knows it.
    pub store: String,
    pub storage_class: StorageClass,
    #[serde(flatten)]
    pub load: UploadLoad,
    pub speed: Speed,
    pub seconds: u64,
    /// Days of storage in `dollars`: those that the class charges in any case, at least a month.
    pub days: u32,
    pub dollars: UploadBill,
    /// What it costs later.
    pub later: LaterBill,
    /// Date and source of the prices.
    pub prices: String,
    /// For which region they are.
    pub region: String,
}

/// What follows from an upload: dollars for a month of it, and for getting all of it back once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LaterBill {
    pub month: f64,
    pub restore: f64,
}

impl LaterBill {
    fn of(class: StorageClass, load: &UploadLoad, prices: &Prices) -> LaterBill {
        let gigabytes = load.bytes as f64 / 1e9;
        let thousands = (load.volumes + load.index) as f64 / 1000.0;
        let thaw = match class {
            StorageClass::Glacier | StorageClass::DeepArchive => {
                let tier = &prices.bulk;
                gigabytes * tier.per_gb + thousands * tier.per_thousand_requests
            }
            _ => 0.0,
        };
        let get = thousands * prices.get_per_thousand;
        LaterBill {
            month: gigabytes * prices.classes.of(class).per_gb_month,
            restore: thaw + get + gigabytes * prices.transfer_per_gb,
        }
    }
}

/// The bill, by its items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UploadBill {
    pub storage: f64,
    pub requests: f64,
    pub total: f64,
}

impl Forecast {
    /// Adds up.
    pub fn new(
        store: &str,
        class: StorageClass,
        load: UploadLoad,
        speed: Speed,
        prices: &Prices,
    ) -> Forecast {
        let (price, standard) = (
            prices.classes.of(class),
            prices.classes.of(StorageClass::Standard),
        );
        let days = price.minimum_days.max(30);
        // Parts of what is to be archived lie in STANDARD until the object is whole, and Amazon
        // charges them so.
        let parts = match class {
            StorageClass::Glacier | StorageClass::DeepArchive => standard,
            _ => price,
        };
        let requests = |count: u64, per_thousand: f64| count as f64 / 1000.0 * per_thousand;
        let storage = load.bytes as f64 / 1e9 * price.per_gb_month * f64::from(days) / 30.0;
        let requests = requests(load.volumes + load.pending, price.put_per_thousand)
            + requests(load.more, parts.put_per_thousand)
            + requests(load.index, standard.put_per_thousand);
        Forecast {
            store: store.to_owned(),
            storage_class: class,
            later: LaterBill::of(class, &load, prices),
            load,
            speed,
            seconds: (load.bytes as f64 * 8.0 / (speed.mbit * 1e6)).ceil() as u64,
            days,
            dollars: UploadBill {
                storage,
                requests,
                total: storage + requests,
            },
            prices: prices.origin(),
            region: prices.region.clone(),
        }
    }

    /// For people, a line each.
    pub fn to_text(&self) -> String {
        let Forecast {
            load,
            dollars,
            days,
            ..
        } = self;
        let known = match self.speed.known {
            SpeedOrigin::Given => format!("(at {} Mbit/s)", self.speed.mbit),
            SpeedOrigin::Run { started } => format!(
                "(at {} Mbit/s, as in the run of {})",
                self.speed.mbit,
                started.format("%Y-%m-%d %H:%M UTC")
            ),
            SpeedOrigin::Assumed => format!(
                "(assuming {} Mbit/s; --upload-speed sets another speed)",
                self.speed.mbit
            ),
        };
        let pending = match load.pending {
            0 => String::new(),
            pending => format!(" and {} of interrupted uploads", count(pending, "object")),
        };
        format!(
            "Upload to {}, at most, because the savings by compression are not known yet:\n  \
             sends    {} in {}{pending}, {}\n  \
             takes    {} {known}\n  \
             costs    ${:.2} at Amazon's prices of {} for {}: {days} days in {} ${:.2}, requests ${:.2}\n  \
             later    ${:.2} a month; to restore all of it once ${:.2}",
            self.store,
            size(load.bytes),
            count(load.volumes, "volume"),
            count(load.index, "small object"),
            readable(self.seconds),
            dollars.total,
            self.prices,
            self.region,
            self.storage_class,
            dollars.storage,
            dollars.requests,
            self.later.month,
            self.later.restore,
        )
    }
}

/// `about 2 h 10 min`: rounded, because the speed is an estimate.
fn readable(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    if seconds <= MINUTE {
        return "less than a minute".to_owned();
    }
    let steps = [(HOUR, MINUTE), (DAY, 10 * MINUTE)];
    let step = steps
        .into_iter()
        .find(|(most, _)| seconds <= *most)
        .map_or(HOUR, |(_, step)| step);
    match seconds.div_ceil(step).saturating_mul(step) {
        // A month rounded to hours would look more exact than it is.
        seconds if seconds >= 30 * DAY => format!("about {}", count(seconds.div_ceil(DAY), "day")),
        seconds => format!("about {}", duration(seconds)),
    }
}

#[cfg(test)]
mod tests;
