//! One thing that is wrong with a profile, as a check finds it.

use super::position::{Position, Positions};

/// One problem, as a check finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON pointer of the value meant; empty for the whole file.
    pub pointer: String,
    spot: MistakeSpot,
    pub message: String,
    pub hint: Option<String>,
}

/// Where a finding points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MistakeSpot {
    Key,
    Value,
    Exactly(Position),
}

impl Mistake {
    /// A problem with a value.
    pub fn value(pointer: impl Into<String>, message: impl Into<String>) -> Mistake {
        Mistake {
            pointer: pointer.into(),
            spot: MistakeSpot::Value,
            message: message.into(),
            hint: None,
        }
    }

    /// A problem with a key, or with what is missing below it.
    pub fn key(pointer: impl Into<String>, message: impl Into<String>) -> Mistake {
        Mistake {
            spot: MistakeSpot::Key,
            ..Mistake::value(pointer, message)
        }
    }

    /// A problem at a place of the text.
    pub fn at(place: Position, message: impl Into<String>) -> Mistake {
        Mistake {
            spot: MistakeSpot::Exactly(place),
            ..Mistake::value("", message)
        }
    }

    /// The same finding about another pointer.
    #[must_use]
    pub fn path(mut self, pointer: &str) -> Mistake {
        pointer.clone_into(&mut self.pointer);
        self
    }

    /// The same finding in another file of the profile.
    #[must_use]
    pub fn in_file(mut self, file: usize) -> Mistake {
        if let MistakeSpot::Exactly(place) = &mut self.spot {
            place.file = file;
        }
        self
    }

    /// The same finding with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Mistake {
        self.hint = Some(hint.into());
        self
    }

    pub fn place(&self, places: &Positions) -> Position {
        match self.spot {
            MistakeSpot::Exactly(place) => place,
            MistakeSpot::Key => places.key(&self.pointer).unwrap_or_default(),
            MistakeSpot::Value => places.value(&self.pointer).unwrap_or_default(),
        }
    }
}
