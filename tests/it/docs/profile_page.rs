//! `docs/profile.md` is made from the JSON Schema, so that it says what the program takes.
//!
//! After a change of `src/profile/document.rs`: `tests/accept.sh`.

use crate::support::golden;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use aam_auto_backup::parts::profile::schema;
use serde_json::{Map, Value};

use super::{page, root};

/// Keys are listed in the order of the types; the schema has lost it.
static TYPES: LazyLock<String> = LazyLock::new(|| {
    fn collect(directory: &Path, text: &mut String) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, text),
                false => text.push_str(&fs::read_to_string(path).unwrap()),
            }
        }
    }
    let mut text = page("src/profile/document.rs");
    collect(&root().join("src/profile/document"), &mut text);
    // Sections that need no preparation.
    text.push_str(&page("src/model/job/reporting.rs"));
    text
});

struct Page {
    text: String,
    /// Sections still to be written: the key path and the name of the type.
    ahead: Vec<(String, String)>,
}

fn definition(name: &str) -> &'static Value {
    &schema()["$defs"][name]
}

/// The type a schema refers to.
fn type_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

fn place_in_source(type_name: &str, key: &str) -> usize {
    let name = if key == "7z" {
        "seven_zip".to_owned()
    } else {
        key.replace('-', "_")
    };
    let start = TYPES.find(&format!("pub struct {type_name} ")).unwrap();
    TYPES[start..].find(&format!("pub {name}:")).unwrap()
}

/// `10m` of "How often. `10m` by default.", and the rest.
fn default_in_words(text: &str) -> (Option<String>, String) {
    let mut default = None;
    let mut rest = Vec::new();
    for sentence in text.split_inclusive(". ") {
        match sentence
            .trim_end()
            .strip_suffix(" by default.")
            .filter(|s| !s.contains(' '))
        {
            Some(value) => default = Some(value.trim_matches('`').to_owned()),
            None => rest.push(sentence),
        }
    }
    (default, rest.concat().trim().to_owned())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// The values of an enumeration, or the bounds of a number.
fn values(property: &Value) -> String {
    let shape = type_of(property).map_or(property, |name| definition(name));
    if let Some(options) = shape["oneOf"]
        .as_array()
        .filter(|o| o.iter().all(|o| o["const"].is_string()))
    {
        let one = |o: &Value| {
            format!(
                "<br>`{}`: {}",
                o["const"].as_str().unwrap(),
                o["description"].as_str().unwrap()
            )
        };
        return options.iter().map(one).collect();
    }
    match (property["minimum"].as_u64(), property["maximum"].as_u64()) {
        (Some(least), Some(most)) if least == most => String::new(),
        (Some(least), Some(most)) => format!(" {least} to {most}."),
        (Some(least), None) if least > 0 => format!(" At least {least}."),
        _ => String::new(),
    }
}

impl Page {
    fn section(&mut self, path: &str, type_name: &str, shape: &Value) {
        let properties: &Map<String, Value> = shape["properties"].as_object().unwrap();
        // A profile that extends another one need not have all of them.
        let required = shape["required"].as_array();
        let required = required.or(shape["else"]["required"].as_array());
        let required = |key: &str| required.is_some_and(|r| r.iter().any(|v| v == key));
        let keys = properties.keys().filter(|key| !key.starts_with('+'));
        let mut keys: Vec<&String> = keys.collect();
        keys.sort_by_key(|key| place_in_source(type_name, key));
        self.text
            .push_str("| key | default | meaning |\n|---|---|---|\n");
        for key in keys {
            let property = &properties[key];
            let words = property["description"]
                .as_str()
                .unwrap_or_else(|| panic!("'{path}.{key}' says nothing"));
            let (said, words) = default_in_words(&words.replace('\n', " "));
            let default = match (&property["default"], said) {
                _ if required(key) => "*required*".to_owned(),
                (Value::Null, Some(said)) => format!("`{said}`"),
                (Value::Null, None) => String::new(),
                (Value::Array(empty), _) if empty.is_empty() => String::new(),
                (default, _) => plain(default),
            };
            let below = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let more = self.link(&below, property);
            let line = format!(
                "| `{key}` | {default} | {words}{}{more} |",
                values(property)
            )
            .replace("\\|", "|");
            writeln!(self.text, "{line}").unwrap();
        }
    }

    /// A key with keys below it gets a section of its own.
    fn link(&mut self, path: &str, property: &Value) -> String {
        match type_of(property) {
            Some("Reference") => " See [secrets](#secrets).".to_owned(),
            Some("S3Credentials") if path != "destinations.s3.credentials" => {
                " As [`destinations.s3.credentials`](#destinationss3credentials).".to_owned()
            }
            Some(name) if definition(name)["properties"].is_object() => {
                self.ahead.push((path.to_owned(), name.to_owned()));
                format!(" See [below](#{}).", path.replace('.', ""))
            }
            _ if path == "sources" => {
                self.ahead
                    .push((path.to_owned(), "DetailedSource".to_owned()));
                " Each is a path, or has [options](#sources).".to_owned()
            }
            _ => String::new(),
        }
    }

    fn sections(&mut self) {
        while !self.ahead.is_empty() {
            let (path, name) = self.ahead.remove(0);
            let shape = definition(&name);
            writeln!(
                self.text,
                "\n## `{path}`\n\n{}\n",
                shape["description"].as_str().unwrap()
            )
            .unwrap();
            // What is found below comes next, before the neighbours.
            let later = std::mem::take(&mut self.ahead);
            self.section(&path, &name, shape);
            self.ahead.extend(later);
        }
    }

    fn secrets(&mut self) {
        let shape = definition("Reference");
        writeln!(
            self.text,
            "\n## Secrets\n\n{} One of:\n",
            shape["description"].as_str().unwrap()
        )
        .unwrap();
        for way in shape["oneOf"].as_array().unwrap() {
            let key = way["required"][0].as_str().unwrap();
            let example = match key {
                "env" => "{env: AAM_BACKUP_KEY}",
                "file" => "{file: /etc/aam-backup/key}",
                "command" => "{command: [pass, show, backup]}",
                "keyring" => "{keyring: {service: aam-backup, user: allen}}",
                other => panic!("no example of '{other}'"),
            };
            writeln!(
                self.text,
                "- `{example}`: {}",
                way["properties"][key]["description"].as_str().unwrap()
            )
            .unwrap();
        }
    }
}

#[test]
fn profile_page_is_made_from_the_schema() {
    let mut made = Page {
        text: String::new(),
        ahead: Vec::new(),
    };
    made.text.push_str(
        "<!-- Made from the types in src/profile/document by the test profile_page: change those, not this page. -->\n\n\
         # Every key of a profile\n\n\
         A profile is one YAML file with keys from these tables and no others. A time span is `90s`, `10m`, `2h` or \
         `1h 30m`. Write a Windows path in single quotes or none: `'C:\\Users\\Allen'`.\n\n",
    );
    made.section("", "Document", schema());
    made.sections();
    made.secrets();
    golden::compare(&root().join("docs/profile.md"), &made.text);
    // The defaults that only words tell.
    let job = super::load(
        "version: 1\nname: n\nlocation: l\nsources: [/a]\ndestinations: {directory: {path: /b}}\narchive: {encryption-key: {env: K}}\n\
         hooks: {before: [b]}\n",
    );
    let seconds = |span: std::time::Duration| span.as_secs();
    for (row, holds) in [
        ("| `keep-days` | `2` |", job.restore.keep_days == 2),
        (
            "| `keep-days` | `180` |",
            job.reporting.log.keep_days == 180,
        ),
        (
            "| `poll-every` | `30m` |",
            seconds(job.restore.poll_every) == 30 * 60,
        ),
        (
            "| `retry-every` | `10m` |",
            seconds(job.lock.retry_every) == 10 * 60,
        ),
        (
            "| `give-up-after` | `1h` |",
            job.reporting
                .hooks
                .before
                .is_some_and(|b| seconds(b.give_up_after) == 60 * 60),
        ),
        (
            "| `give-up-after` | `2h` |",
            seconds(job.lock.give_up_after) == 2 * 60 * 60,
        ),
    ] {
        assert!(page("docs/profile.md").contains(row) && holds, "{row}");
    }
}
