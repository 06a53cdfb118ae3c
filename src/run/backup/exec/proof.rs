//! The proof that a store holds what it was sent (SPEC#upload).

use super::Execution;
use crate::adapters::state::State;
use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::catalog::{Backup, Catalog};
use crate::model::name::{BackupId, ObjectName};
use crate::model::object::Object;
use crate::model::stamp::Stamp;

impl Execution<'_> {
    /// A backup is complete when the store lists what was sent, not when it answered that it has
    /// it: a portal, a cache or a gateway in between may answer too.
    pub(super) fn is_listed(
        &self,
        store: &dyn Store,
        backup: BackupId,
        sent: &[Object],
    ) -> Result<(), StoreError> {
        let location = &self.plan.location;
        let listed = store.list(&ObjectName::backup_prefix(location, backup))?;
        let mut catalog = Catalog::new(location, listed);
        let state = State::of(location);
        let missing = sent.iter().find(|object| {
            catalog.compare(std::slice::from_ref(object));
            catalog.set(backup.full).is_none()
        });
        let lost = catalog
            .set(backup.full)
            .and_then(|set| set.backups().find_map(Backup::lost))
            .map(|lost| lost.to_string())
            .or_else(|| missing.map(|object| format!("the object '{}' is not there", object.key)));
        if let Some(why) = lost {
            return Err(StoreError {
                store: store.label().to_owned(),
                what: format!("listing the backup {}", backup.stamp()),
                why: format!("{why}, although the store took it"),
                kind: StoreErrorKind::Other,
                hint: "something between this computer and the store answers in its place: look \
                       at the endpoint, a proxy, or a network that asks for a login"
                    .to_owned(),
            });
        }
        let holds = |key: &str| {
            let name = ObjectName::parse(key);
            name.is_some_and(|name| self.is_kept(store.label(), name.backup.full))
        };
        self.saved(state.note_sent(store.label(), sent, &holds));
        Ok(())
    }

    /// Whether the store held something of this set when the run began.
    fn is_kept(&self, label: &str, full: Stamp) -> bool {
        self.listed
            .iter()
            .any(|(store, sets)| store == label && sets.contains(&full))
    }
}
