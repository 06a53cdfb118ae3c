//! The one writer of profiles: values as text become commented YAML, for `import` and `init`
//! (SPEC#commands).
//!
//! The values are not checked here: the caller checks the written profile like any other.

use std::collections::BTreeMap;

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_saphyr::{FlowMap, SerializerOptions};

use super::{RenderError, TEMPLATES};
use crate::model::policy::{Every, ExtraFiles, ForceFull};

/// A profile to be written. What is `None` or empty is left to its default.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Draft {
    /// Comment lines at the top.
    pub about: Vec<String>,
    pub name: String,
    pub location: String,
    pub sources: Vec<String>,
    /// Excluded directories.
    pub directories: Vec<String>,
    /// Excluded files.
    pub files: Vec<String>,
    /// Comment lines below the exclusions.
    pub left_out: Vec<String>,
    /// Where the snapshot is shown.
    pub mount: Option<String>,
    pub mirror: Option<DraftMirror>,
    pub s3: Option<DraftS3>,
    /// Path of the directory store.
    pub directory: Option<String>,
    pub archive: Option<DraftArchive>,
    pub schedule: Option<DraftSchedule>,
    pub force_full: Option<ForceFull>,
    pub lock: Option<DraftLock>,
    /// The log directory.
    pub log: Option<String>,
    pub email: Option<DraftEmail>,
    /// Stamps in local time, as v1.0 wrote them.
    pub local_time: bool,
    /// A first profile: what else could be in it is shown as comments.
    pub starter: bool,
}

/// `destinations.mirror`.
#[derive(Clone, Debug, Serialize)]
pub struct DraftMirror {
    pub path: String,
    pub extra_files: ExtraFiles,
}

/// `destinations.s3`.
#[derive(Clone, Debug, Serialize)]
pub struct DraftS3 {
    pub bucket: String,
    pub region: String,
    /// Nobody named the region.
    pub region_assumed: bool,
    pub credentials: Option<DraftCredentials>,
}

/// An access key, as references.
#[derive(Clone, Debug, Serialize)]
pub struct DraftCredentials {
    pub access_key_id: DraftReference,
    pub secret_access_key: DraftReference,
}

/// `archive`.
#[derive(Clone, Debug, Serialize)]
pub struct DraftArchive {
    pub key: DraftReference,
    pub volume_size: u64,
    /// The work directory has no room for archives.
    pub stream: bool,
}

/// `schedule`.
#[derive(Clone, Debug, Serialize)]
pub struct DraftSchedule {
    /// As in `02:30`; at least one.
    pub at: Vec<String>,
    pub every: Every,
}

/// `lock`, as time spans.
#[derive(Clone, Debug, Serialize)]
pub struct DraftLock {
    pub retry_every: String,
    pub give_up_after: String,
}

/// `email`.
#[derive(Clone, Debug, Serialize)]
pub struct DraftEmail {
    pub from_name: Option<String>,
    pub from: String,
    pub to: String,
    pub region: String,
    /// Nobody named the region.
    pub region_assumed: bool,
    pub credentials: Option<DraftCredentials>,
}

/// Where a secret is: the two kinds of reference that a written profile uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DraftReference {
    Env(String),
    File(String),
}

/// The profile as text.
///
/// # Errors
/// When the template is at fault.
pub fn text(draft: &Draft) -> Result<String, RenderError> {
    let file = "profile.yaml";
    let render = || {
        TEMPLATES
            .get_template(file)?
            .render(context! { ..minijinja::Value::from(Serde(draft)) })
    };
    render().map_err(|why| RenderError { file, why })
}

/// A text as a YAML value: plain where that is safe, else in single quotes, because in double
/// quotes `\` is not a backslash.
pub fn scalar(text: &str) -> String {
    let mut options = SerializerOptions::default();
    options.prefer_block_scalars = false;
    let written = serde_saphyr::to_string_with_options(&text, options).unwrap_or_default();
    let written = written.trim_end_matches('\n');
    let escaped = text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    // YAML takes more plain texts than a reader does: `-*`.
    let plain = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | '.'));
    match (!plain || written.starts_with('"')) && !escaped {
        true => format!("'{}'", text.replace('\'', "''")),
        false => written.to_owned(),
    }
}

/// A size as people write it, exactly: `4 GB`.
pub(super) fn exact_size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS
        .iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(
        || bytes.to_string(),
        |(unit, name)| format!("{} {name}", bytes / unit),
    )
}

/// `{env: NAME}`.
pub(super) fn reference(kind: &str, value: &str) -> String {
    let written = serde_saphyr::to_string(&FlowMap(BTreeMap::from([(kind, value)])));
    written
        .unwrap_or_default()
        .trim_end_matches('\n')
        .to_owned()
}

/// A comment of one line.
pub(super) fn remark(text: &str, indent: usize) -> String {
    format!("{:indent$}# {}\n", "", text.replace(char::is_control, " ")).replace("# \n", "#\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_plain_where_that_is_safe() {
        for (text, expected) in [
            (
                r"C:\Users\Allen\AAM posting\",
                r"C:\Users\Allen\AAM posting\",
            ),
            ("node_modules", "node_modules"),
            ("Q:", "'Q:'"),
            ("*.tmp", "'*.tmp'"),
            ("-*", "'-*'"),
            ("yes", "'yes'"),
            (r"C:\it's #1 ", r"'C:\it''s #1 '"),
            ("", "''"),
            ("a\nb", r#""a\nb""#),
        ] {
            assert_eq!(scalar(text), expected);
        }
        assert_eq!(reference("env", "AAM_BACKUP_KEY"), "{env: AAM_BACKUP_KEY}");
        assert_eq!(
            reference("file", r"C:\a, b\key"),
            r#"{file: "C:\\a, b\\key"}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn every_scalar_reads_back(text in "\\PC{0,12}|[ -~\t\n]{0,12}") {
            for (yaml, pick) in [(format!("k: {}\n", scalar(&text)), ""), (format!("k: {}\n", reference("file", &text)), "/file")] {
                let back: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
                proptest::prop_assert_eq!(back.pointer(&format!("/k{pick}")).unwrap(), &serde_json::json!(text), "{}", yaml);
            }
        }
    }

    #[test]
    fn sizes_are_exact() {
        for (bytes, expected) in [
            (4_000_000_000, "4 GB"),
            (1_500_000_000, "1500 MB"),
            (65_000, "65 kB"),
            (65_536, "65536"),
        ] {
            assert_eq!(exact_size(bytes), expected);
        }
    }
}
