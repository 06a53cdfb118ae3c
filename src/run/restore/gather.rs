//! Reads what the planner of a restore needs from stores: their listing and markers (SPEC#restore).
//! Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapters::state::State;
use crate::adapters::store::{Store, StoreError};
use crate::model::catalog::Catalog;
use crate::model::event::{Events, Section};
use crate::model::lifecycle::Lifecycle;
use crate::model::marker;
use crate::model::name::ObjectName;
use crate::model::text::count;
use crate::plan::restore::build::{self, Planning};
use crate::plan::restore::plan::{RestoreOptions, RestorePlan};
use crate::plan::restore::written_before::WrittenBefore;

use super::error::RestoreError;

/// What a store has of a location, in all months.
///
/// # Errors
/// When the store cannot be listed.
pub fn catalog(store: &dyn Store, location: &str) -> Result<Catalog, StoreError> {
    let mut objects = store.list(&ObjectName::location_prefix(location))?;
    // The deprecated names, only to count them.
    objects.extend(store.list(&format!("{location}:"))?);
    let mut catalog = Catalog::new(location, objects);
    // On the computer that was backed up, local state knows what was sent.
    catalog.compare(&State::of(location).sent(store.label()));
    Ok(catalog)
}

/// As [`catalog`]; with a moment, what the store had received before it. Also what is said of the
/// rest.
///
/// # Errors
/// When the store cannot be listed.
pub fn catalog_before(
    store: &dyn Store,
    location: &str,
    before: Option<WrittenBefore>,
) -> Result<(Catalog, Vec<String>), StoreError> {
    let Some(before) = before else {
        return Ok((catalog(store, location)?, Vec::new()));
    };
    let received = store.list_before(&ObjectName::location_prefix(location), before.moment())?;
    let label = store.label();
    let mut said = Vec::new();
    if received.later > 0 {
        let later = count(received.later, "object");
        said.push(format!(
            "{label}: {later} written at {before} or later not used"
        ));
    }
    if received.older_versions > 0 {
        let older = count(received.older_versions, "object");
        let text = format!("{label}: {older} overwritten or deleted since read as before {before}");
        said.push(text);
    }
    if let Some(error) = received.without_versions {
        said.push(format!(
            "{error}; what was overwritten or deleted since is missing, because older versions \
             cannot be listed"
        ));
    }
    // Local state is not asked: it knows later objects too.
    Ok((Catalog::new(location, received.objects), said))
}

/// What a store does with old objects by itself. It is no failure if the credentials may not know.
pub fn lifecycle(store: &dyn Store) -> Lifecycle {
    match store.as_s3().map(|s3| s3.lifecycle()) {
        None => Lifecycle::None,
        Some(Ok(rules)) => Lifecycle::Rules(rules),
        Some(Err(error)) => Lifecycle::Unknown(error.why),
    }
}

/// Which locations a store has, if it lacks the wanted one.
///
/// # Errors
/// When the store cannot be listed.
pub fn locations(store: &dyn Store) -> Result<BTreeSet<String>, StoreError> {
    Ok(Catalog::locations(&store.list("")?))
}

/// Plans a restore, reading the markers the planner asks for.
///
/// # Errors
/// When there is nothing complete to restore, what is there is damaged, or a marker cannot be read.
pub fn plan(
    store: &dyn Store,
    catalog: &Catalog,
    options: &RestoreOptions,
    events: &Events<'_>,
) -> Result<RestorePlan, RestoreError> {
    let mut markers = BTreeMap::new();
    loop {
        match build::decide(options, catalog, &markers)? {
            Planning::Ready(plan) => return Ok(*plan),
            Planning::NeedsMarkers(objects) => {
                for object in objects {
                    let key = object.key.clone();
                    events.detail(
                        Section::Objects,
                        format!("reading '{key}' in {}", store.label()),
                    );
                    let read = store
                        .read_listed(&object, marker::MAX_BYTES)
                        .map_err(RestoreError::from);
                    let bytes = read.map_err(RestoreError::index(&key))?;
                    markers.insert(key, bytes);
                }
            }
        }
    }
}
