//! Paths and programs: complete, of one family, and as the user meant them.

use super::{Checker, Mistake, source_path};
use crate::model::path::{Family, FullPath, PathError};
use crate::profile::document::Document;

impl Checker<'_> {
    /// The first path that begins like one, sources first, says which kind of profile this is.
    pub(super) fn set_family(&mut self, document: &Document) {
        let sources = document
            .sources
            .iter()
            .enumerate()
            .map(|(i, source)| source_path(i, source));
        let destinations = &document.destinations;
        let mirror = destinations.mirror.as_ref().map(|m| m.path.as_str());
        let mirror = mirror.map(|path| ("/destinations/mirror/path".to_owned(), path));
        let sections = destinations.stores();
        let stores = sections.iter().filter_map(|section| {
            let pointer = format!("/destinations/{}/path", section.name());
            Some((pointer, section.path()?))
        });
        let others = [
            (
                "/archive/work-directory",
                document
                    .archive
                    .as_ref()
                    .and_then(|a| a.work_directory.as_ref()),
            ),
            ("/log/directory", document.reporting.log.directory.as_ref()),
        ];
        let others = others
            .into_iter()
            .filter_map(|(pointer, text)| Some((pointer.to_owned(), text?.as_str())));
        for (pointer, text) in sources.chain(mirror).chain(stores).chain(others) {
            if let Some(family) = family_of(text) {
                self.family = family;
                self.family_from = pointer;
                return;
            }
        }
    }

    /// A path of the profile's family.
    pub(super) fn path(&mut self, pointer: &str, text: &str) -> Option<FullPath> {
        let path = match FullPath::parse(text) {
            Ok(path) => path,
            Err(error) => {
                self.report(path_finding(pointer, text, &error));
                return None;
            }
        };
        if path.family() != self.family {
            let from = &self.family_from;
            let finding = Mistake::value(
                pointer,
                format!("is a {} path in a {} profile", path.family(), self.family),
            )
            .hint(format!(
                "{from} makes this a {} profile: all its paths must be of one kind",
                self.family
            ));
            self.report(finding);
            return None;
        }
        if self.family == Family::Windows {
            if text.contains(['*', '?']) {
                self.report(
                    Mistake::value(pointer, format!("'{text}' contains a wildcard"))
                        .hint("write one directory"),
                );
                return None;
            }
            // Windows drops them from a name: another directory than the one written.
            if let Some(part) = path.parts().iter().find(|part| part.ends_with([' ', '.'])) {
                let message =
                    format!("'{text}' contains the name '{part}', which ends in a space or a dot");
                self.report(
                    Mistake::value(pointer, message).hint("Windows has no such name: remove it"),
                );
                return None;
            }
        }
        Some(path)
    }

    /// A program: a bare name that is searched for on the search path, or a full path.
    pub(super) fn program(&mut self, pointer: &str, text: Option<&str>) -> Option<String> {
        let text = text?;
        let separators: &[char] = if self.family == Family::Windows {
            &['\\', '/', ':']
        } else {
            &['/']
        };
        if text.contains(separators) || text.contains(char::is_control) {
            return self.path(pointer, text).map(|path| path.to_string());
        }
        if text.trim().is_empty() {
            self.report(
                Mistake::value(pointer, "is empty").hint("name a program, or remove the key"),
            );
            return None;
        }
        Some(text.to_owned())
    }
}

/// The family of a text that begins like a full path.
pub(super) fn family_of(text: &str) -> Option<Family> {
    let drive =
        text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text[1..].starts_with(':');
    match text {
        _ if text.starts_with('/') => Some(Family::Unix),
        _ if drive || text.starts_with(r"\\") => Some(Family::Windows),
        _ => None,
    }
}

/// Why a text is not a full path, and what to write.
pub(super) fn path_finding(pointer: &str, text: &str, error: &PathError) -> Mistake {
    let finding = Mistake::value(pointer, error.to_string());
    match error {
        PathError::Control(..) => finding
            .hint("in double quotes a backslash starts an escape such as `\\n` or `\\t`: use single quotes or none"),
        PathError::Relative(_) if text.starts_with('~') => finding.hint("only `~/` at the beginning is replaced: write it, or the whole path"),
        PathError::Relative(_) if text.contains(['%', '$']) => {
            finding.hint("write a variable as `${NAME}`, or the whole path")
        }
        PathError::Relative(_) => finding.hint("write the whole path, from the drive letter or `/` on"),
        PathError::Dots(_) => finding.hint("write the path it stands for"),
        PathError::Empty => finding.hint("write a full path"),
        PathError::Illegal(..) | PathError::Verbatim(_) => finding,
    }
}
