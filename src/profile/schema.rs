//! The JSON Schema of a profile: made from [`Document`]'s types and comments, checked in as
//! `schemas/profile.schema.json` for editors, and used here to validate (SPEC#profile).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use clap::ValueEnum;
use jsonschema::Validator;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Value, json};

use super::document::{Document, in_words};
use crate::model::store::StoreName;

/// Names the schema, wherever it is kept. A new version of the format gets another one.
pub const ID: &str = "urn:aam-backup:profile:1";

/// The version of JSON Schema in which the schema is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaDraft {
    /// The newest.
    #[default]
    #[value(name = "2020-12")]
    Newest,
    /// For catalogs and tools that know no newer one.
    #[value(name = "7")]
    Seven,
}

impl SchemaDraft {
    /// What makes a schema of this version.
    pub fn settings(self) -> SchemaSettings {
        match self {
            SchemaDraft::Newest => SchemaSettings::draft2020_12(),
            SchemaDraft::Seven => SchemaSettings::draft07(),
        }
    }
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| made(SchemaDraft::Newest));

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&SCHEMA)
        .unwrap_or_else(|e| unreachable!("the schema is our own: {e}"))
});

/// The schema of a profile.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// The schema as it is checked in: pretty, with a line end.
pub fn text(draft: SchemaDraft) -> String {
    match draft {
        SchemaDraft::Newest => format!("{:#}\n", *SCHEMA),
        SchemaDraft::Seven => format!("{:#}\n", made(draft)),
    }
}

fn made(draft: SchemaDraft) -> Value {
    let generator = draft.settings().into_generator();
    let mut schema = generator.into_root_schema_for::<Document>();
    RecursiveTransform(without_null).transform(&mut schema);
    RecursiveTransform(unwrapped).transform(&mut schema);
    RecursiveTransform(joined).transform(&mut schema);
    RecursiveTransform(titled).transform(&mut schema);
    RecursiveTransform(explained).transform(&mut schema);
    RecursiveTransform(references).transform(&mut schema);
    RecursiveTransform(appended).transform(&mut schema);
    for definitions in ["$defs", "definitions"] {
        let types = schema.get_mut(definitions).and_then(Value::as_object_mut);
        for (name, shape) in types.into_iter().flatten() {
            title(shape, || type_in_words(name));
        }
    }
    schema.insert("$id".to_owned(), ID.into());
    schema.insert("title".to_owned(), "Backup profile".into());
    let (condition, consequence) = stores_need_archives();
    let required = schema.remove("required").unwrap_or_default();
    schema.insert("if".to_owned(), json!({"required": ["extends"]}));
    let whole = json!({"required": required, "if": condition, "then": consequence});
    schema.insert("else".to_owned(), whole);
    schema.insert("defaultSnippets".to_owned(), json!([starter()]));
    schema.to_value()
}

/// A profile with a store has a section `archive`. `check` says it in words.
fn stores_need_archives() -> (Value, Value) {
    let with = |store: &StoreName| {
        json!({
            "required": ["destinations"],
            "properties": {
                "destinations": {"type": "object", "required": [store.to_string()]},
            },
        })
    };
    let any: Vec<Value> = StoreName::value_variants().iter().map(with).collect();
    (json!({"anyOf": any}), json!({"required": ["archive"]}))
}

/// What an editor proposes in an empty file. Its keys are in the order of `$1`, `$2`…
fn starter() -> Value {
    json!({
        "label": "New profile",
        "description": "A profile with archives in a directory",
        "body": {
            "version": 1,
            "name": "${1:nightly}",
            "location": "${2:office-pc}",
            "sources": ["${3:/home/allen}"],
            "destinations": {"directory": {"path": "${4:/mnt/nas/backup}"}},
            "archive": {"encryption-key": {"file": "${5:/etc/aam-backup/archive.key}"}},
        },
    })
}

/// Says in words what a pattern means.
fn explained(schema: &mut Schema) {
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let Some(words) = pattern.and_then(in_words) {
        let words = words.to_owned();
        schema.insert("patternErrorMessage".to_owned(), words.into());
    }
}

/// Simple types are one type with several names: an editor then shows what the key is about, not
/// what one of the types is about.
fn joined(schema: &mut Schema) {
    let Some(Value::Array(branches)) = schema.get("anyOf") else {
        return;
    };
    let types: Option<Vec<Value>> = branches.iter().map(|b| b.get("type").cloned()).collect();
    let Some(types) = types else { return };
    let rules: Vec<(String, Value)> = branches
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|branch| branch.clone())
        .filter(|(key, _)| !matches!(key.as_str(), "type" | "title" | "description" | "examples"))
        .collect();
    schema.remove("anyOf");
    schema.insert("type".to_owned(), types.into());
    for (key, value) in rules {
        schema.insert(key, value);
    }
}

/// A choice between objects of one key each. The description belongs to that key, because the
/// object as a whole is described by the key that it is the value of.
fn references(schema: &mut Schema) {
    let Some(Value::Array(branches)) = schema.get_mut("oneOf") else {
        return;
    };
    let mut snippets = Vec::new();
    for branch in branches.iter_mut().filter_map(Value::as_object_mut) {
        let (title, description) = (branch.get("title").cloned(), branch.remove("description"));
        let inner = branch.get_mut("properties").and_then(Value::as_object_mut);
        let inner = inner.into_iter().flatten().next();
        let (Some((key, Value::Object(inner))), Some(title)) = (inner, title) else {
            if let Some(description) = description {
                branch.insert("description".to_owned(), description);
            }
            continue;
        };
        inner.insert("title".to_owned(), title.clone());
        inner.extend(description.map(|text| ("description".to_owned(), text)));
        snippets.push(json!({"label": title, "body": {key.as_str(): "$1"}}));
        branch.insert("errorMessage".to_owned(), NOT_A_REFERENCE.into());
    }
    if !snippets.is_empty() {
        schema.insert("type".to_owned(), "object".into());
        schema.insert("errorMessage".to_owned(), NOT_A_REFERENCE.into());
        schema.insert("defaultSnippets".to_owned(), snippets.into());
    }
}

/// What an editor says about a secret in a profile.
const NOT_A_REFERENCE: &str =
    "A secret is not written in a profile: write {file: PATH} or {env: NAME}.";

/// `+key` beside each list, for profiles that extend another one. They are merged before a profile
/// is validated.
fn appended(schema: &mut Schema) {
    // A branch of a reference is replaced as a whole.
    if schema.get("errorMessage").is_some() {
        return;
    }
    let keys = schema.get_mut("properties").and_then(Value::as_object_mut);
    let Some(keys) = keys else { return };
    let lists = keys
        .iter()
        .filter(|(_, property)| property["type"] == "array");
    let mut lists: Vec<(String, Value)> = lists
        .map(|(key, property)| (format!("+{key}"), property.clone()))
        .collect();
    for (key, property) in &mut lists {
        let plain = key.trim_start_matches('+');
        let about = format!("Appended to the list `{plain}` of the profile that `extends` names.");
        property["description"] = about.into();
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
    keys.extend(lists);
}

/// An editor shows the title of a key above its description.
fn titled(schema: &mut Schema) {
    let keys = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (key, property) in keys.into_iter().flatten() {
        title(property, || key_in_words(key));
    }
    let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for branch in branches.into_iter().flatten() {
        if let Some(word) = branch.get("const").and_then(Value::as_str) {
            let word = word.to_owned();
            title(branch, || word);
        }
    }
}

fn title(shape: &mut Value, words: impl FnOnce() -> String) {
    if let Some(shape) = shape.as_object_mut().filter(|s| !s.contains_key("title")) {
        shape.insert("title".to_owned(), words().into());
    }
}

/// `volume-size` as `Volume size`.
fn key_in_words(key: &str) -> String {
    let words = key.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// `MirrorSection` as `Mirror`.
fn type_in_words(name: &str) -> String {
    let name = name.trim_end_matches("Section").trim_end_matches("Policy");
    let mut words = String::new();
    for letter in name.chars() {
        match letter.is_uppercase() && !words.is_empty() {
            true => words.extend([' '].into_iter().chain(letter.to_lowercase())),
            false => words.push(letter),
        }
    }
    words
}

/// The path of every key, such as `destinations.s3.bucket`; the shortest ones first.
pub fn key_paths() -> &'static [String] {
    static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut paths = BTreeSet::new();
        collect_paths(&SCHEMA, "", &mut paths);
        let mut paths: Vec<String> = paths.into_iter().collect();
        paths.sort_by_key(|path| path.matches('.').count());
        paths
    });
    &PATHS
}

/// Adds the keys of a part of the schema, which is at the path `at`.
fn collect_paths(part: &Value, at: &str, paths: &mut BTreeSet<String>) {
    let definition = part.get("$ref").and_then(Value::as_str);
    // The keys of a reference to a secret are below every secret.
    if definition.is_some_and(|name| name.ends_with("/Reference")) {
        return;
    }
    let definition = definition.and_then(|name| SCHEMA.pointer(name.strip_prefix('#')?));
    let branches = ["oneOf", "anyOf", "allOf"].iter();
    let branches = branches.filter_map(|name| part.get(name)?.as_array());
    let same_place = definition.into_iter().chain(part.get("items"));
    for part in same_place.chain(branches.flatten()) {
        collect_paths(part, at, paths);
    }
    let keys = part.get("properties").and_then(Value::as_object);
    // `+key` is for editors.
    for (key, value) in keys
        .into_iter()
        .flatten()
        .filter(|(k, _)| !k.starts_with('+'))
    {
        let path = match at {
            "" => key.clone(),
            at => format!("{at}.{key}"),
        };
        if paths.insert(path.clone()) {
            collect_paths(value, &path, paths);
        }
    }
}

/// The compiled schema.
pub(crate) fn validator() -> &'static Validator {
    &VALIDATOR
}

/// A doc comment is wrapped for its source file; an editor wraps a description for its window.
pub fn unwrapped(schema: &mut Schema) {
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
