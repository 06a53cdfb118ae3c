//! What a restore will take, known before it costs anything: objects, bytes, dollars, hours, disk
//! space (SPEC#cost). Pure.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::object::ThawState;
use crate::model::policy::Tier;
use crate::model::text::{self, size};
use crate::plan::cost::price::Prices;

/// One volume as far as costs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EstimatedVolume {
    pub size: u64,
    pub state: VolumeState,
}

/// How far a volume is on its way to this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeState {
    Frozen,
    Thawing,
    /// Can be downloaded now.
    Ready,
    /// Needs no download: read in place, downloaded, or extracted already.
    Here,
}

impl From<ThawState> for VolumeState {
    fn from(state: ThawState) -> VolumeState {
        match state {
            ThawState::Frozen => VolumeState::Frozen,
            ThawState::Thawing => VolumeState::Thawing,
            ThawState::Ready => VolumeState::Ready,
        }
    }
}

/// How many objects, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    pub objects: u64,
    pub bytes: u64,
}

/// What remains to be done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Estimate {
    pub all: Count,
    pub frozen: Count,
    pub thawing: Count,
    pub ready: Count,
    pub here: Count,
    pub tier: Tier,
    pub keep_days: u32,
    pub dollars: RestoreCost,
    /// Hours until the last object is readable, at the latest; 0 if all are. Objects that are being
    /// thawed may be ready sooner.
    pub hours: u32,
    /// Bytes that may be written: remaining downloads, and files as far as known.
    pub disk_needed: u64,
    /// The same when downloads are deleted as they are used.
    pub disk_least: u64,
    pub disk_free: Option<u64>,
    /// Date and source of the prices.
    pub prices: String,
}

/// The bill, by its items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RestoreCost {
    pub requests: f64,
    pub retrieval: f64,
    /// Of the thawed copies, for the days they are kept.
    pub copies: f64,
    pub transfer: f64,
    pub total: f64,
}

/// Less than this is not worth a line: it would be shown as $0.00.
pub const LEAST_DOLLARS: f64 = 0.005;

/// What the estimate rests on besides the volumes.
#[derive(Clone, Copy, Debug)]
pub struct EstimateTerms<'a> {
    pub prices: &'a Prices,
    pub tier: Tier,
    pub keep_days: u32,
    /// Bytes of the files that are to be extracted, at least and at most.
    pub files: (u64, u64),
    /// Bytes of downloads that must be on the disk at the same time.
    pub room: u64,
    pub disk_free: Option<u64>,
}

impl Estimate {
    /// Adds up.
    pub fn new(volumes: &[EstimatedVolume], terms: EstimateTerms<'_>) -> Estimate {
        let count = |state: Option<VolumeState>| {
            let mut count = Count::default();
            for volume in volumes
                .iter()
                .filter(|l| state.is_none_or(|s| l.state == s))
            {
                count.objects += 1;
                count.bytes += volume.size;
            }
            count
        };
        let [frozen, thawing, ready, here] = [
            VolumeState::Frozen,
            VolumeState::Thawing,
            VolumeState::Ready,
            VolumeState::Here,
        ]
        .map(|s| count(Some(s)));
        let price = terms.prices.of(terms.tier);
        let gb = |bytes: u64| bytes as f64 / 1e9;
        let to_come = Count {
            objects: frozen.objects + thawing.objects + ready.objects,
            bytes: frozen.bytes + thawing.bytes + ready.bytes,
        };
        let mut dollars = RestoreCost {
            requests: frozen.objects as f64 / 1000.0 * price.per_thousand_requests
                + to_come.objects as f64 / 1000.0 * terms.prices.get_per_thousand,
            retrieval: gb(frozen.bytes) * price.per_gb,
            copies: gb(frozen.bytes) * terms.prices.copy_per_gb_month * f64::from(terms.keep_days)
                / 30.0,
            transfer: gb(to_come.bytes) * terms.prices.transfer_per_gb,
            total: 0.0,
        };
        dollars.total = dollars.requests + dollars.retrieval + dollars.copies + dollars.transfer;
        Estimate {
            all: count(None),
            frozen,
            thawing,
            ready,
            here,
            tier: terms.tier,
            keep_days: terms.keep_days,
            dollars,
            hours: if frozen.objects + thawing.objects > 0 {
                price.hours
            } else {
                0
            },
            disk_needed: to_come.bytes + terms.files.1,
            disk_least: to_come.bytes.min(terms.room) + terms.files.0,
            disk_free: terms.disk_free,
            prices: terms.prices.origin(),
        }
    }

    /// Whether the user must agree first: if something must be thawed, which is charged as soon as
    /// it is requested, or if the restore costs a dollar or more.
    pub fn needs_consent(&self) -> bool {
        self.frozen.objects > 0 || self.dollars.total >= 1.0
    }

    /// Whether the disk is too small, as far as is known.
    pub fn too_small(&self) -> bool {
        self.disk_free
            .is_some_and(|free| free > 0 && free < self.disk_least)
    }

    /// For people, a line each.
    pub fn to_text(&self) -> String {
        let objects = text::count(self.all.objects, "object");
        let mut text = format!("{objects}, {}", size(self.all.bytes));
        for (count, words) in [
            (self.here, "here already"),
            (self.ready, "can be downloaded"),
            (self.thawing, "being thawed"),
            (self.frozen, "still to be requested from the archive"),
        ] {
            if count.objects > 0 {
                text.push_str(&format!(
                    "\n  {}, {}: {words}",
                    text::count(count.objects, "object"),
                    size(count.bytes)
                ));
            }
        }
        if self.dollars.total >= LEAST_DOLLARS || self.needs_consent() {
            let d = &self.dollars;
            text.push_str(&format!(
                "\ncosts about ${:.2} at Amazon's prices of {}: requests ${:.2}, retrieval {:?} \
                 ${:.2}, copies for {} \
                 days ${:.2}, transfer ${:.2}",
                d.total,
                self.prices,
                d.requests,
                self.tier,
                d.retrieval,
                self.keep_days,
                d.copies,
                d.transfer
            ));
        }
        if self.hours > 0 {
            text.push_str(&format!(
                "\nthe last object is readable within {} hours of its request",
                self.hours
            ));
        }
        let (least, most) = (size(self.disk_least), size(self.disk_needed));
        text.push_str(&match least == most {
            true => format!("\nneeds up to {most} on the disk"),
            false => format!("\nneeds {least} to {most} on the disk"),
        });
        match self.disk_free {
            Some(free) if free > 0 => text.push_str(&format!(", which has {} free", size(free))),
            _ => {}
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures published for v1.0: a terabyte in Bulk is $2.5, its transfer $90.
    #[test]
    fn a_terabyte() {
        let prices = Prices::default();
        let terms = EstimateTerms {
            prices: &prices,
            tier: Tier::Bulk,
            keep_days: 2,
            files: (5, 5),
            room: 20_000_000_000,
            disk_free: Some(10),
        };
        let volumes = vec![
            EstimatedVolume {
                size: 4_000_000_000,
                state: VolumeState::Frozen
            };
            250
        ];
        let estimate = Estimate::new(&volumes, terms);
        assert_eq!(
            format!(
                "{:.2} {:.2}",
                estimate.dollars.retrieval, estimate.dollars.transfer
            ),
            "2.50 90.00"
        );
        assert_eq!(
            (estimate.hours, estimate.disk_needed),
            (48, 1_000_000_000_005)
        );
        assert!(
            estimate
                .to_text()
                .contains("needs 20.0 GB to 1.0 TB on the disk"),
            "{}",
            estimate.to_text()
        );
        assert!(estimate.needs_consent() && estimate.too_small());
        assert!(
            estimate.to_text().contains(
                "costs about $94.04 at Amazon's prices of 2026-06 (aws.amazon.com/s3/pricing): "
            ),
            "{}",
            estimate.to_text()
        );
        let standard = Estimate::new(
            &volumes,
            EstimateTerms {
                tier: Tier::Standard,
                ..terms
            },
        );
        assert_eq!(
            (
                format!("{:.2}", standard.dollars.retrieval).as_str(),
                standard.hours
            ),
            ("20.00", 12)
        );
    }

    #[test]
    fn what_is_here_costs_nothing() {
        let prices = Prices::default();
        let terms = EstimateTerms {
            prices: &prices,
            tier: Tier::Bulk,
            keep_days: 2,
            files: (0, 0),
            room: 0,
            disk_free: None,
        };
        let estimate = Estimate::new(
            &[EstimatedVolume {
                size: 1 << 40,
                state: VolumeState::Here,
            }],
            terms,
        );
        assert!(!estimate.needs_consent() && estimate.hours == 0 && estimate.disk_needed == 0);
        let paid = Estimate::new(
            &[EstimatedVolume {
                size: 1_000_000,
                state: VolumeState::Thawing,
            }],
            terms,
        );
        assert!(!paid.needs_consent(), "requested already");
        assert!(
            Estimate::new(
                &[EstimatedVolume {
                    size: 1,
                    state: VolumeState::Frozen
                }],
                terms
            )
            .needs_consent()
        );
    }
}
