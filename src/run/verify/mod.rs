//! Verification of what is kept, on any day (SPEC#verify): the mirror is compared with the source,
//! the archives with their markers. Nothing is changed.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::stamp::Stamp;
use crate::model::text::{count, size};
use crate::plan::verify::Sample;

pub mod mirror;
pub mod objects;

/// More than this of one kind is counted for people, and only listed for programs.
const MOST_SHOWN: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VerifyReport {
    pub sample: Sample,
    /// The mirror first, then the stores.
    pub places: Vec<VerifiedPlace>,
}

/// What was found in the mirror or in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VerifiedPlace {
    pub place: String,
    /// Files or objects that were read and compared.
    pub checked: u64,
    pub bytes: u64,
    /// Why nothing could be verified there.
    pub failed: Option<String>,
    pub damaged: Vec<Damage>,
    /// Files that differ since their source was changed after the last copy.
    pub changed: Vec<String>,
    pub not_checked: Vec<NotChecked>,
}

/// A damaged file or object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Damage {
    pub what: String,
    pub why: String,
    /// The backups that need it.
    pub costs: Vec<Stamp>,
    pub hint: String,
}

/// What was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NotChecked {
    pub what: String,
    pub why: String,
}

impl VerifyReport {
    /// Whether nothing is damaged, and every place could be looked at.
    pub fn is_whole(&self) -> bool {
        let is_whole = |place: &VerifiedPlace| place.damaged.is_empty() && place.failed.is_none();
        self.places.iter().all(is_whole)
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let Sample { percent, seed } = self.sample;
        let is_unread = |place: &VerifiedPlace| !place.not_checked.is_empty();
        let mut text = match percent >= 100.0 {
            true if self.places.iter().any(is_unread) => {
                "everything that could be read is verified\n".to_owned()
            }
            true => "everything is verified\n".to_owned(),
            false => {
                format!("a sample of {percent} % is verified; --seed {seed} chooses it again\n")
            }
        };
        for place in &self.places {
            text.push_str(&place.to_text());
        }
        text.push_str(match self.is_whole() {
            true => "no damage found\n",
            false => "DAMAGE FOUND\n",
        });
        text
    }
}

impl VerifiedPlace {
    fn to_text(&self) -> String {
        let mut lines = vec![format!(
            "{}: {} verified ({}), {} damaged",
            self.place,
            self.checked,
            size(self.bytes),
            self.damaged.len(),
        )];
        lines.extend(self.failed.iter().map(|why| format!("  error: {why}")));
        for damage in &self.damaged {
            lines.push(format!("  DAMAGED '{}': {}", damage.what, damage.why));
            if !damage.costs.is_empty() {
                let stamps: Vec<String> = damage.costs.iter().map(Stamp::to_string).collect();
                lines.push(format!("    needed by: {}", stamps.join(", ")));
            }
            lines.push(format!("    hint: {}", damage.hint));
        }
        let changed = self.changed.iter();
        let changed = changed.map(|path| format!("'{path}': changed since the backup"));
        lines.extend(first(changed));
        let unread = self.not_checked.iter();
        let unread = unread.map(|one| format!("'{}' is not verified: {}", one.what, one.why));
        lines.extend(first(unread));
        lines.join("\n") + "\n"
    }
}

/// The first of many lines, and how many there are more.
fn first(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_SHOWN) as u64;
    let lines = lines.take(MOST_SHOWN).map(|line| format!("  {line}"));
    let rest = (more > 0).then(|| format!("  ... and {}", count(more, "other")));
    lines.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_read_is_not_called_verified() {
        let mut report = VerifyReport {
            sample: Sample {
                percent: 100.0,
                seed: 0,
            },
            places: vec![VerifiedPlace::default()],
        };
        assert!(report.to_text().starts_with("everything is verified\n"));
        report.places[0].not_checked.push(NotChecked {
            what: "/a".to_owned(),
            why: "Permission denied".to_owned(),
        });
        let text = report.to_text();
        assert!(
            text.starts_with("everything that could be read is verified\n"),
            "{text}"
        );
    }
}
