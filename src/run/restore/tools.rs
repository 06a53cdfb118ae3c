//! What a restore works with, and how far it goes.

use std::time::Duration;

use crate::adapters::seven_zip::SevenZip;
use crate::adapters::store::Store;
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::policy::Tier;
use crate::model::secret::Secret;
use crate::plan::cost::price::Prices;
use crate::plan::restore::estimate::Estimate;

use super::clock::{Clock, SystemClock};

/// What a restore works with.
pub struct RestoreTools<'a> {
    pub store: &'a dyn Store,
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    /// Where the key came from, for messages: `$AAM_BACKUP_KEY`.
    pub key_from: &'a str,
    pub thaw: ThawPolicy<'a>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// How archived objects are brought back.
#[derive(Clone, Copy)]
pub struct ThawPolicy<'a> {
    pub keep_days: u32,
    pub tier: Tier,
    pub poll_every: Duration,
    pub prices: &'a Prices,
    pub clock: &'a dyn Clock,
    /// Asks the user to agree to the costs.
    pub agree: &'a (dyn Fn(&Estimate) -> bool + Sync),
}

impl<'a> ThawPolicy<'a> {
    /// Of a look at a store: what is archived stays archived.
    pub fn look_only(prices: &'a Prices) -> ThawPolicy<'a> {
        ThawPolicy {
            keep_days: 1,
            tier: Tier::default(),
            poll_every: Duration::from_secs(1),
            prices,
            clock: &SystemClock,
            agree: &|_| false,
        }
    }
}

/// How far to go (one step, or four).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestoreStep {
    #[default]
    All,
    /// Request archived objects.
    Request,
    /// Download what is readable.
    Download,
    /// Extract what was downloaded.
    Extract,
}

impl RestoreStep {
    /// Whether it opens archives. Manifests say which volumes a path needs, and are encrypted too.
    pub fn needs_key(self, only: &[String]) -> bool {
        matches!(self, RestoreStep::All | RestoreStep::Extract) || !only.is_empty()
    }
}
