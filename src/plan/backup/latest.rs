//! What a person wants to know of a store first: its latest complete backups. Pure.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::StoreFacts;
use crate::model::stamp::Stamp;

/// The latest complete backups of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Latest {
    /// The store as the user knows it.
    pub store: String,
    pub full: Option<Stamp>,
    /// The latest incremental on that full.
    pub incremental: Option<Stamp>,
}

impl Latest {
    pub(super) fn of(facts: &StoreFacts) -> Option<Latest> {
        let catalog = facts.catalog.as_ref().ok()?;
        let chain = catalog
            .latest_restorable()
            .map(|set| set.chain())
            .unwrap_or_default();
        Some(Latest {
            store: facts.label.clone(),
            full: chain.first().map(|b| b.id.full),
            incremental: chain.last().and_then(|b| b.id.incremental),
        })
    }
}

impl fmt::Display for Latest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.full, self.incremental) {
            (None, _) => write!(f, "{}: none", self.store),
            (Some(full), None) => write!(f, "{}: full {full}", self.store),
            (Some(full), Some(last)) => {
                write!(f, "{}: full {full}, incremental {last}", self.store)
            }
        }
    }
}
