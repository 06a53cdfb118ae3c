//! What rclone lists.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{PARTIAL, RcloneStore, parsed};
use crate::adapters::store::{StoreError, StoreErrorKind};
use crate::model::object::Object;

/// What `lsjson` says about a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoteFile {
    path: String,
    pub(super) size: i64,
    pub(super) is_dir: bool,
    /// Empty if it was not asked for.
    #[serde(default)]
    mod_time: String,
}

impl RcloneStore {
    /// Every object of a prefix, sorted by key, with its time. One whose time is not known is new.
    pub(super) fn listed(
        &self,
        prefix: &str,
        times: &[&str],
    ) -> Result<Vec<(Object, DateTime<Utc>)>, StoreError> {
        let act = self.act("listing", &format!("{prefix}*"));
        let arguments = ["lsjson", "--files-only", "--no-mimetype"];
        let arguments = [&arguments[..], times, &[self.remote.as_str()]].concat();
        let listed: Vec<RemoteFile> = parsed(&act, &self.printed(&act, &arguments)?)?;
        let is_ours = |l: &RemoteFile| l.path.starts_with(prefix) && !l.path.starts_with(PARTIAL);
        let object = |listed: RemoteFile| {
            let size = u64::try_from(listed.size).map_err(|_| {
                let why = format!("the size of '{}' is not known", listed.path);
                let hint = "choose a remote that knows sizes";
                act.error(StoreErrorKind::Other, why, hint)
            })?;
            let time = DateTime::parse_from_rfc3339(&listed.mod_time);
            let time = time.map_or(DateTime::<Utc>::MAX_UTC, |time| time.to_utc());
            let key = listed.path;
            Ok((Object { key, size }, time))
        };
        let ours = listed.into_iter().filter(|l| !l.is_dir && is_ours(l));
        let mut objects = ours.map(object).collect::<Result<Vec<_>, StoreError>>()?;
        objects.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        Ok(objects)
    }
}
