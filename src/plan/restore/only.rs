//! `--only`: which part of a mount is wanted (SPEC#restore). Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::path::{Family, FullPath};

/// A file or directory of a mount, by the names that lead to it; no names: the whole mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wanted {
    pub names: Vec<String>,
    /// How the names compare: as on the computer that was backed up.
    pub family: Family,
    /// As the user wrote it.
    pub written: String,
}

impl Wanted {
    /// What `text` means for the mount of this number at this path; `None` if it is elsewhere. It
    /// is the original absolute path, or one that starts with the mount's number.
    pub fn within(text: &str, number: usize, path: Option<&FullPath>) -> Option<Wanted> {
        // Only v1.0 leaves the path unknown, and it ran on Windows.
        let family = path.map_or(Family::Windows, FullPath::family);
        let wanted = |names| {
            Some(Wanted {
                names,
                family,
                written: text.to_owned(),
            })
        };
        let separators: &[char] = if family == Family::Windows {
            &['/', '\\']
        } else {
            &['/']
        };
        let mut names = text
            .split(separators)
            .filter(|n| !n.is_empty() && *n != ".");
        if !text.starts_with(separators) && names.next() == Some(number.to_string().as_str()) {
            return wanted(names.map(str::to_owned).collect());
        }
        let mount = path?;
        let asked = match FullPath::parse(text) {
            Ok(asked) => asked,
            Err(_) => return wanted(odd_names_below(text, mount)?),
        };
        if asked.starts_with(mount) {
            return wanted(asked.parts()[mount.parts().len()..].to_vec());
        }
        // A directory above a mount: all of the mount.
        if mount.starts_with(&asked) {
            wanted(Vec::new())
        } else {
            None
        }
    }

    /// Whether a path with `/` between names is wanted itself, or is below a wanted one.
    pub fn holds(&self, path: &str) -> bool {
        let mut names = path.split('/');
        self.names.iter().all(|wanted| {
            names
                .next()
                .is_some_and(|name| self.family.same_name(wanted, name))
        })
    }

    /// Whether a path is wanted itself.
    pub fn is_exactly(&self, path: &str) -> bool {
        self.holds(path) && path.split('/').filter(|n| !n.is_empty()).count() == self.names.len()
    }

    /// The wanted path with `/` between names.
    pub fn joined(&self) -> String {
        self.names.join("/")
    }
}

/// The names below a mount of a path with control characters, which no profile may name and a Unix
/// system may hold.
fn odd_names_below(text: &str, mount: &FullPath) -> Option<Vec<String>> {
    if mount.family() != Family::Unix || !text.starts_with('/') {
        return None;
    }
    let names = text
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".");
    let names: Vec<String> = names.map(str::to_owned).collect();
    let below = names.strip_prefix(mount.parts())?;
    let is_plain = below.iter().all(|name| name != "..");
    is_plain.then(|| below.to_vec())
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Below this similarity two names look different to a person.
const ALIKE: f64 = 0.6;

/// How many paths are proposed. Nobody would read more.
const NAMED: usize = 3;

/// The known paths that are most similar to an unknown one.
#[derive(Debug)]
pub struct Nearest {
    wanted: String,
    best: Vec<(f64, String)>,
}

impl Nearest {
    /// Nothing is known yet.
    pub fn new(wanted: &Wanted) -> Nearest {
        Nearest {
            wanted: wanted.joined().to_lowercase(),
            best: Vec::new(),
        }
    }

    /// Keeps a known path if it is among the most similar ones.
    pub fn consider(&mut self, path: &str) {
        let last = |p: &str| p.rsplit('/').next().unwrap_or_default().to_lowercase();
        let whole = strsim::normalized_damerau_levenshtein(&self.wanted, &path.to_lowercase());
        // The right name in the wrong directory is similar, too.
        let name = strsim::normalized_damerau_levenshtein(&last(&self.wanted), &last(path)) * 0.9;
        let score = whole.max(name);
        if score < ALIKE {
            return;
        }
        let place = self.best.partition_point(|(s, _)| *s >= score);
        self.best.insert(place, (score, path.to_owned()));
        self.best.truncate(NAMED);
    }

    /// The most similar ones, best first.
    pub fn names(self) -> Vec<String> {
        self.best.into_iter().map(|(_, path)| path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_control_character_is_wanted_as_it_is() {
        let mount = FullPath::parse("/home/allen").unwrap();
        let names = |text: &str| Wanted::within(text, 1, Some(&mount)).map(|wanted| wanted.names);
        assert_eq!(names("/home/allen/a\tb"), Some(vec!["a\tb".to_owned()]));
        assert_eq!(names("1/a\tb"), Some(vec!["a\tb".to_owned()]));
        assert_eq!(names("/home/a\tb"), None);
        assert_eq!(names("/home/allen/../a\tb"), None);
    }

    fn within(text: &str, mount: &str) -> Option<String> {
        Wanted::within(text, 2, Some(&FullPath::parse(mount).unwrap())).map(|w| w.joined())
    }

    #[test]
    fn original_paths_and_numbered_ones() {
        assert_eq!(
            within("/home/a/docs/x", "/home/a").as_deref(),
            Some("docs/x")
        );
        assert_eq!(within("/home", "/home/a").as_deref(), Some(""));
        assert_eq!(within("/etc", "/home/a"), None);
        assert_eq!(within("/homes/a", "/home"), None);
        assert_eq!(within("2/docs/x/", "/home/a").as_deref(), Some("docs/x"));
        assert_eq!(within("2", "/home/a").as_deref(), Some(""));
        assert_eq!(within("1/docs", "/home/a"), None);
        assert_eq!(
            within(r"c:\users\ALLEN\Docs", r"C:\Users\Allen").as_deref(),
            Some("Docs")
        );
        assert_eq!(
            within(r"2\Docs", r"C:\Users\Allen").as_deref(),
            Some("Docs")
        );
        assert_eq!(Wanted::within("1/x", 1, None).unwrap().joined(), "x");
        let windows =
            Wanted::within(r"C:\a\Docs", 1, Some(&FullPath::parse(r"C:\a").unwrap())).unwrap();
        assert!(windows.holds("docs/x") && windows.holds("DOCS") && !windows.holds("docs2"));
    }

    #[test]
    fn near_names() {
        let wanted = Wanted::within("1/docs/reprot.txt", 1, None).unwrap();
        let mut nearest = Nearest::new(&wanted);
        for path in ["docs", "docs/report.txt", "old/reprot.txt", "music/a.mp3"] {
            nearest.consider(path);
        }
        assert_eq!(nearest.names(), ["docs/report.txt", "old/reprot.txt"]);
    }
}
