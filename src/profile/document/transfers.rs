//! How uploads and downloads use the line, as a profile writes it (SPEC#upload).

use schemars::JsonSchema;
use serde::Deserialize;

use super::LIMIT;
use crate::model::bandwidth::{MOST_CONNECTIONS, SMALLEST};

/// How uploads or downloads use the line. It applies to stores that are reached over a network.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TransferSection {
    /// How many parts of archives are sent or received at a time. More of them use a fast line with
    /// a long delay better, and each takes up to 16 MiB of memory. 4 by default.
    #[schemars(range(min = 1, max = MOST_CONNECTIONS), example = 4)]
    pub connections: Option<u32>,
    /// The most bytes per second, of all connections together, such as `2MB`. An entry can be
    /// limited to a time of day (local time), such as `08:00-18:00 2MB`. In a list, the first entry
    /// that covers the current time applies. Otherwise, and by default, the speed is unlimited.
    pub limit: Option<LimitSection>,
}

/// One limit, or several by the time of day.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(example = &"2MB", example = ["08:00-18:00 2MB", "20MB"])]
pub enum LimitSection {
    /// Bytes per second.
    #[schemars(title = "Bytes per second")]
    Bytes(#[schemars(range(min = SMALLEST))] u64),
    /// A size such as `2MB`, or a time of day and a size.
    #[schemars(title = "Size per second")]
    One(#[schemars(regex(pattern = LIMIT))] String),
    /// The first entry that covers the current time applies.
    #[schemars(title = "Limits by the time of day")]
    Several(#[schemars(length(min = 1), inner(regex(pattern = LIMIT)))] Vec<String>),
}

impl LimitSection {
    /// Each limit, with the place of its text below the section.
    pub fn texts(&self) -> Vec<(String, String)> {
        match self {
            LimitSection::Bytes(bytes) => vec![(String::new(), bytes.to_string())],
            LimitSection::One(text) => vec![(String::new(), text.clone())],
            LimitSection::Several(texts) => {
                let numbered = texts.iter().enumerate();
                numbered
                    .map(|(i, text)| (format!("/{i}"), text.clone()))
                    .collect()
            }
        }
    }
}
