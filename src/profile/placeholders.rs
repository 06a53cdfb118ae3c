//! A document from a value with errors in its shape, so that the logical checks can still look at
//! the rest.
//!
//! Wrong values are removed or replaced by placeholders. Nothing is reported about a placeholder.

use serde_json::{Value, json};

use super::document::Document;
use super::yaml::child;
use crate::profile::schema_errors::Shape;

/// The pointers whose values are not what the file says.
#[derive(Debug, Default)]
pub struct Broken(Vec<String>);

impl Broken {
    /// Whether the value at `pointer`, something above or something below it was replaced.
    pub fn touches(&self, pointer: &str) -> bool {
        let above = |a: &str, b: &str| {
            b.strip_prefix(a)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0
            .iter()
            .any(|broken| above(broken, pointer) || above(pointer, broken))
    }

    /// Whether the value at `pointer` or something above it was replaced.
    pub fn covers(&self, pointer: &str) -> bool {
        self.0.iter().any(|b| {
            pointer
                .strip_prefix(b.as_str())
                .is_some_and(|r| r.is_empty() || r.starts_with('/'))
        })
    }
}

/// The document, with placeholders where the shape is wrong. `None` if too little is valid.
pub fn document(mut value: Value, shape: &Shape) -> Option<(Document, Broken)> {
    let mut broken = Broken::default();
    for pointer in &shape.unknown {
        remove(&mut value, pointer);
    }
    for pointer in &shape.wrong {
        replace(&mut value, pointer);
        broken.0.push(pointer.clone());
    }
    for (pointer, key) in &shape.meant {
        broken.0.push(child(pointer, key));
    }
    for (pointer, key) in &shape.missing {
        if let Some(Value::Object(map)) = value.pointer_mut(pointer) {
            map.insert(key.clone(), stand_in(key).unwrap_or_else(|| json!("")));
            broken.0.push(child(pointer, key));
        }
    }
    Some((serde_json::from_value(value).ok()?, broken))
}

fn remove(value: &mut Value, pointer: &str) {
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(map)) = value.pointer_mut(parent)
    {
        map.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}

fn replace(value: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => match stand_in(key) {
            Some(stand_in) => drop(map.insert(key.to_owned(), stand_in)),
            None => drop(map.remove(key)),
        },
        // An empty text is never a path, a name or an address: every check reports it, and is not
        // heard.
        Some(Value::Array(items)) => {
            if let Some(item) = key.parse().ok().and_then(|i: usize| items.get_mut(i)) {
                *item = json!("");
            }
        }
        _ => {}
    }
}

/// The placeholder of a required key.
fn stand_in(key: &str) -> Option<Value> {
    Some(match key {
        "version" => json!(1),
        "sources" | "to" => json!([]),
        "destinations" => json!({}),
        "encryption-key" | "access-key-id" | "secret-access-key" => json!({"env": "STAND_IN"}),
        "name" | "location" | "path" | "bucket" | "region" | "from" | "service" | "user" => {
            json!("")
        }
        _ => return None,
    })
}
