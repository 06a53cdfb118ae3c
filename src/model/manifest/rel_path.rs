//! Paths below a mount, in walk order.

use std::borrow::Cow;
use std::cmp::Ordering;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::model::path::{Family, FullPath};

/// A path below a mount: names joined by `/`, as the bytes the operating system gave (WTF-8 on
/// Windows).
#[derive(Default, PartialEq, Eq, Hash)]
pub struct RelPath(Vec<u8>);

/// By hand, because a derived one would not reuse the memory in `clone_from`.
impl Clone for RelPath {
    fn clone(&self) -> RelPath {
        RelPath(self.0.clone())
    }

    fn clone_from(&mut self, other: &RelPath) {
        self.0.clone_from(&other.0);
    }
}

impl RelPath {
    /// The mount itself.
    pub fn root() -> RelPath {
        RelPath::default()
    }

    /// The path of `path` below `mount`. `None` if it is elsewhere.
    pub fn below(path: &FullPath, mount: &FullPath) -> Option<RelPath> {
        let names = path.below(mount)?;
        Some(RelPath::from_bytes(names.join("/")))
    }

    /// A path from its joined bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> RelPath {
        RelPath(bytes.into())
    }

    /// The joined bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether this is the mount itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, from the mount down.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|n| !n.is_empty())
    }

    /// The last name. `None` for the mount itself.
    pub fn name(&self) -> Option<&[u8]> {
        self.0
            .rsplit(|b| *b == b'/')
            .next()
            .filter(|n| !n.is_empty())
    }

    /// This path with one more name.
    pub fn join(&self, name: &[u8]) -> RelPath {
        let mut path = RelPath(Vec::with_capacity(self.0.len() + name.len() + 1));
        path.set(self, name);
        path
    }

    /// Becomes the path of a name in a directory. Walks reuse one path for all entries.
    pub fn set(&mut self, directory: &RelPath, name: &[u8]) {
        self.0.clear();
        self.0.extend_from_slice(&directory.0);
        if !self.0.is_empty() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name);
    }

    /// Becomes these joined bytes.
    pub(super) fn replace(&mut self, bytes: &[u8]) {
        self.0.clear();
        self.0.extend_from_slice(bytes);
    }

    /// The directory above.
    pub fn parent(&self) -> RelPath {
        RelPath(
            self.0
                .iter()
                .rposition(|b| *b == b'/')
                .map_or_else(Vec::new, |at| self.0[..at].to_vec()),
        )
    }

    /// Whether this is `other` or lies below it.
    pub fn starts_with(&self, other: &RelPath) -> bool {
        other.is_root()
            || (self.0.starts_with(&other.0)
                && matches!(self.0.get(other.0.len()), None | Some(b'/')))
    }

    /// The same, comparing names as the family does: the case of a directory in a profile may
    /// differ from that on the disk.
    pub fn lies_in(&self, other: &RelPath, family: Family) -> bool {
        if self.starts_with(other) {
            return true;
        }
        let same = |(a, b): (&[u8], &[u8])| match (std::str::from_utf8(a), std::str::from_utf8(b)) {
            (Ok(a), Ok(b)) => family.same_name(a, b),
            _ => a == b,
        };
        let depth = other.names().count();
        family == Family::Windows
            && self.names().count() >= depth
            && self.names().zip(other.names()).all(same)
    }

    /// Its first `count` names.
    pub fn truncated(&self, count: usize) -> RelPath {
        self.names()
            .take(count)
            .fold(RelPath::root(), |path, name| path.join(name))
    }
}

/// How many bytes two paths share at their beginning. Neighbours in walk order share most.
pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 16;
    let equal = |(a, b): &(&[u8], &[u8])| a == b;
    let steps = a.chunks_exact(STEP).zip(b.chunks_exact(STEP));
    let sure = STEP * steps.take_while(equal).count();
    let rest = a[sure..].iter().zip(&b[sure..]);
    sure + rest.take_while(|(a, b)| a == b).count()
}

/// Walk order: a directory, then everything in it, names by their bytes. Comparing with `/` as the
/// smallest byte compares name by name.
pub(super) fn walk_order(one: &[u8], other: &[u8]) -> Ordering {
    let at = shared(one, other);
    let low = |bytes: &[u8]| {
        bytes.get(at).map(|byte| match byte {
            b'/' => 0,
            byte => u16::from(*byte) + 1,
        })
    };
    low(one).cmp(&low(other))
}

impl Ord for RelPath {
    fn cmp(&self, other: &RelPath) -> Ordering {
        walk_order(&self.0, &other.0)
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &RelPath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for RelPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A path in a message must not break lines or hide.
        if let Some(text) = self
            .as_str()
            .filter(|text| !text.contains(char::is_control))
        {
            return f.write_str(text);
        }
        for c in String::from_utf8_lossy(&self.0).chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?
            } else {
                write!(f, "{c}")?
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for RelPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// UTF-8 paths are plain strings; any other becomes `{"hex": "…"}`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum WrittenPath {
    Text(String),
    Hex { hex: String },
}

impl Serialize for RelPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => WrittenPath::Hex {
                hex: hex::encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl JsonSchema for RelPath {
    fn schema_name() -> Cow<'static, str> {
        "RelPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WrittenPath::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<RelPath, D::Error> {
        match WrittenPath::deserialize(deserializer)? {
            WrittenPath::Text(text) => Ok(RelPath(text.into_bytes())),
            WrittenPath::Hex { hex } => hex::decode(&hex)
                .map(RelPath)
                .map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walk_order_is_name_by_name() {
        let mut paths: Vec<RelPath> = ["a.b", "a/x", "a", "a/x/y", "a!", "b"]
            .iter()
            .map(|p| RelPath::from_bytes(*p))
            .collect();
        paths.sort();
        let shown: Vec<String> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a", "a/x", "a/x/y", "a!", "a.b", "b"]);
        assert!(paths[1].starts_with(&paths[0]) && !paths[3].starts_with(&paths[0]));
        assert_eq!(paths[2].parent(), paths[1]);
    }
}
