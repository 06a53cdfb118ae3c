//! The check that a store has what was sent to it (SPEC#upload).

use std::collections::BTreeMap;

use super::Execution;
use crate::adapters::state::{State, uploads};
use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::name::ObjectName;
use crate::model::object::Object;
use crate::model::stamp::Stamp;
use crate::model::upload_record::Unfinished;

impl Execution<'_> {
    /// Makes sure that a store lists objects as they were sent. An answer alone proves nothing,
    /// because it may come from a portal, a cache or a gateway.
    pub(super) fn prove_listed(
        &self,
        store: &dyn Store,
        unfinished: &mut Unfinished,
        sent: &[Object],
    ) -> Result<(), StoreError> {
        let prefix = ObjectName::backup_prefix(&self.plan.location, unfinished.backup);
        let listed = store.list(&prefix)?.into_iter();
        let listed: BTreeMap<String, u64> =
            listed.map(|object| (object.key, object.size)).collect();
        let lost = sent
            .iter()
            .find_map(|Object { key, size }| match listed.get(key) {
                None => Some(format!("the object '{key}' is not there")),
                Some(found) if found != size => Some(format!(
                    "the object '{key}' has {found} bytes instead of {size}"
                )),
                Some(_) => None,
            });
        let Some(why) = lost else { return Ok(()) };
        // A missing object is sent again, so its file must stay.
        unfinished.keep_listed(store.label(), &listed);
        self.saved(uploads::save(unfinished));
        Err(StoreError {
            store: store.label().to_owned(),
            what: format!("listing the backup {}", unfinished.backup.stamp()),
            why: format!("{why}, although the store accepted it"),
            kind: StoreErrorKind::Other,
            hint: "something between this computer and the store answers in its place: check the \
                   endpoint, a proxy, or a network that asks for a login"
                .to_owned(),
        })
    }

    /// Keeps in local state what a complete backup consists of, for later runs to compare.
    pub(super) fn keep_sent(&self, store: &dyn Store, sent: &[Object]) {
        let holds = |key: &str| {
            let name = ObjectName::parse(key);
            name.is_some_and(|name| self.is_kept(store.label(), name.backup.full))
        };
        let state = State::of(&self.plan.location);
        self.saved(state.note_sent(store.label(), sent, &holds));
    }

    /// Whether the store held something of this set when the run began.
    fn is_kept(&self, label: &str, full: Stamp) -> bool {
        self.listed
            .iter()
            .any(|(store, sets)| store == label && sets.contains(&full))
    }
}
