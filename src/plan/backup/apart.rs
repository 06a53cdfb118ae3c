//! What is below a source and is not backed up with it, or is and may surprise the user:
//! directories of the program itself, and other file systems (SPEC#selection).

use serde::Serialize;

use crate::model::exclusion::Exclusion;
use crate::model::path::FullPath;
use crate::model::select::{Kind, Selection, SelectionSpec, Verdict};
use crate::model::text::one_line;

/// What kind of directory of the program a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnKind {
    Directory,
    File,
    /// The directory in which runs make their work directories. It may contain other files too.
    WorkDirectory,
}

/// A directory of the program, as it is seen below a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnPlace {
    pub path: FullPath,
    pub what: &'static str,
    pub kind: OwnKind,
}

/// What was found below the sources.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    pub own: Vec<OwnPlace>,
    /// Where other file systems are mounted.
    pub file_systems: Vec<FullPath>,
}

/// The selection of a run: without the program's own directories, and without other file systems if
/// the profile says so. `work` is the work directory of the run, if there is one.
pub fn selection(
    spec: &SelectionSpec,
    one_file_system: bool,
    apart: &Apart,
    work: Option<&FullPath>,
) -> SelectionSpec {
    let mut selection = spec.clone();
    let lies_below = |path: &FullPath| spec.sources.iter().any(|source| path.starts_with(source));
    // The work files of the run itself are never backed up, wherever they are.
    let below = work.filter(|work| lies_below(work));
    selection
        .directories
        .extend(below.cloned().map(Exclusion::Path));
    for own in &apart.own {
        match own.kind {
            OwnKind::File => selection.files.push(Exclusion::Path(own.path.clone())),
            OwnKind::Directory => selection
                .directories
                .push(Exclusion::Path(own.path.clone())),
            OwnKind::WorkDirectory => {
                let name = work.and_then(|work| work.parts().last());
                let seen = name.map(|name| Exclusion::Path(own.path.join(name)));
                selection.directories.extend(seen);
            }
        }
    }
    if one_file_system {
        let mounted = apart.file_systems.iter().cloned().map(Exclusion::Path);
        selection.directories.extend(mounted);
    }
    selection
}

/// The notes about it for the user.
pub(super) fn notes(selection: &Selection, one_file_system: bool, apart: &Apart) -> Vec<String> {
    let is_selected = |path: &FullPath, kind| {
        let verdict = selection.verdict(path, kind);
        matches!(verdict, Verdict::Selected { .. })
    };
    let own = apart.own.iter().filter_map(|own| {
        let kind = match own.kind {
            OwnKind::Directory => Kind::Directory,
            OwnKind::File => Kind::File,
            // Named if it contains anything.
            OwnKind::WorkDirectory => return None,
        };
        is_selected(&own.path, kind)
            .then(|| format!("'{}' is left out: it is {}", own.path, own.what))
    });
    let mounted = apart
        .file_systems
        .iter()
        .filter(|path| is_selected(path, Kind::Directory))
        .map(|path| match one_file_system {
            true => format!("'{path}' is left out: another file system is mounted there"),
            false => format!(
                "another file system is mounted at '{path}' and is backed up too; \
                 `one-file-system: true` leaves it out"
            ),
        });
    own.chain(mounted)
        .map(|text| one_line(&text).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::path::Family;
    use crate::model::policy::Links;

    fn path(text: &str) -> FullPath {
        FullPath::parse(text).unwrap()
    }

    #[test]
    fn own_places_and_other_file_systems() {
        let own = |at, kind| OwnPlace {
            path: path(at),
            what: "the mirror",
            kind,
        };
        let facts = Apart {
            own: vec![
                own("/src/m", OwnKind::Directory),
                own("/src/key", OwnKind::File),
                own("/src/tmp", OwnKind::WorkDirectory),
                own("/src/out/m", OwnKind::Directory),
            ],
            file_systems: vec![path("/src/mnt"), path("/src/out/mnt")],
        };
        let spec = SelectionSpec {
            family: Family::Unix,
            sources: vec![path("/src")],
            directories: vec![Exclusion::Path(path("/src/out"))],
            files: Vec::new(),
            links: Links::Keep,
        };
        for one_file_system in [false, true] {
            let found = selection(
                &spec,
                one_file_system,
                &facts,
                Some(&path("/elsewhere/run_1")),
            );
            let found = Selection::new(found);
            let out = |at, kind| matches!(found.verdict(&path(at), kind), Verdict::Excluded { .. });
            assert!(out("/src/m/a", Kind::File));
            assert!(out("/src/key", Kind::File));
            assert!(!out("/src/tmp/other", Kind::File), "somebody else's");
            assert!(out("/src/tmp/run_1/a", Kind::File), "of this run");
            assert_eq!(out("/src/mnt/a", Kind::File), one_file_system);
            let notes = notes(&Selection::new(spec.clone()), one_file_system, &facts);
            assert_eq!(notes.len(), 3, "not what is left out already: {notes:?}");
            assert_eq!(notes[2].contains("is left out"), one_file_system);
        }
    }
}
