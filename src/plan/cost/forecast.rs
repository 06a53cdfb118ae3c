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
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn forecast(class: StorageClass, bytes: u64, mbit: f64) -> Forecast {
        let mut load = UploadLoad::default();
        load.add(
            &Content {
                mount: 1,
                bytes,
                empty: false,
            },
            4 * GB,
            Transfer::Spool,
        );
        Forecast::new(
            "s3://b",
            class,
            load,
            Speed {
                mbit,
                known: SpeedOrigin::Given,
            },
            &Prices::default(),
        )
    }

    /// The figures published for v1.0: what a terabyte costs. Each of 250 volumes takes 239
    /// parts; another one has what an archive has besides its files.
    #[test]
    fn a_terabyte_costs() {
        for (class, days, storage, requests) in [
            (StorageClass::DeepArchive, 180, "5.94", "0.31"),
            (StorageClass::Glacier, 90, "10.80", "0.31"),
            (StorageClass::GlacierIr, 90, "12.00", "1.21"),
            (StorageClass::StandardIa, 30, "12.50", "0.61"),
            (StorageClass::OnezoneIa, 30, "10.00", "0.61"),
            (StorageClass::IntelligentTiering, 30, "23.00", "0.30"),
            (StorageClass::Standard, 30, "23.00", "0.30"),
        ] {
            let found = forecast(class, 1000 * GB, 20.0);
            assert_eq!(
                (found.days, found.load.volumes, found.load.more),
                (days, 251, 250 * 241),
                "{class}"
            );
            let dollars = found.dollars;
            assert_eq!(
                [dollars.storage, dollars.requests].map(|d| format!("{d:.2}")),
                [storage, requests],
                "{class}"
            );
            assert_eq!(dollars.total, dollars.storage + dollars.requests);
        }
    }

    #[test]
    fn the_page_shows_what_it_says() {
        let mut forecast = forecast(StorageClass::DeepArchive, 1000 * GB, ASSUMED);
        forecast.speed.known = SpeedOrigin::Assumed;
        forecast.store = "s3://my-backups".to_owned();
        let text = forecast.to_text();
        assert!(
            include_str!("../../../docs/how-it-decides.md")
                .contains(&format!("```text\n{text}\n```")),
            "{text}"
        );
    }

    /// A measurement of v1.0.
    #[test]
    fn twenty_gigabytes_take() {
        let seconds = [1, 4, 20].map(|n| forecast(StorageClass::DeepArchive, n * GB, 20.9).seconds);
        assert_eq!(seconds, [383, 1532, 7656]);
        for (seconds, shown) in [
            (0, "less than a minute"),
            (60, "less than a minute"),
            (383, "about 7 min"),
            (1532, "about 26 min"),
            (3600, "about 1 h"),
            (7656, "about 2 h 10 min"),
            (400_000, "about 4 days 16 h"),
            (29 * 86_400, "about 29 days"),
            (40 * 86_400 + 1, "about 41 days"),
            (u64::MAX, "about 213503982334602 days"),
        ] {
            assert_eq!(readable(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn volumes_and_requests() {
        for (bytes, empty, volumes, more) in [
            (0, true, 0, 0),
            (0, false, 1, 0),
            (1, false, 1, 0),
            (99_999_999, false, 1, 8),
            (100_000_000, false, 2, 8),
            (250_000_000, false, 3, 8 + 8 + 5),
        ] {
            let mut load = UploadLoad::default();
            load.add(
                &Content {
                    mount: 1,
                    bytes,
                    empty,
                },
                100_000_000,
                Transfer::Spool,
            );
            let expected = UploadLoad {
                bytes,
                volumes,
                pending: 0,
                index: 2,
                more,
            };
            assert_eq!(load, expected, "{bytes}");
            load.owe(3, 90_000_000);
            let expected = UploadLoad {
                bytes: bytes + 90_000_000,
                pending: 3,
                more: more + 3 * 4,
                ..expected
            };
            assert_eq!(load, expected, "{bytes}");
        }
    }

    #[test]
    fn what_an_upload_costs_later() {
        let load = UploadLoad {
            bytes: 1_000_000_000_000,
            volumes: 1000,
            ..UploadLoad::default()
        };
        let prices = Prices::default();
        let bill = |class| LaterBill::of(class, &load, &prices);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let deep = bill(StorageClass::DeepArchive);
        // 1000 GB: thawed in bulk for 2.50 and 0.025, read for 0.0004, sent for 90.
        assert!(
            near(deep.month, 0.99) && near(deep.restore, 92.5254),
            "{deep:?}"
        );
        let standard = bill(StorageClass::Standard);
        assert!(
            near(standard.month, 23.0) && near(standard.restore, 90.0004),
            "{standard:?}"
        );
    }

    /// Volumes that are sent while they are made have parts, even small ones.
    #[test]
    fn every_streamed_volume_is_begun() {
        for (bytes, more) in [
            (0, 3),
            (1, 3),
            (100_000_000, 8 + 3),
            (250_000_000, 8 + 8 + 5),
        ] {
            let (mut load, empty) = (UploadLoad::default(), false);
            let content = Content {
                mount: 1,
                bytes,
                empty,
            };
            load.add(&content, 100_000_000, Transfer::Stream);
            assert_eq!(load.more, more, "{bytes}");
        }
    }
}
