//! What an import has to say: where in the old files, what, and what to do.

use std::fmt;

use crate::model::secret::Secret;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkLevel {
    /// No profile is made.
    Error,
    /// A profile is made; the user must look at this.
    Warning,
    /// Good to know.
    Note,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkPlace {
    /// Argument of the v1.0 command line, from 1.
    Argument(usize),
    /// Line of a file, from 1.
    Line(String, usize),
    /// No single place.
    Whole,
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub severity: RemarkLevel,
    pub spot: RemarkPlace,
    pub message: String,
    pub hint: Option<String>,
}

impl Remark {
    /// The import cannot continue, or its result would not be a profile.
    pub fn error(spot: RemarkPlace, message: impl Into<String>) -> Remark {
        Remark {
            severity: RemarkLevel::Error,
            spot,
            message: message.into(),
            hint: None,
        }
    }

    /// The profile does not do exactly what v1.0 did, or rests on an assumption.
    pub fn warning(spot: RemarkPlace, message: impl Into<String>) -> Remark {
        Remark {
            severity: RemarkLevel::Warning,
            ..Remark::error(spot, message)
        }
    }

    /// Nothing is wrong.
    pub fn note(spot: RemarkPlace, message: impl Into<String>) -> Remark {
        Remark {
            severity: RemarkLevel::Note,
            ..Remark::error(spot, message)
        }
    }

    /// The same finding with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Remark {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding without a secret that stands where none belongs.
    #[must_use]
    pub fn without(mut self, secret: &Secret) -> Remark {
        self.message = secret.masked(&self.message);
        self.hint = self.hint.map(|hint| secret.masked(&hint));
        self
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.severity {
            RemarkLevel::Error => "error: ",
            RemarkLevel::Warning => "warning: ",
            RemarkLevel::Note => "note: ",
        })?;
        match &self.spot {
            RemarkPlace::Argument(number) => {
                write!(
                    f,
                    "argument {number} ({}): ",
                    NAMES.get(number - 1).copied().unwrap_or_default()
                )?;
            }
            RemarkPlace::Line(file, line) => write!(f, "{file}:{line}: ")?,
            RemarkPlace::Whole => {}
        }
        writeln!(f, "{}", self.message)?;
        match &self.hint {
            Some(hint) => writeln!(f, "  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// What each argument is, for messages.
pub const NAMES: [&str; 22] = [
    "operation type",
    "execution agent",
    "Python path",
    "lock waiting period",
    "total lock waiting time",
    "log directory",
    "email report",
    "email sender name",
    "email sender",
    "email recipient",
    "instruction file",
    "shadow copy drive",
    "destinations",
    "mirror directory",
    "files missing from the source",
    "encryption key",
    "bucket",
    "location",
    "access key id",
    "secret access key",
    "force full backup",
    "automatic force full backup",
];
