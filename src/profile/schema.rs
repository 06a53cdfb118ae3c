//! The JSON Schema of a profile: made from [`Document`]'s types and comments, checked in as
//! `schemas/profile.schema.json` for editors, and used here to validate (SPEC#profile).

use std::sync::LazyLock;

use jsonschema::Validator;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::document::Document;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Document>();
    RecursiveTransform(without_null).transform(&mut schema);
    RecursiveTransform(unwrapped).transform(&mut schema);
    schema.to_value()
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&SCHEMA)
        .unwrap_or_else(|e| unreachable!("the schema is our own: {e}"))
});

/// The schema of a profile.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// The schema as it is checked in: pretty, with a line end.
pub fn text() -> String {
    format!("{:#}\n", *SCHEMA)
}

/// The compiled schema.
pub(crate) fn validator() -> &'static Validator {
    &VALIDATOR
}

/// A doc comment is wrapped for its source file; an editor wraps a description for its window.
fn unwrapped(schema: &mut Schema) {
    let Some(Value::String(text)) = schema.get_mut("description") else {
        return;
    };
    let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
    *text = paragraphs.join("\n\n");
}

/// An optional key is left out, not set to nothing: `email:` with everything below it commented out
/// is more likely an accident than a wish.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    // `Option<f>` says `default: null`, which an absent key means anyway.
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| branch.get("type").is_none_or(|t| t != "null"));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}
