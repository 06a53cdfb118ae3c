//! The positions of the keys and values of a profile in its text.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_saphyr::Location;

/// A piece of the text: where it starts, and what it covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Number of the file, if a profile consists of several.
    pub file: usize,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Offset of the first character.
    pub start: usize,
    /// Offset after the last character.
    pub end: usize,
}

impl From<Location> for Position {
    fn from(at: Location) -> Position {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let start = number(at.span().offset());
        Position {
            file: 0,
            line: number(at.line()),
            column: number(at.column()),
            start,
            end: start.saturating_add(number(at.span().len())),
        }
    }
}

/// The position of every key and value, by JSON pointer.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    pub keys: HashMap<String, Position>,
    pub values: HashMap<String, Position>,
    pub scalars: Vec<(String, Position)>,
}

impl Positions {
    /// The place of a value.
    pub fn value(&self, pointer: &str) -> Option<Position> {
        self.values.get(pointer).copied()
    }

    /// The position of the key of a value; for a list item, the position of the value.
    pub fn key(&self, pointer: &str) -> Option<Position> {
        self.keys
            .get(pointer)
            .copied()
            .or_else(|| self.value(pointer))
    }

    /// Every value that is neither a list nor a map, with its pointer.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, Position)> {
        self.scalars
            .iter()
            .map(|(pointer, place)| (pointer.as_str(), *place))
    }
}

/// A file that a profile consists of.
#[derive(Clone, Debug, Default)]
pub struct SourceText {
    pub path: PathBuf,
    pub text: String,
    /// Those of this text alone.
    pub places: Positions,
}
