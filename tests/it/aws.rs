//! `examples/aws` and `docs/aws.md`: the policies are what IAM takes, allow what the program calls
//! and nothing else, and the page's commands set all of it up.

mod actions;
mod enforced;
mod page;
mod setup;
mod terraform;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/aws")
}

/// A file of `examples/aws` as it is, with its placeholders.
fn policy(name: &str) -> Value {
    let path = directory().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// One text or several.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().map(|item| item.as_str().unwrap()).collect(),
        other => panic!("not a text: {other}"),
    }
}

fn statements(policy: &Value) -> &Vec<Value> {
    policy["Statement"].as_array().unwrap()
}
