//! What a branch of the schema is about, read from the place in the schema that an error names.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::profile::schema;

/// The word of a branch of a choice.
pub(super) fn word(errors: &[ValidationError<'static>]) -> Option<&'static str> {
    errors.iter().find_map(|error| match error.kind() {
        Kind::Constant { .. } => schema::schema()
            .pointer(error.schema_path().as_str())?
            .as_str(),
        // A branch reports its wrong type first, with its word.
        Kind::Type { .. } => schema::schema()
            .pointer(error.schema_path().as_str().strip_suffix("/type")?)?
            .get("const")?
            .as_str(),
        _ => None,
    })
}

/// The one key of a branch of a reference.
pub(super) fn tag(errors: &[ValidationError<'static>]) -> Option<&'static str> {
    errors.iter().find_map(|error| {
        let (branch, _) = error
            .schema_path()
            .as_str()
            .split_once("/oneOf/")
            .and_then(|(head, rest)| {
                let number = rest.split('/').next()?;
                Some((format!("{head}/oneOf/{number}"), number))
            })?;
        match schema::schema()
            .pointer(&branch)?
            .get("required")?
            .as_array()?
            .as_slice()
        {
            [only] => only.as_str(),
            _ => None,
        }
    })
}

/// The types a branch wants, when the value itself is of another.
pub(super) fn wrong_type<'e>(
    errors: &'e [ValidationError<'static>],
    pointer: &str,
) -> Option<&'e TypeKind> {
    errors.iter().find_map(|error| match error.kind() {
        Kind::Type { kind } if error.instance_path().as_str() == pointer => Some(kind),
        _ => None,
    })
}

/// Whether the part of the schema that an error is about is also a choice.
pub(super) fn has_branches(error: &ValidationError<'_>) -> bool {
    let path = error.schema_path().as_str().rsplit_once('/');
    let part = path.and_then(|(part, _)| schema::schema().pointer(part));
    part.is_some_and(|part| part.get("oneOf").is_some())
}

/// The keys of the object in which an unknown one was found.
pub(super) fn known_keys(error: &ValidationError<'_>) -> Vec<&'static str> {
    let object = error
        .schema_path()
        .as_str()
        .rsplit_once('/')
        .and_then(|(parent, _)| schema::schema().pointer(parent));
    let properties = object
        .and_then(|o| o.get("properties"))
        .and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(|p| p.keys())
        .map(String::as_str)
        // `+key` is for editors.
        .filter(|key| !key.starts_with('+'))
        .collect()
}
