//! The selection rule (SPEC#selection) said once more, as plainly as it can be, with nothing of the
//! program's own code.

use super::tree::{Names, Node};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    Selected,
    Excluded,
    /// A special file that nothing else leaves out.
    NotCopied,
    Outside,
}

#[derive(Debug)]
pub enum Exclusion {
    Name(String),
    Path(Names),
}

#[derive(Debug, Default)]
pub struct Rule {
    pub sources: Vec<Names>,
    pub directories: Vec<Exclusion>,
    pub files: Vec<Exclusion>,
}

impl Rule {
    pub fn source(&mut self, text: &str) {
        self.sources.push(names(text));
    }

    pub fn exclude(&mut self, text: &str, directories: bool) {
        let bare = text.trim_end_matches('/');
        let exclusion = match bare {
            bare if bare.is_empty() || bare.contains('/') => Exclusion::Path(names(text)),
            bare => Exclusion::Name(bare.to_owned()),
        };
        if directories {
            self.directories.push(exclusion)
        } else {
            self.files.push(exclusion)
        }
    }

    /// Whether a node is in the backup.
    pub fn asks(&self, path: &Names, node: &Node) -> Answer {
        for length in 0..=path.len() {
            let here = path[..length].to_vec();
            let is_directory = length < path.len() || *node == Node::Directory;
            let excluded = if is_directory {
                self.directory_excluded(&here)
            } else {
                self.file_excluded(&here, node)
            };
            if excluded {
                return Answer::Excluded;
            }
        }
        if *node == Node::Fifo {
            return Answer::NotCopied;
        }
        let lies_under = |source: &Names| {
            path.starts_with(source) && (*node == Node::Directory || path != source)
        };
        if self.sources.iter().any(lies_under) {
            Answer::Selected
        } else {
            Answer::Outside
        }
    }

    fn directory_excluded(&self, here: &Names) -> bool {
        let holds_a_source = self.sources.iter().any(|source| source.starts_with(here));
        self.directories.iter().any(|exclusion| match exclusion {
            Exclusion::Path(path) => path == here,
            Exclusion::Name(pattern) => {
                !holds_a_source && here.last().is_some_and(|name| matches(pattern, name))
            }
        })
    }

    fn file_excluded(&self, here: &Names, node: &Node) -> bool {
        *node != Node::Fifo
            && self.files.iter().any(|exclusion| match exclusion {
                Exclusion::Path(path) => path == here,
                Exclusion::Name(pattern) => here.last().is_some_and(|name| matches(pattern, name)),
            })
    }
}

fn names(text: &str) -> Names {
    text.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .map(|name| name.as_bytes().to_vec())
        .collect()
}

/// `*` is any run of characters, `?` any one, `*.*` every name. Bytes that are no text are matched
/// by wildcards only.
fn matches(pattern: &str, name: &[u8]) -> bool {
    fn go(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], rest) => rest.is_empty(),
            (['*', on @ ..], rest) => (0..=rest.len()).any(|skip| go(on, &rest[skip..])),
            (['?', on @ ..], [_, rest @ ..]) => go(on, rest),
            ([p, on @ ..], [n, rest @ ..]) => p == n && go(on, rest),
            _ => false,
        }
    }
    let name: Vec<char> = match std::str::from_utf8(name) {
        Ok(text) => text.chars().collect(),
        Err(_) => String::from_utf8_lossy(name)
            .replace('\u{fffd}', "\0")
            .chars()
            .collect(),
    };
    pattern == "*.*" || go(&pattern.chars().collect::<Vec<char>>(), &name)
}

#[test]
fn the_matcher_matches() {
    for (pattern, name, expected) in [
        ("*", "", true),
        ("a*", "abc", true),
        ("a?", "a", false),
        ("*.*", "none", true),
        ("?*?", "x", false),
        ("[x]", "x", false),
        ("a", "A", false),
    ] {
        assert_eq!(
            matches(pattern, name.as_bytes()),
            expected,
            "{pattern} {name}"
        );
    }
}
