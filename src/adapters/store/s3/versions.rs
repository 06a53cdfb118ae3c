//! A bucket as it was at a moment: by the time at which it received each object, and with the
//! versions that it had then.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use aws_sdk_s3::primitives::DateTime as SdkTime;
use chrono::{DateTime, Utc};

use super::{MOST_EMPTY_PAGES, ObjectHead, S3Store, bytes, endless, errors};
use crate::adapters::store::{Act, ReceivedBefore, StoreError, StoreErrorKind};
use crate::model::object::Object;

/// A version that is not the newest of its key.
#[derive(Clone, Debug)]
pub(super) struct OldVersion {
    id: String,
    head: ObjectHead,
}

/// What the bucket has under one key.
#[derive(Default)]
struct KeyHistory {
    /// The newest version or deletion before the moment, with its time.
    last: Option<(DateTime<Utc>, Option<OldVersion>)>,
    /// Whether the newest version of all is that one.
    is_current: bool,
    has_later: bool,
}

impl KeyHistory {
    fn add(&mut self, time: DateTime<Utc>, is_newest: bool, version: Option<OldVersion>) {
        // Newer ones come first; of two of one second, the first is the newer.
        if self.last.as_ref().is_none_or(|(last, _)| *last < time) {
            self.is_current = is_newest;
            self.last = Some((time, version));
        }
    }
}

impl S3Store {
    /// What the bucket had received before a moment. From then on, what was overwritten or deleted
    /// since is read as it was.
    pub(super) async fn received_before(
        &self,
        act: &Act,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError> {
        let histories = match self.histories(act, prefix, moment).await {
            Ok(histories) => histories,
            Err(error) if error.kind == StoreErrorKind::Interrupted => return Err(error),
            // The server has no versions, or the credentials may not list them. An error of
            // another kind comes again here.
            Err(error) => {
                let listed = self.list_timed(act, prefix).await?;
                return Ok(ReceivedBefore {
                    without_versions: Some(error),
                    ..ReceivedBefore::of(listed, moment)
                });
            }
        };
        let mut received = ReceivedBefore::default();
        let mut versions = BTreeMap::new();
        for (key, history) in histories {
            match history.last {
                Some((_, Some(version))) => {
                    let size = version.head.size;
                    received.objects.push(Object {
                        key: key.clone(),
                        size,
                    });
                    if !history.is_current {
                        versions.insert(key, version);
                    }
                }
                _ => received.later += u64::from(history.has_later),
            }
        }
        received.older_versions = versions.len() as u64;
        let mut known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(versions);
        Ok(received)
    }

    /// The version to read of a key; `None` is the newest.
    pub(super) fn version(&self, key: &str) -> Option<String> {
        let known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).map(|version| version.id.clone())
    }

    /// What the listing said of the version to read.
    pub(super) fn old_head(&self, key: &str) -> Option<ObjectHead> {
        let known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).map(|version| version.head.clone())
    }

    async fn histories(
        &self,
        act: &Act,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<BTreeMap<String, KeyHistory>, StoreError> {
        let mut histories: BTreeMap<String, KeyHistory> = BTreeMap::new();
        let (mut from_key, mut from_version, mut empty) = (None, None, 0);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.settings.bucket)
                .prefix(prefix)
                .set_key_marker(from_key.clone())
                .set_version_id_marker(from_version.clone())
                .send()
                .await
                .map_err(|error| errors::explain(act, &self.settings, error))?;
            for version in page.versions() {
                let (Some(key), Some(id)) = (version.key(), version.version_id()) else {
                    continue;
                };
                let head = ObjectHead {
                    size: bytes(version.size()),
                    etag: version.e_tag().map(str::to_owned),
                };
                let history = histories.entry(key.to_owned()).or_default();
                let is_newest = version.is_latest() == Some(true);
                let id = id.to_owned();
                match time(version.last_modified()) {
                    time if time < moment => {
                        history.add(time, is_newest, Some(OldVersion { id, head }));
                    }
                    _ => history.has_later = true,
                }
            }
            for deletion in page.delete_markers() {
                let Some(key) = deletion.key() else { continue };
                let time = time(deletion.last_modified());
                if time < moment {
                    let history = histories.entry(key.to_owned()).or_default();
                    history.add(time, deletion.is_latest() == Some(true), None);
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(histories);
            }
            let next = page.next_key_marker().map(str::to_owned);
            let version = page.next_version_id_marker().map(str::to_owned);
            let is_empty = page.versions().is_empty() && page.delete_markers().is_empty();
            empty = if is_empty { empty + 1 } else { 0 };
            let is_same = (&next, &version) == (&from_key, &from_version);
            if next.is_none() || is_same || empty > MOST_EMPTY_PAGES {
                return Err(endless(act));
            }
            (from_key, from_version) = (next, version);
        }
    }
}

/// A time of the server. What has none is new.
pub(super) fn time(time: Option<&SdkTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
