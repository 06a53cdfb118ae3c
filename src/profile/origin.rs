//! The effective values of a profile and where each comes from, for `show` (SPEC#profile).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::compose::{Composed, compose};
use super::diagnose::Diagnostics;
use super::mask;
use super::yaml::child;
use super::{decoded, read, schema, variables};

/// A profile as it takes effect: merged, with variables replaced and defaults added.
#[derive(Clone, Debug)]
pub struct Effective {
    composed: Composed,
    pub value: Value,
}

/// Where a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// File and line.
    File(PathBuf, usize),
    Default,
}

/// Reads a profile that is valid.
///
/// # Errors
/// When it cannot be read.
pub fn effective(path: &Path) -> Result<Effective, Diagnostics> {
    let bytes = read(path)?;
    let composed = compose(path, decoded(path, &bytes)?)?;
    let mut value = composed.value.clone();
    // `check` reports what is not defined.
    variables::expand(&mut value);
    add_defaults(&mut value, schema::schema());
    masked(&mut value, "");
    Ok(Effective { composed, value })
}

impl Effective {
    /// The origin of the value at a pointer.
    pub fn origin(&self, pointer: &str) -> Origin {
        let place = self.composed.places.value(pointer);
        let file = place.and_then(|place| self.composed.texts.get(place.file));
        match (place, file) {
            (Some(place), Some(file)) => Origin::File(file.path.clone(), place.line),
            _ => Origin::Default,
        }
    }
}

/// The defaults of the keys that a section does not have. Sections are not added.
fn add_defaults(value: &mut Value, shape: &Value) {
    let reference = shape["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
    let shape = match reference.and_then(|pointer| schema::schema().pointer(pointer)) {
        Some(shape) => shape,
        None => shape,
    };
    let (Value::Object(keys), Some(properties)) = (value, shape["properties"].as_object()) else {
        return;
    };
    for (key, property) in properties {
        if let Some(value) = keys.get_mut(key) {
            add_defaults(value, property);
            continue;
        }
        match &property["default"] {
            Value::Null | Value::Object(_) | Value::Array(_) => {}
            default => drop(keys.insert(key.clone(), default.clone())),
        }
    }
}

/// Nothing that could be a secret is shown: arguments of programs that print one, and addresses
/// that anyone who knows them can use.
fn masked(value: &mut Value, pointer: &str) {
    let words: Vec<&str> = pointer.split('/').collect();
    match value {
        Value::Object(keys) => {
            for (key, value) in keys.iter_mut() {
                masked(value, &child(pointer, key));
            }
        }
        Value::Array(items) if words.last() == Some(&"command") => {
            items
                .iter_mut()
                .skip(1)
                .for_each(|word| *word = "***".into());
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                masked(item, &child(pointer, &number.to_string()));
            }
        }
        Value::String(text) if words.get(1) == Some(&"ping") && text.contains("://") => {
            let host = text.split('/').nth(2).unwrap_or_default().to_owned();
            let scheme = text.split(':').next().unwrap_or_default().to_owned();
            *text = format!("{scheme}://{host}/***");
        }
        Value::String(text) => *text = mask::message(std::mem::take(text)),
        _ => {}
    }
}

/// The keys of a section, the required ones of a profile first.
pub fn ordered(keys: &Map<String, Value>) -> Vec<&String> {
    const FIRST: [&str; 6] = [
        "version",
        "name",
        "location",
        "sources",
        "exclude",
        "destinations",
    ];
    let rank = |key: &str| FIRST.iter().position(|first| *first == key);
    let mut ordered: Vec<&String> = keys.keys().collect();
    ordered.sort_by_key(|key| rank(key).unwrap_or(FIRST.len()));
    ordered
}
