//! A profile and those that it `extends` as one value, with the place of each part in its file
//! (SPEC#profile).
//!
//! Keys are merged at every depth; a text, a number or a list replaces that of the base, and
//! `+key` appends to its list.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::diagnose::Diagnostics;
use super::mistake::Mistake;
use super::position::{Position, Positions, SourceText};
use super::yaml::{self, child};

/// How many profiles can extend each other: more is hard to follow.
const DEEPEST: usize = 8;

/// The key that names the base.
const EXTENDS: &str = "extends";

/// A profile that may consist of several files.
#[derive(Clone, Debug)]
pub struct Composed {
    pub value: Value,
    pub places: Positions,
    /// Keys given twice, and lists that cannot be appended to.
    pub findings: Vec<Mistake>,
    /// The profile first.
    pub texts: Vec<SourceText>,
}

/// Reads the profiles that a text extends, and merges them.
///
/// # Errors
/// When one of them cannot be read or is not YAML.
pub fn compose(path: &Path, text: &str) -> Result<Composed, Diagnostics> {
    let mut texts = Vec::new();
    match layer(path, text, &mut texts, &mut Vec::new()) {
        Ok(Layer {
            value,
            places,
            findings,
        }) => Ok(Composed {
            value,
            places,
            findings,
            texts,
        }),
        Err(mistake) => Err(Diagnostics::new(
            &texts,
            &Positions::default(),
            vec![mistake],
        )),
    }
}

struct Layer {
    value: Value,
    places: Positions,
    findings: Vec<Mistake>,
}

/// A file with everything that it extends. `above` are the files that extend it.
fn layer(
    path: &Path,
    text: &str,
    texts: &mut Vec<SourceText>,
    above: &mut Vec<PathBuf>,
) -> Result<Layer, Mistake> {
    let file = texts.len();
    texts.push(SourceText {
        path: path.to_owned(),
        text: text.to_owned(),
        places: Positions::default(),
    });
    let mut tree = yaml::parse(text).map_err(|mistake| mistake.in_file(file))?;
    tree.places.set_file(file);
    if let Some(own) = texts.get_mut(file) {
        own.places = tree.places.clone();
    }
    let mut own = Layer {
        value: tree.value,
        places: tree.places,
        findings: tree
            .duplicates
            .into_iter()
            .map(|d| d.in_file(file))
            .collect(),
    };
    let base = match &own.value {
        Value::Object(keys) => keys.get(EXTENDS).and_then(Value::as_str),
        _ => None,
    };
    let Some(base) = base.map(str::to_owned) else {
        let mut merge = Merge::new(Positions::default(), &mut own);
        let value = merge.values(Value::Object(Map::new()), None, "");
        own.value = value;
        return Ok(own);
    };
    let place = own.places.value(&child("", EXTENDS)).unwrap_or_default();
    above.push(identity(path));
    let base = path.parent().unwrap_or(Path::new("")).join(base);
    let base = extended(&base, place, texts, above)?;
    above.pop();
    if let Value::Object(keys) = &mut own.value {
        keys.remove(EXTENDS);
    }
    own.findings.extend(base.findings);
    let mut merge = Merge::new(base.places, &mut own);
    let value = merge.values(base.value, None, "");
    own.value = value;
    Ok(own)
}

/// The profile that is named at `place`.
fn extended(
    base: &Path,
    place: Position,
    texts: &mut Vec<SourceText>,
    above: &mut Vec<PathBuf>,
) -> Result<Layer, Mistake> {
    let refused = |why: String| Mistake::at(place, why).path(&child("", EXTENDS));
    if above.contains(&identity(base)) {
        return Err(refused(format!("'{}' extends itself", base.display())));
    }
    if above.len() > DEEPEST {
        let text = format!("more than {DEEPEST} profiles extend each other");
        return Err(refused(text));
    }
    let unreadable = |diagnostics: Diagnostics| {
        let why = diagnostics.iter().next().map(|d| d.message.clone());
        let why = format!("'{}' {}", base.display(), why.unwrap_or_default());
        refused(why).hint("the path is relative to the directory of this file")
    };
    let bytes = super::read(base).map_err(unreadable)?;
    let text = super::decoded(base, &bytes).map_err(unreadable)?;
    layer(base, text, texts, above)
}

/// The file that a path means, under whatever name.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

struct Merge<'l> {
    base: Positions,
    own: &'l mut Layer,
}

impl Merge<'_> {
    fn new(base: Positions, own: &mut Layer) -> Merge<'_> {
        Merge { base, own }
    }

    /// The value at a pointer. `own` is that of the whole layer at first.
    fn values(&mut self, base: Value, own: Option<Value>, pointer: &str) -> Value {
        let own = own.unwrap_or_else(|| self.own.value.take());
        let (Value::Object(mut base), Value::Object(own)) = (base, own.clone()) else {
            return own;
        };
        let mut merged = Map::new();
        for (key, value) in own {
            let here = child(pointer, &key);
            let (key, value) = match key.strip_prefix('+') {
                Some(plain) => {
                    let plain = plain.to_owned();
                    let list = base.remove(&plain);
                    if merged.contains_key(&plain) {
                        let text = format!("'{plain}' and '+{plain}' are both given");
                        self.refuse(&here, text, "keep one of them");
                        continue;
                    }
                    let list = self.appended(list, value, pointer, &plain);
                    (plain, list)
                }
                None => {
                    if let Some(added) = merged.remove(&key) {
                        drop(added);
                        let text = format!("'{key}' and '+{key}' are both given");
                        self.refuse(&here, text, "keep one of them");
                    }
                    // A section without a base can append too: to nothing.
                    let before = base.remove(&key);
                    let before = before.unwrap_or_else(|| Value::Object(Map::new()));
                    let value = self.values(before, Some(value), &here);
                    (key, value)
                }
            };
            merged.insert(key, value);
        }
        for (key, value) in base {
            self.own.places.adopt(&self.base, &child(pointer, &key));
            merged.insert(key, value);
        }
        Value::Object(merged)
    }

    /// `+key`: the list of the base, and then the own one.
    fn appended(&mut self, base: Option<Value>, own: Value, at: &str, key: &str) -> Value {
        let (from, to) = (child(at, &format!("+{key}")), child(at, key));
        let mut items = match base {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                self.own.places.adopt(&self.base, &to);
                items
            }
            Some(other) => {
                self.refuse(
                    &from,
                    format!("'{key}' is not a list"),
                    "write it without '+'",
                );
                self.own.places.adopt(&self.base, &to);
                return other;
            }
        };
        let Value::Array(more) = own else {
            self.refuse(&from, format!("'+{key}' is not a list"), "write a list");
            return Value::Array(items);
        };
        self.own.places.shift(&from, &to, items.len());
        items.extend(more);
        Value::Array(items)
    }

    fn refuse(&mut self, pointer: &str, text: String, hint: &str) {
        let place = self.own.places.key(pointer).unwrap_or_default();
        let mistake = Mistake::at(place, text).path(pointer).hint(hint);
        self.own.findings.push(mistake);
    }
}

impl Positions {
    fn set_file(&mut self, file: usize) {
        let all = self.keys.values_mut().chain(self.values.values_mut());
        all.for_each(|place| place.file = file);
    }

    /// Takes over the places of a value and of everything in it.
    fn adopt(&mut self, other: &Positions, pointer: &str) {
        let inside = |found: &str| {
            let rest = found.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let copy = |from: &std::collections::HashMap<String, Position>| {
            let found = from.iter().filter(|(found, _)| inside(found));
            found
                .map(|(found, place)| (found.clone(), *place))
                .collect::<Vec<_>>()
        };
        self.keys.extend(copy(&other.keys));
        self.values.extend(copy(&other.values));
    }

    /// The items of the list at `from` are now those of the list at `to`, behind `offset` others.
    fn shift(&mut self, from: &str, to: &str, offset: usize) {
        let moved = |pointer: &str| -> Option<String> {
            let rest = pointer.strip_prefix(from)?.strip_prefix('/')?;
            let (number, rest) = match rest.split_once('/') {
                Some((number, rest)) => (number, format!("/{rest}")),
                None => (rest, String::new()),
            };
            let number: usize = number.parse().ok()?;
            Some(format!("{to}/{}{rest}", number + offset))
        };
        for places in [&mut self.keys, &mut self.values] {
            let found: Vec<(String, Position)> = places
                .iter()
                .filter_map(|(pointer, place)| Some((moved(pointer)?, *place)))
                .collect();
            places.extend(found);
            if let Some(place) = places.get(from).copied() {
                places.entry(to.to_owned()).or_insert(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn files(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Composed, Diagnostics>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let (name, text) = files[0];
        let composed = compose(&dir.path().join(name), text);
        (dir, composed)
    }

    #[test]
    fn keys_are_merged_and_lists_replaced_or_appended_to() {
        let (_dir, composed) = files(&[
            (
                "own",
                "extends: base\nname: own\na:\n  b: 2\n  +list: [3]\nplain: [9]\nnew:\n  +list: [7]\n",
            ),
            (
                "base",
                "name: base\na:\n  b: 1\n  c: 1\n  list:\n    - 1\n    - 2\nplain: [1, 2]\nonly: x\n",
            ),
        ]);
        let composed = composed.unwrap();
        assert_eq!(
            composed.value,
            json!({
                "name": "own",
                "a": {"b": 2, "c": 1, "list": [1, 2, 3]},
                "plain": [9],
                "only": "x",
                "new": {"list": [7]},
            })
        );
        assert!(composed.findings.is_empty(), "{:?}", composed.findings);
        let place = |pointer: &str| {
            let place = composed.places.value(pointer).unwrap();
            (place.file, place.line)
        };
        for (pointer, expected) in [
            ("/name", (0, 2)),
            ("/a/b", (0, 4)),
            ("/a/c", (1, 4)),
            ("/a/list/0", (1, 6)),
            ("/a/list/1", (1, 7)),
            ("/a/list/2", (0, 5)),
            ("/plain/0", (0, 6)),
            ("/only", (1, 9)),
            ("/new/list/0", (0, 8)),
        ] {
            assert_eq!(place(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn a_profile_that_extends_extends_further() {
        let (_dir, composed) = files(&[
            ("a", "extends: b\nx: 1\n"),
            ("b", "extends: c\ny: 2\n+list: [2]\n"),
            ("c", "z: 3\nlist: [1]\n"),
        ]);
        let value = composed.unwrap().value;
        assert_eq!(value, json!({"x": 1, "y": 2, "z": 3, "list": [1, 2]}));
    }

    #[test]
    fn what_cannot_be_merged_is_said_at_its_place() {
        for (own, base, said) in [
            ("extends: gone\n", "", "own:1:10: /extends: '"),
            ("x: 1\nextends: own\n", "", "own:2:10: /extends: '"),
            ("extends: base\n", "a: [\n", "base:"),
            (
                "extends: base\n",
                "extends: own\n",
                "base:1:10: /extends: '",
            ),
        ] {
            let (_dir, composed) = files(&[("own", own), ("base", base)]);
            let text = composed.unwrap_err().to_string();
            assert!(text.contains(said), "{own}: {text}");
        }
        for (own, base, said) in [
            ("extends: base\n+a: [1]\n", "a: x\n", "'a' is not a list"),
            ("extends: base\n+a: 1\n", "a: [x]\n", "'+a' is not a list"),
            (
                "extends: base\n+a: [1]\na: [2]\n",
                "a: [x]\n",
                "are both given",
            ),
        ] {
            let (_dir, composed) = files(&[("own", own), ("base", base)]);
            let found = composed.unwrap().findings;
            assert!(
                found.iter().any(|f| f.message.contains(said)),
                "{own}: {found:?}"
            );
        }
    }
}
