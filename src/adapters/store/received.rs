//! What a store had received before a moment.

use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::object::Object;

/// A listing as of a moment.
#[derive(Debug, Default)]
pub struct ReceivedBefore {
    /// Sorted by key.
    pub objects: Vec<Object>,
    /// How many objects were received later and are left out.
    pub later: u64,
    /// How many objects are read as they were, because they were overwritten or deleted since.
    pub older_versions: u64,
    /// Why older versions cannot be used, if the store has no way or no right for that.
    pub without_versions: Option<StoreError>,
}

impl ReceivedBefore {
    /// Sorts objects by the time at which they were received.
    pub fn of(
        listed: impl IntoIterator<Item = (Object, DateTime<Utc>)>,
        moment: DateTime<Utc>,
    ) -> ReceivedBefore {
        let mut received = ReceivedBefore::default();
        for (object, time) in listed {
            match time < moment {
                true => received.objects.push(object),
                false => received.later += 1,
            }
        }
        received.objects.sort_by(|a, b| a.key.cmp(&b.key));
        received
    }
}
