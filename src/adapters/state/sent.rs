//! What this computer sent to each store, so that a later run can check whether it is still there
//! (SPEC#state).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{State, checked};
use crate::adapters::fs::create_private_directory;
use crate::model::name::ObjectName;
use crate::model::object::Object;
use crate::model::stamp::Stamp;

pub(super) const FILE: &str = "sent.json";

/// The objects of complete backups, by store as the user knows it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SentRecord {
    version: u32,
    /// Bytes by key.
    stores: BTreeMap<String, BTreeMap<String, u64>>,
}

impl State {
    /// What was sent to a store. Nothing where the record is lost or cannot be read.
    pub fn sent(&self, store: &str) -> Vec<Object> {
        let mut record = read(&self.directory.join(FILE));
        let objects = record.stores.remove(store).unwrap_or_default();
        objects
            .into_iter()
            .map(|(key, size)| Object { key, size })
            .collect()
    }

    /// The newest backup that each store was sent.
    pub fn newest_sent(&self) -> Vec<Stamp> {
        let record = read(&self.directory.join(FILE));
        let newest = |objects: &BTreeMap<String, u64>| {
            let names = objects.keys().filter_map(|key| ObjectName::parse(key));
            names.map(|name| name.backup.stamp()).max()
        };
        record.stores.values().filter_map(newest).collect()
    }

    /// Records the objects of a complete backup, and forgets those whose set is no longer in the
    /// store. `listed` is the content of the store.
    ///
    /// # Errors
    /// When state cannot be written.
    pub fn note_sent(
        &self,
        store: &str,
        objects: &[Object],
        kept: &dyn Fn(&str) -> bool,
    ) -> io::Result<()> {
        create_private_directory(&self.directory)?;
        let path = self.directory.join(FILE);
        let mut record = read(&path);
        record.version = 1;
        let known = record.stores.entry(store.to_owned()).or_default();
        known.retain(|key, _| kept(key));
        known.extend(
            objects
                .iter()
                .map(|object| (object.key.clone(), object.size)),
        );
        checked::write(&path, &record)
    }
}

fn read(path: &Path) -> SentRecord {
    checked::read(path)
        .filter(|record: &SentRecord| record.version == 1)
        .unwrap_or_default()
}
