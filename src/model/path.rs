//! Absolute paths of either operating system, as they stand in a profile.
//!
//! A profile describes Windows or Unix paths, and can be checked and planned on every host
//! (SPEC#profile), so a path here is text with a [`Family`], not a `std::path::PathBuf`. This
//! module never touches a disk.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use typed_path::{Utf8UnixComponent, Utf8UnixPath, Utf8WindowsComponent, Utf8WindowsPath};

mod verbatim;

pub use verbatim::{shown, verbatim};

/// The operating system family a path belongs to. It decides separators and how names compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    Windows,
    Unix,
}

impl Family {
    /// The family of the machine this program runs on.
    pub const HOST: Family = if cfg!(windows) {
        Family::Windows
    } else {
        Family::Unix
    };

    /// The separator this family writes between names.
    pub fn separator(self) -> char {
        match self {
            Family::Windows => '\\',
            Family::Unix => '/',
        }
    }

    /// The form in which two names are compared: NTFS compares by simple upper-case mapping, one
    /// character at a time; Unix compares bytes (SPEC#selection).
    pub fn fold(self, name: &str) -> String {
        match self {
            Family::Unix => name.to_owned(),
            Family::Windows => name.chars().map(upcase).collect(),
        }
    }

    /// Whether two names are the same file name for this family.
    pub fn same_name(self, a: &str, b: &str) -> bool {
        match self {
            Family::Unix => a == b,
            Family::Windows => a.chars().map(upcase).eq(b.chars().map(upcase)),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Windows => "Windows",
            Family::Unix => "Unix",
        })
    }
}

/// NTFS's `$UpCase` maps one UTF-16 unit to one; characters that would become several (`ß`) stay as
/// they are.
fn upcase(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(u), None) if (u as u32) < 0x1_0000 && (c as u32) < 0x1_0000 => u,
        _ => c,
    }
}

/// Why a text is not an absolute path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path is empty")]
    Empty,
    #[error("'{0}' is not an absolute path")]
    Relative(String),
    #[error("'{0}' contains the control character {1}")]
    Control(String, String),
    #[error("'{0}' holds '.' or '..'")]
    Dots(String),
    #[error("'{0}' contains the character '{1}', which no Windows path can")]
    Illegal(String, char),
    #[error(
        "'{0}' is a device or verbatim path; write it with a drive letter or as \\\\server\\share"
    )]
    Verbatim(String),
}

/// An absolute path without `.` and `..`, in a normal form: one separator between names, none at
/// the end.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub struct FullPath {
    family: Family,
    /// `/`, `C:\` or `\\server\share\`: always ends in the separator.
    root: String,
    parts: Vec<String>,
}

impl FullPath {
    /// Reads an absolute path of either family: `C:\…` and `\\server\share…` are Windows, `/…` is
    /// Unix. Windows paths may use `/` as well as `\`.
    ///
    /// # Errors
    /// When the text is not absolute, holds `.` or `..`, control characters, or characters its
    /// family cannot have.
    pub fn parse(text: &str) -> Result<FullPath, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(PathError::Control(
                text.escape_debug().to_string(),
                c.escape_debug().to_string(),
            ));
        }
        if text.starts_with('/') {
            Self::parse_unix(text)
        } else {
            Self::parse_windows(text)
        }
    }

    fn parse_unix(text: &str) -> Result<FullPath, PathError> {
        // typed-path drops `.` inside a path by itself; only `..` can change the meaning.
        let mut parts = Vec::new();
        for component in Utf8UnixPath::new(text).components() {
            match component {
                Utf8UnixComponent::RootDir => {}
                Utf8UnixComponent::Normal(name) => parts.push(name.to_owned()),
                Utf8UnixComponent::CurDir | Utf8UnixComponent::ParentDir => {
                    return Err(PathError::Dots(text.to_owned()));
                }
            }
        }
        Ok(FullPath {
            family: Family::Unix,
            root: "/".to_owned(),
            parts,
        })
    }

    fn parse_windows(text: &str) -> Result<FullPath, PathError> {
        use typed_path::Utf8WindowsPrefix as P;
        let relative = || PathError::Relative(text.to_owned());
        let path = Utf8WindowsPath::new(text);
        let mut components = path.components();
        let Some(Utf8WindowsComponent::Prefix(prefix)) = components.next() else {
            return Err(relative());
        };
        let root = match prefix.kind() {
            P::Disk(letter) => format!("{}:\\", letter.to_ascii_uppercase()),
            P::UNC(server, share) if !share.is_empty() => format!("\\\\{server}\\{share}\\"),
            P::UNC(..) => return Err(relative()),
            _ => return Err(PathError::Verbatim(text.to_owned())),
        };
        // `C:x` is relative to the current directory of drive C.
        if matches!(prefix.kind(), P::Disk(_)) && !path.has_root() {
            return Err(relative());
        }
        let mut parts = Vec::new();
        for component in components {
            match component {
                Utf8WindowsComponent::RootDir => {}
                Utf8WindowsComponent::Normal(name) => {
                    if let Some(c) = name
                        .chars()
                        .find(|c| matches!(c, '<' | '>' | '"' | '|' | ':'))
                    {
                        return Err(PathError::Illegal(text.to_owned(), c));
                    }
                    parts.push(name.to_owned());
                }
                _ => return Err(PathError::Dots(text.to_owned())),
            }
        }
        Ok(FullPath {
            family: Family::Windows,
            root,
            parts,
        })
    }

    /// A well-known directory: `names`, joined by `/`, below `C:\` or `/`.
    pub fn top(family: Family, names: &str) -> FullPath {
        let root = match family {
            Family::Windows => "C:\\",
            Family::Unix => "/",
        };
        FullPath {
            family,
            root: root.to_owned(),
            parts: names.split('/').map(str::to_owned).collect(),
        }
    }

    /// Windows or Unix.
    pub fn family(&self) -> Family {
        self.family
    }

    /// `/`, `C:\` or `\\server\share\`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The names below the root.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The last name; `None` for a root.
    pub fn name(&self) -> Option<&str> {
        self.parts.last().map(String::as_str)
    }

    /// Whether this is a drive root, a share, or `/`.
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether this is `\\server\share` or below it.
    pub fn is_unc(&self) -> bool {
        self.root.starts_with("\\\\")
    }

    /// The drive letter of a Windows path on a drive.
    pub fn drive(&self) -> Option<char> {
        (self.family == Family::Windows && !self.is_unc())
            .then(|| self.root.chars().next())
            .flatten()
    }

    /// This path with one more name.
    pub fn join(&self, name: &str) -> FullPath {
        let mut longer = self.clone();
        longer.parts.push(name.to_owned());
        longer
    }

    /// The directory above; `None` for a root.
    pub fn parent(&self) -> Option<FullPath> {
        let mut shorter = self.clone();
        shorter.parts.pop().map(|_| shorter)
    }

    /// The path made of the first `count` names.
    pub fn truncated(&self, count: usize) -> FullPath {
        let mut shorter = self.clone();
        shorter.parts.truncate(count);
        shorter
    }

    /// Whether both are on the same drive, share or Unix root.
    pub fn same_root(&self, other: &FullPath) -> bool {
        self.family == other.family && self.family.same_name(&self.root, &other.root)
    }

    /// How many leading names both share; 0 when their roots differ.
    pub fn shared_parts(&self, other: &FullPath) -> usize {
        if !self.same_root(other) {
            return 0;
        }
        self.parts
            .iter()
            .zip(&other.parts)
            .take_while(|(a, b)| self.family.same_name(a, b))
            .count()
    }

    /// Whether this is `other` or lies below it, as the family compares names.
    pub fn starts_with(&self, other: &FullPath) -> bool {
        self.same_root(other) && self.shared_parts(other) == other.parts.len()
    }

    /// Whether both name the same place, as the family compares names.
    pub fn same(&self, other: &FullPath) -> bool {
        self.parts.len() == other.parts.len() && self.starts_with(other)
    }

    /// The names below `base`, if this is at or below it.
    pub fn below(&self, base: &FullPath) -> Option<&[String]> {
        self.starts_with(base)
            .then(|| &self.parts[base.parts.len()..])
    }

    /// The key by which paths sort and compare: root, then names, folded.
    pub fn sort_key(&self) -> (String, Vec<String>) {
        (
            self.family.fold(&self.root),
            self.parts.iter().map(|p| self.family.fold(p)).collect(),
        )
    }

    /// A place below this one as a message shows it; `below` has `/` between its names.
    pub fn display_below(&self, below: &str) -> String {
        let (base, separator) = (self.to_string(), self.family.separator());
        match below {
            "" => base,
            _ => {
                format!(
                    "{}{separator}{}",
                    base.trim_end_matches(separator),
                    below.replace('/', &separator.to_string())
                )
            }
        }
    }

    /// The file of this path's name in another directory of this machine.
    pub fn inside(&self, directory: &Path) -> PathBuf {
        directory.join(self.name().unwrap_or_default())
    }

    /// The path as the operating system of this machine takes it. Only meaningful for a path of
    /// [`Family::HOST`].
    pub fn to_native(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }
}

impl fmt::Display for FullPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = self.family.separator();
        if self.is_unc() && self.parts.is_empty() {
            return f.write_str(self.root.trim_end_matches(separator));
        }
        f.write_str(&self.root)?;
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                write!(f, "{separator}")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl fmt::Debug for FullPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<FullPath> for String {
    fn from(path: FullPath) -> String {
        path.to_string()
    }
}

impl TryFrom<String> for FullPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<FullPath, PathError> {
        FullPath::parse(&text)
    }
}

#[cfg(test)]
mod tests;
