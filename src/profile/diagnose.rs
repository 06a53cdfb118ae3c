//! What is wrong with a profile, where, and what to write instead (SPEC#profile).
//!
//! A check makes [`Mistake`]s; [`Diagnostics`] puts all of them in the order of the file and shows
//! them as text or JSON. No diagnostic shows a secret: [`super::mask`] blanks the source lines.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::mask;
use super::mistake::Mistake;
use super::position::{Positions, SourceText};

/// One problem of one file, ready to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnostic {
    pub file: String,
    /// From 1; 0 when the problem is the file itself.
    pub line: usize,
    /// From 1, in characters; 0 when the problem is the file itself.
    pub column: usize,
    /// JSON pointer; empty for the whole file.
    pub path: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line of the file, secrets blanked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Everything that is wrong with a profile, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// A problem with the file itself.
    pub fn file(file: &Path, message: impl Into<String>, hint: Option<String>) -> Diagnostics {
        let file = file.display().to_string();
        Diagnostics(vec![Diagnostic {
            file,
            line: 0,
            column: 0,
            path: String::new(),
            message: message.into(),
            hint,
            source: None,
        }])
    }

    /// The findings of a profile, sorted by place, each once.
    pub(crate) fn new(
        texts: &[SourceText],
        places: &Positions,
        findings: Vec<Mistake>,
    ) -> Diagnostics {
        let nothing = SourceText::default();
        let mut list: Vec<Diagnostic> = findings
            .into_iter()
            .map(|finding| {
                let place = finding.place(places);
                let file = texts.get(place.file).unwrap_or(&nothing);
                let source = file.text.lines().nth(place.line.wrapping_sub(1));
                Diagnostic {
                    file: file.path.display().to_string(),
                    line: place.line,
                    column: place.column,
                    path: finding.pointer,
                    message: mask::message(finding.message),
                    hint: finding.hint,
                    source: source.map(|_| mask::masked_line(&file.text, place.line, &file.places)),
                }
            })
            .collect();
        list.sort_by(|a, b| {
            (&a.file, a.line, a.column, &a.path).cmp(&(&b.file, b.line, b.column, &b.path))
        });
        list.dedup_by(|a, b| {
            a.file == b.file
                && a.line == b.line
                && a.column == b.column
                && a.path == b.path
                && a.message == b.message
        });
        Diagnostics(list)
    }

    /// The problems, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostics> for Vec<Diagnostic> {
    fn from(diagnostics: Diagnostics) -> Vec<Diagnostic> {
        diagnostics.0
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: path: message`, the line with a caret, the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path.escape_debug())?;
        }
        writeln!(f, ": {}", self.message)?;
        if let Some(source) = &self.source {
            let number = self.line.to_string();
            // Tabs stay tabs, so that the caret stands below its character.
            let before: String = source
                .chars()
                .take(self.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            writeln!(f, "  {number} | {source}")?;
            writeln!(f, "  {:width$} | {before}^", "", width = number.len())?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|diagnostic| diagnostic.fmt(f))
    }
}

impl std::error::Error for Diagnostics {}
