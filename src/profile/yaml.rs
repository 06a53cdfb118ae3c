//! YAML text -> one JSON value and the place of every key and value in the text.
//!
//! The text is parsed once. The later steps work on the JSON value and look up positions in
//! [`Positions`]. Nothing here knows what a profile is.

mod node;

use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::mistake::Mistake;
use super::position::{Position, Positions};
use node::YamlNode;

/// The largest profile that is read. A profile is written by hand; more is a mistake or an attack.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// A parsed text.
#[derive(Clone, Debug)]
pub struct YamlTree {
    pub value: Value,
    pub places: Positions,
    /// Keys given twice.
    pub duplicates: Vec<Mistake>,
}

/// `pointer` with one more key, escaped as RFC 6901 says.
pub fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Decodes the bytes of a file: UTF-8, with or without a byte order mark.
///
/// # Errors
/// When they are anything else; the finding says where.
pub fn decode(bytes: &[u8]) -> Result<&str, Mistake> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(
            Mistake::at(Position::default(), "the file is UTF-16, not UTF-8")
                .hint("save it again with the encoding UTF-8 (in Notepad: Save as, Encoding)"),
        );
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            Err(Mistake::at(
                Position {
                    line,
                    column,
                    ..Position::default()
                },
                "the file is not UTF-8 text",
            )
            .hint("save it again with the encoding UTF-8"))
        }
    }
}

/// Parses a text into one document.
///
/// # Errors
/// When it is not YAML, is empty, or holds several documents. YAML errors end the parse: there is
/// only one.
pub fn parse(text: &str) -> Result<YamlTree, Mistake> {
    let root: Spanned<YamlNode> = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| syntax(text, &error))?;
    if matches!(root.value, YamlNode::Null) {
        return Err(empty());
    }
    let mut tree = YamlTree {
        value: Value::Null,
        places: Positions::default(),
        duplicates: Vec::new(),
    };
    tree.value = lower(root, String::new(), &mut tree.places, &mut tree.duplicates);
    Ok(tree)
}

fn options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    options.strict_booleans = true;
    options.with_snippet = false;
    options.reject_unsupported_tags = true;
    options.merge_keys = serde_saphyr::options::MergeKeyPolicy::Error;
    // Found by `lower`, all of them, each with its place.
    options.duplicate_keys = serde_saphyr::options::DuplicateKeyPolicy::PassThrough;
    options.alias_limits.max_total_replayed_events = 1000;
    options.alias_limits.max_replay_stack_depth = 4;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = 32;
    }
    options
}

/// The parser's error, reworded if that helps. Its own messages repeat at most one character of the
/// text, never a word, because a word may be a secret.
fn syntax(text: &str, error: &serde_saphyr::Error) -> Mistake {
    use serde_saphyr::Error as E;
    let error = error.without_snippet();
    let place = error.location().map(Position::from).unwrap_or_default();
    let finding = |message: &str| Mistake::at(place, message);
    let mut near = text.lines().skip(place.line.saturating_sub(1));
    let line = near.next().unwrap_or_default();
    let tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    let special = line
        .chars()
        .nth(place.column.saturating_sub(1))
        .is_some_and(|c| "*&%@`!".contains(c));
    let cause = match error {
        E::AliasError { error, .. } => error.without_snippet(),
        other => other,
    };
    match cause {
        E::Eof { .. } => empty(),
        E::MultipleDocuments { .. } => finding("a second document starts here")
            .hint("a file holds one profile: remove the line `---`"),
        E::MergeKeyNotAllowed { .. } | E::MergeValueNotMapOrSeqOfMaps { .. } => {
            finding("merge keys (`<<`) are not supported").hint("write the keys out")
        }
        E::UnknownAnchor { .. } => {
            finding("a text that starts with `*` is an alias, and its anchor does not exist")
                .hint("put the text in single quotes")
        }
        E::UnsupportedTag { .. } => {
            finding("a text that starts with `!` is a tag").hint("put the text in single quotes")
        }
        E::Budget { .. }
        | E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => {
            finding("the values are nested too deeply or repeated too often")
        }
        E::ExternalMessage { msg, .. } => {
            let finding = finding(&format!("not valid YAML: {msg}"));
            if line.contains('"') && line.contains('\\') {
                finding.hint(
                    "in double quotes a backslash starts an escape: use single quotes or none",
                )
            } else if tab(line) || near.next().is_some_and(tab) {
                finding.hint("indent with spaces, not tabs")
            } else if special {
                finding.hint("put a text that starts with a special character in single quotes")
            } else {
                finding.hint(
                    "look at the indentation, colons, quotes and brackets here and just above",
                )
            }
        }
        // What is left is a key that is a list, a map or nothing, or a number no computer has.
        _ => finding(
            "a key must be a plain text, and a value a text, a number, a list or keys and values",
        ),
    }
}

fn empty() -> Mistake {
    Mistake::at(Position::default(), "the profile is empty")
        .hint("begin with one of the profiles in `examples`")
}

fn duplicate(key: &str, place: Position, first: usize) -> Mistake {
    let message = format!("the key '{}' is given twice", key.escape_debug());
    Mistake::at(place, message).hint(format!("it is already on line {first}: merge the two"))
}

fn lower(
    node: Spanned<YamlNode>,
    pointer: String,
    places: &mut Positions,
    duplicates: &mut Vec<Mistake>,
) -> Value {
    places
        .values
        .insert(pointer.clone(), node.referenced.into());
    if !matches!(node.value, YamlNode::List(_) | YamlNode::Map(_)) {
        // An alias shows nothing, but its value does.
        places.scalars.extend([
            (pointer.clone(), node.referenced.into()),
            (pointer.clone(), node.defined.into()),
        ]);
    }
    match node.value {
        YamlNode::Null => Value::Null,
        YamlNode::Bool(b) => Value::Bool(b),
        YamlNode::Number(n) => Value::Number(n),
        YamlNode::Text(t) => Value::String(t),
        YamlNode::List(items) => {
            let lowered = items.into_iter().enumerate();
            Value::Array(
                lowered
                    .map(|(i, item)| {
                        lower(item, child(&pointer, &i.to_string()), places, duplicates)
                    })
                    .collect(),
            )
        }
        YamlNode::Map(entries) => {
            let mut map = Map::new();
            for (key, item) in entries {
                let inner = child(&pointer, &key.value);
                let place = Position::from(key.referenced);
                if map.contains_key(&key.value) {
                    let first = places.key(&inner).map_or(0, |p| p.line);
                    duplicates.push(duplicate(&key.value, place, first).path(&inner));
                    // The place of the second value is worth masking too, but the first one counts.
                    let _ = lower(
                        item,
                        format!("{inner}#{}", duplicates.len()),
                        places,
                        duplicates,
                    );
                    continue;
                }
                places.keys.insert(inner.clone(), place);
                let value = lower(item, inner, places, duplicates);
                map.insert(key.value, value);
            }
            Value::Object(map)
        }
    }
}
