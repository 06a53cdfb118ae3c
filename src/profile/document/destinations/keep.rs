//! The `keep` section of a store that is pruned.

use schemars::JsonSchema;
use serde::Deserialize;

use super::FieldChecks;
use crate::model::policy::Keep;
use crate::profile::mistake::Mistake;

/// Which sets are kept in a store. A set is kept if any rule covers it. Only whole sets are
/// deleted, and never the newest complete one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeepSection {
    /// Number of months whose newest set is kept. Months without a set do not count. `0` by
    /// default.
    #[serde(default)]
    #[schemars(example = 12)]
    pub monthly: u32,
    /// Number of years whose newest set is kept. Years without a set do not count. `0` by default.
    #[serde(default)]
    #[schemars(example = 3)]
    pub yearly: u32,
    /// Number of newest sets that are kept, regardless of their age. `2` by default.
    #[serde(default = "two")]
    #[schemars(range(min = 1), example = 2)]
    pub at_least: u32,
    /// Whether every successful run prunes. Otherwise only `aam-backup prune` does, which asks.
    #[serde(default)]
    pub automatic: bool,
}

fn two() -> u32 {
    2
}

impl KeepSection {
    /// The rules, of the section at `pointer`.
    pub(super) fn check(&self, pointer: &str, fields: &mut dyn FieldChecks) -> Keep {
        let KeepSection {
            monthly,
            yearly,
            at_least,
            automatic,
        } = *self;
        if at_least == 0 {
            let key = format!("{pointer}/at-least");
            fields.report(Mistake::value(key, "it must be at least 1".to_owned()));
        }
        Keep {
            monthly,
            yearly,
            at_least,
            automatic,
        }
    }
}
