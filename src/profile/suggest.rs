//! What was probably meant: near keys and values, and the habits of v1.0 and of other tools.

use std::borrow::Cow;

use crate::model::job::Destination;

/// The nearest of `known` to `given`, when it is near enough to be meant.
pub fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let given = plain(given);
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&given, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Up to three of the paths whose key is called so, or nearly so: it was put in a wrong place.
pub fn elsewhere(given: &str, paths: &[String]) -> Option<String> {
    const MOST: usize = 3;
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let names: Vec<String> = paths.iter().map(|path| last(path)).collect();
    let meant = near(given, names.iter().map(String::as_str))?;
    let named = paths.iter().zip(&names).filter(|(_, name)| *name == meant);
    let quoted: Vec<String> = named
        .take(MOST)
        .map(|(path, _)| format!("'{path}'"))
        .collect();
    let (last, others) = quoted.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        others => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

/// The replacement of a v1.0 argument or of a key that users may expect.
pub fn habit(key: &str) -> Option<Cow<'static, str>> {
    let key = key.to_lowercase().replace(['_', ' '], "-");
    let hint = match key.as_str() {
        "mode" | "operation" | "operation-type" => {
            "the mode is chosen at a run: `run --mode regular` or `incremental-only`"
        }
        "python" | "python-path" | "execution-agent" | "agent" => "no longer needed: remove it",
        "instruction-file" | "instructions" => "list the directories under `sources` and `exclude`",
        "drive" | "drive-letter" | "shadow-drive" | "shadow-drive-letter" => {
            "write `snapshot: {mount: 'Q:'}`"
        }
        "destination" | "local" | "aws" => {
            let kinds = Destination::all_in_words();
            return Some(format!("write `destinations:` with {kinds} below it").into());
        }
        "keep-files" | "keep-extra-files" | "delete-extra-files" | "purge" => {
            "write `extra-files: keep` or `extra-files: delete` below `destinations.mirror`"
        }
        "key" | "aes-key" | "password" | "passphrase" | "encryption-password" => {
            "write `archive: {encryption-key: {env: NAME}}`"
        }
        "access-key" | "aws-access-key-id" | "secret-key" | "aws-secret-access-key" => {
            "write `access-key-id` and `secret-access-key` below `destinations.s3.credentials`"
        }
        "force-full-backup" | "automatic-force-full" => {
            "write `force-full: never`, `always` or `when-profile-changes`"
        }
        "excludes" | "exclusions" | "ignore" => {
            "write `exclude:` with `directories` and `files` below it"
        }
        "directories" | "paths" | "include" | "includes" => {
            "directories to back up are listed under `sources`"
        }
        "recipient" | "recipients" => "write `to: [address]` below `email`",
        "sender" => "write `from: address` below `email`",
        "retention" => "write `keep: {monthly: 12, yearly: 5}` below a store",
        _ => return None,
    };
    Some(hint.into())
}

/// The word for a value that users may expect.
pub fn word(pointer: &str, value: &str) -> Option<&'static str> {
    let value = value.to_lowercase();
    match (pointer.rsplit('/').next()?, value.as_str()) {
        ("every", "daily" | "night" | "nightly") => Some("write `day`"),
        ("every", "hourly") => Some("write `hour`"),
        ("every", "week" | "weekly") => Some("name the day of the week: `friday`"),
        ("every", "month" | "monthly") => {
            Some("write `day`, or name a day of the week: an incremental backup is small")
        }
        _ => flag(pointer, &value),
    }
}

/// How a section is written that users may write in another shape.
pub fn shape(pointer: &str) -> Option<&'static str> {
    (pointer == "/exclude").then_some(
        "names of directories and of files are listed apart: write \
         `exclude: {directories: [cache], files: ['*.tmp']}`",
    )
}

/// v1.0's `yes` and `no`, where there are words now.
fn flag(pointer: &str, value: &str) -> Option<&'static str> {
    let yes = match value {
        "yes" | "true" | "on" => true,
        "no" | "false" | "off" => false,
        _ => return None,
    };
    match (pointer.rsplit('/').next()?, yes) {
        ("force-full", true) => Some("write `always`, or `when-profile-changes`"),
        ("force-full", false) => Some("write `never`"),
        ("extra-files", true) => Some("write `keep`"),
        ("extra-files", false) => Some("write `delete`"),
        _ => None,
    }
}
