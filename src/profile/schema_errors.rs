//! Schema errors in plain English.
//!
//! The validator says which keyword failed. For `anyOf` and `oneOf` it says how every branch
//! failed; here only the intended branch is reported. Values are quoted only where no secret can
//! be.

mod branch;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::mask::names_secret;
use super::yaml::child;
use super::{schema, suggest};
use crate::model::job::Destination;
use crate::profile::mistake::Mistake;
use branch::{has_branches, known_keys, tag, word, wrong_type};

/// What to write instead of a secret.
pub const REFERENCE_HINT: &str =
    "put the secret in a file or environment variable and write `{env: NAME}`";

/// What the schema says about a value.
#[derive(Debug, Default)]
pub struct Shape {
    pub findings: Vec<Mistake>,
    /// Texts that do not match their pattern: said only when no check says it better.
    pub patterns: Vec<Mistake>,
    /// Pointers of keys that do not exist.
    pub unknown: Vec<String>,
    /// Pointers of values of a wrong kind.
    pub wrong: Vec<String>,
    /// Keys that are missing, with the pointer of what they are missing from.
    pub missing: Vec<(String, String)>,
    /// Keys that unknown ones were probably meant to be, with the pointer of the object.
    pub meant: Vec<(String, String)>,
}

/// Validates a value against the schema of a profile.
pub fn validate(value: &Value) -> Shape {
    let mut shape = Shape::default();
    for error in schema::validator().iter_errors(value) {
        shape.add(&error);
    }
    // A misspelt key is not missing as well.
    let missing = std::mem::take(&mut shape.missing);
    for key in &missing {
        if !shape.meant.contains(key) {
            shape.findings.push(missing_key(&key.0, &key.1));
        }
    }
    shape.missing = missing;
    shape
}

/// The limit that a value exceeds.
fn limit(kind: &Kind) -> String {
    match kind {
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::MinItems { limit: 1 } => "is an empty list".to_owned(),
        Kind::MinLength { limit: 1 } => "is an empty text".to_owned(),
        Kind::MaxLength { limit } => format!("is longer than {limit} characters"),
        // No other keyword is in the schema; a new one is at least reported, without the value.
        other => format!("breaks the rule '{}' of the schema", other.keyword()),
    }
}

impl Shape {
    fn add(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str().to_owned();
        let instance = error.instance();
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let known = known_keys(error);
                for key in unexpected {
                    self.unknown_key(&pointer, key, &known);
                }
            }
            // A rule about several keys is for editors; `check` says it better.
            Kind::Required { .. } if error.schema_path().as_str().contains("/then/") => {}
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                self.missing.push((pointer, key.to_owned()));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.branches(&pointer, instance, context)
            }
            Kind::OneOfMultipleValid { .. } => self.bad(
                &pointer,
                "is ambiguous: it matches more than one form".to_owned(),
                None,
            ),
            Kind::Pattern { .. } => self
                .patterns
                .push(Mistake::value(&pointer, "does not have the required form")),
            Kind::MinProperties { .. } if pointer == "/destinations" => {
                self.findings.push(no_destination());
                self.wrong.push(pointer);
            }
            Kind::Enum { options } => {
                let options: Vec<&str> = options
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                self.choice(&pointer, instance, &options);
            }
            Kind::Constant { expected_value } => {
                let options: Vec<&str> = expected_value.as_str().into_iter().collect();
                self.choice(&pointer, instance, &options);
            }
            // Its branches say it, as of a secret.
            Kind::Type { .. } if has_branches(error) => {}
            Kind::Type { kind } => self.kind(&pointer, instance, &type_names(kind)),
            Kind::Minimum { .. } | Kind::Maximum { .. } if pointer == "/version" => self.bad(
                &pointer,
                format!("version {instance} of the profile format is not known"),
                Some("write `version: 1`".to_owned()),
            ),
            other => self.bad(&pointer, limit(other), None),
        }
    }

    fn bad(&mut self, pointer: &str, message: String, hint: Option<String>) {
        let mut finding = Mistake::value(pointer, message);
        finding.hint = hint;
        self.findings.push(finding);
        self.wrong.push(pointer.to_owned());
    }

    fn unknown_key(&mut self, pointer: &str, key: &str, known: &[&str]) {
        let unknown = child(pointer, key);
        let finding = Mistake::key(&unknown, format!("unknown key '{}'", key.escape_debug()));
        let hint = match suggest::near(key, known.iter().copied()) {
            Some(near) => {
                self.meant.push((pointer.to_owned(), near.to_owned()));
                format!("did you mean '{near}'?")
            }
            None => match suggest::habit(key) {
                Some(habit) => habit.into_owned(),
                None => suggest::elsewhere(key, schema::key_paths())
                    .unwrap_or_else(|| format!("the known keys here are {}", known.join(", "))),
            },
        };
        self.findings.push(finding.hint(hint));
        self.unknown.push(unknown);
    }

    /// Which branch was meant: a choice of words, a credential reference, or the branch of the
    /// value's own type.
    fn branches(
        &mut self,
        pointer: &str,
        instance: &Value,
        context: &[Vec<ValidationError<'static>>],
    ) {
        let options: Vec<&str> = context.iter().filter_map(|errors| word(errors)).collect();
        if options.len() == context.len() && !options.is_empty() {
            return self.choice(pointer, instance, &options);
        }
        let tags: Vec<&str> = context.iter().filter_map(|errors| tag(errors)).collect();
        if tags.len() == context.len() && !tags.is_empty() {
            return self.reference(pointer, instance, context, &tags);
        }
        let meant: Vec<_> = context
            .iter()
            .filter(|errors| wrong_type(errors, pointer).is_none())
            .collect();
        match meant.as_slice() {
            [] => {
                let kinds: Vec<String> = context
                    .iter()
                    .filter_map(|errors| wrong_type(errors, pointer))
                    .flat_map(type_names)
                    .collect();
                self.kind(pointer, instance, &kinds);
            }
            [errors, ..] => errors.iter().for_each(|error| self.add(error)),
        }
    }

    /// A value that must be one of several words.
    fn choice(&mut self, pointer: &str, instance: &Value, options: &[&str]) {
        let list = options.join(", ");
        match instance {
            Value::String(text) => {
                let hint = match suggest::near(text, options.iter().copied()) {
                    Some(near) => Some(format!("did you mean '{near}'?")),
                    None => suggest::word(pointer, text).map(str::to_owned),
                };
                self.bad(
                    pointer,
                    format!("'{}' is not one of {list}", text.escape_debug()),
                    hint,
                );
            }
            Value::Null => self.empty(pointer),
            other => {
                let hint = suggest::word(pointer, &other.to_string()).map(str::to_owned);
                self.bad(
                    pointer,
                    format!("is {}, but must be one of {list}", article(other)),
                    hint,
                );
            }
        }
    }

    /// A credential reference: exactly one of its keys.
    fn reference(
        &mut self,
        pointer: &str,
        instance: &Value,
        context: &[Vec<ValidationError<'static>>],
        tags: &[&str],
    ) {
        let list = tags.join(", ");
        let Value::Object(map) = instance else {
            let what = if instance.is_null() {
                "is empty"
            } else {
                "must not be written in a profile"
            };
            return self.bad(
                pointer,
                format!("a secret {what}"),
                Some(REFERENCE_HINT.to_owned()),
            );
        };
        let given: Vec<&str> = map
            .keys()
            .map(String::as_str)
            .filter(|key| tags.contains(key))
            .collect();
        match given.as_slice() {
            // The key may be the secret itself, written as `{hunter2}`: only one that is nearly
            // right is repeated.
            [] => match map
                .keys()
                .next()
                .filter(|key| suggest::near(key, tags.iter().copied()).is_some())
            {
                Some(key) => {
                    self.unknown_key(pointer, key, tags);
                    self.wrong.push(pointer.to_owned());
                }
                None => self.bad(
                    pointer,
                    format!("needs one of {list}"),
                    Some(REFERENCE_HINT.to_owned()),
                ),
            },
            [one] => {
                for (errors, _) in context.iter().zip(tags).filter(|(_, tag)| *tag == one) {
                    self.reference_by(pointer, one, errors);
                }
            }
            several => {
                let hint = format!("keep one of {}", several.join(", "));
                self.bad(
                    pointer,
                    "names more than one place for a secret".to_owned(),
                    Some(hint),
                );
            }
        }
    }

    /// What is wrong with a reference by this key.
    fn reference_by(&mut self, pointer: &str, key: &str, errors: &[ValidationError<'static>]) {
        for error in errors {
            match error.kind() {
                // The value of another key beside a valid one may be a secret too.
                Kind::AdditionalProperties { .. } => {
                    self.bad(pointer, format!("has other keys besides '{key}'"), None);
                }
                _ => self.add(error),
            }
            if !matches!(error.kind(), Kind::Pattern { .. }) {
                self.wrong.push(pointer.to_owned());
            }
        }
    }

    /// A value of the wrong type.
    fn kind(&mut self, pointer: &str, instance: &Value, wanted: &[String]) {
        if instance.is_null() {
            return self.empty(pointer);
        }
        let key = pointer.rsplit('/').next().unwrap_or_default();
        let list = wanted.join(" or ");
        let hint = match instance {
            _ if suggest::shape(pointer).is_some() => suggest::shape(pointer).map(str::to_owned),
            Value::Number(_) | Value::Bool(_) if names_secret(key) => None,
            Value::Number(n) if matches!(key, "retry-every" | "give-up-after" | "poll-every") => {
                Some(format!(
                    "write the unit: `{n}s` for seconds, `{n}m` for minutes"
                ))
            }
            Value::Number(_) | Value::Bool(_) if wanted.iter().any(|w| w == "text") => {
                Some("put it in single quotes".to_owned())
            }
            Value::String(text)
                if wanted == ["a list"] && !names_secret(pointer) && !names_secret(text) =>
            {
                Some(format!(
                    "write `[{}]` or one `- ` line for each",
                    quoted(text)
                ))
            }
            Value::String(text) if wanted == ["true or false"] => {
                match text.to_lowercase().as_str() {
                    "yes" | "on" => Some("write `true`".to_owned()),
                    "no" | "off" => Some("write `false`".to_owned()),
                    _ => None,
                }
            }
            Value::String(text) if wanted == ["a whole number"] && text.parse::<u64>().is_ok() => {
                Some("write it without quotes".to_owned())
            }
            Value::Object(_) if wanted.iter().any(|w| w == "text") => {
                Some("a text with `: ` or `{` in it needs single quotes".to_owned())
            }
            Value::Array(_) if wanted == ["keys and values"] => {
                Some("write `key: value` lines without `- `".to_owned())
            }
            _ => None,
        };
        self.bad(
            pointer,
            format!("is {}, but must be {list}", article(instance)),
            hint,
        );
    }

    fn empty(&mut self, pointer: &str) {
        let hint = "give it a value, or remove the key".to_owned();
        self.bad(pointer, "has no value".to_owned(), Some(hint));
    }
}

fn missing_key(pointer: &str, key: &str) -> Mistake {
    let finding = Mistake::key(pointer, format!("the key '{key}' is missing"));
    match key {
        "version" => finding.hint("add `version: 1`"),
        _ if names_secret(key) => finding.hint(format!("add `{key}: {{env: NAME}}`")),
        _ => finding,
    }
}

/// The finding of a profile without a destination.
pub fn no_destination() -> Mistake {
    Mistake::key("/destinations", "no destination is given")
        .hint(format!("add {} below it", Destination::all_in_words()))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn type_names(kind: &TypeKind) -> Vec<String> {
    let name = |t: JsonType| {
        match t {
            JsonType::Null => "nothing",
            JsonType::Boolean => "true or false",
            JsonType::Integer => "a whole number",
            JsonType::Number => "a number",
            JsonType::String => "text",
            JsonType::Array => "a list",
            JsonType::Object => "keys and values",
        }
        .to_owned()
    };
    match kind {
        TypeKind::Single(one) => vec![name(*one)],
        TypeKind::Multiple(many) => many.iter().map(name).collect(),
    }
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(n) if n.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "keys and values",
    }
}
