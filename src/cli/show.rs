//! `show`: the effective profile, with the origin of each value.

use serde_json::Value;

use super::{Exit, Global, output};
use crate::profile::{self, Effective, Origin, Search, ordered};
use crate::render::profile::scalar;

/// Show the effective profile, with the file and line of each value
///
/// Profiles that it extends are merged, variables are replaced, and defaults are added. Secrets are
/// not shown. Example: `aam-backup show nightly`.
#[derive(Debug, clap::Args)]
pub struct EffectiveArgs {
    /// Profile, by path or by name
    profile: String,
}

impl EffectiveArgs {
    pub fn run(self, global: &Global) -> Exit {
        let search = Search::new(global.profiles.as_deref());
        let shown = search
            .load(&self.profile)
            .and_then(|job| profile::effective(&job.profile));
        match shown {
            Ok(effective) => output::result(text(&effective)),
            Err(diagnostics) => {
                output::note(diagnostics);
                Exit::Usage
            }
        }
    }
}

/// A line of YAML and where it comes from.
struct Line {
    text: String,
    origin: Option<Origin>,
}

/// YAML that is a profile again, with a comment behind each value.
fn text(effective: &Effective) -> String {
    let mut lines = Vec::new();
    add(effective, &effective.value, "", "", &mut lines);
    let widest = lines.iter().map(|line| line.text.chars().count());
    // A long line does not push all comments away.
    let column = widest
        .filter(|width| *width <= 60)
        .max()
        .unwrap_or_default();
    let one = |line: &Line| {
        let comment = match &line.origin {
            None => return format!("{}\n", line.text),
            Some(Origin::Default) => "default".to_owned(),
            Some(Origin::File(path, number)) => format!("{}:{number}", path.display()),
        };
        format!("{:column$}  # {comment}\n", line.text)
    };
    lines.iter().map(one).collect()
}

fn add(effective: &Effective, value: &Value, pointer: &str, indent: &str, lines: &mut Vec<Line>) {
    let Value::Object(keys) = value else { return };
    for key in ordered(keys) {
        let (value, pointer) = (&keys[key], profile::child(pointer, key));
        let leaf = |text: String| Line {
            text,
            origin: Some(effective.origin(&pointer)),
        };
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                lines.push(Line {
                    text: format!("{indent}{key}:"),
                    origin: None,
                });
                add(effective, value, &pointer, &format!("{indent}  "), lines);
            }
            Value::Array(items) if !items.is_empty() => {
                lines.push(Line {
                    text: format!("{indent}{key}:"),
                    origin: None,
                });
                for (number, item) in items.iter().enumerate() {
                    let pointer = profile::child(&pointer, &number.to_string());
                    lines.push(Line {
                        text: format!("{indent}  - {}", flow(item)),
                        origin: Some(effective.origin(&pointer)),
                    });
                }
            }
            other => lines.push(leaf(format!("{indent}{key}: {}", flow(other)))),
        }
    }
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => match text.contains([',', '{', '}', '[', ']', '#', ':']) {
            true => format!("'{}'", text.replace('\'', "''")),
            false => scalar(text),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(keys) => {
            let keys = keys
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
