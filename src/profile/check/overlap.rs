//! Directories of the backup's own that meet a source or each other: a backup must not back up
//! itself, and must not delete what it backs up.

use super::{Checker, Mistake};
use crate::model::exclusion::Exclusion;
use crate::model::job::{JobSource, Mirror, MountPoint, Snapshot};
use crate::model::path::FullPath;
use crate::model::policy::ExtraFiles;
use crate::model::store::StoreSettings;

/// Everything the program itself writes to.
pub(super) struct OwnPaths<'a> {
    pub mirror: Option<&'a Mirror>,
    pub stores: &'a [StoreSettings],
    pub work: Option<&'a FullPath>,
    /// Whether the profile names the work directory.
    pub work_given: bool,
    pub log: Option<&'a FullPath>,
    pub snapshot: Option<&'a Snapshot>,
    /// Whether the profile names the mount.
    pub mount_given: bool,
}

/// One directory of the program's own.
struct OwnDirectory<'a> {
    what: &'static str,
    pointer: String,
    path: &'a FullPath,
}

impl<'a> OwnPaths<'a> {
    fn dirs(&self) -> Vec<OwnDirectory<'a>> {
        let work = if self.work_given {
            "/archive/work-directory"
        } else {
            "/archive"
        };
        let dir = |what, pointer: &str, path: Option<&'a FullPath>| {
            path.map(|path| OwnDirectory {
                what,
                pointer: pointer.to_owned(),
                path,
            })
        };
        let store = |store: &'a StoreSettings| {
            let pointer = format!("/destinations/{}/path", store.name());
            dir("directory store", &pointer, store.path())
        };
        let mut dirs = vec![
            dir(
                "mirror",
                "/destinations/mirror/path",
                self.mirror.map(|m| &m.path),
            ),
            dir("work directory", work, self.work),
            dir("log directory", "/log/directory", self.log),
        ];
        dirs.splice(1..1, self.stores.iter().map(store));
        dirs.into_iter().flatten().collect()
    }
}

impl Checker<'_> {
    pub(super) fn overlaps(
        &mut self,
        sources: &[(String, JobSource)],
        excluded: &[Exclusion],
        own: &OwnPaths<'_>,
    ) {
        let dirs = own.dirs();
        for dir in &dirs {
            for (pointer, source) in sources {
                self.with_source(dir, pointer, &source.path, excluded);
            }
        }
        self.with_mirror(own, &dirs);
        if own.snapshot.is_some_and(copies_volumes) {
            for (pointer, source) in sources.iter().filter(|(_, source)| source.path.is_unc()) {
                let message = format!(
                    "'{}' is a network share, which cannot be shadow-copied",
                    source.path
                );
                self.report(
                    Mistake::value(pointer, message)
                        .hint("back it up on the computer that has the disk"),
                );
            }
        }
        match own.snapshot.map(|s| &s.mount) {
            Some(MountPoint::Drive(letter)) => {
                self.with_drive(*letter, sources, &dirs, own.mount_given)
            }
            Some(MountPoint::Directory(mount)) => self.with_mount(mount, sources, &dirs),
            None => {}
        }
    }

    fn with_source(
        &mut self,
        dir: &OwnDirectory<'_>,
        pointer: &str,
        source: &FullPath,
        excluded: &[Exclusion],
    ) {
        let OwnDirectory { what, path, .. } = dir;
        let own_hint = |key: &str| format!("give `{key}` a directory of its own");
        if path.same(source) {
            let message = format!("the {what} '{path}' is also a source");
            self.report(Mistake::value(&dir.pointer, message).hint(own_hint(&key_of(dir))));
        } else if path.starts_with(source) {
            let covers = |e: &Exclusion| matches!(e, Exclusion::Path(e) if path.starts_with(e));
            if !excluded.iter().any(covers) {
                let message = format!("the {what} '{path}' is inside the source '{source}'");
                let hint =
                    format!("add '{path}' to `exclude.directories`, or choose another directory");
                self.report(Mistake::value(&dir.pointer, message).hint(hint));
            }
        } else if source.starts_with(path) {
            let message = format!("the source '{source}' is inside the {what} '{path}'");
            self.report(Mistake::value(pointer, message).hint(own_hint(&key_of(dir))));
        }
    }

    /// What a mirror does not know it may delete.
    fn with_mirror(&mut self, own: &OwnPaths<'_>, dirs: &[OwnDirectory<'_>]) {
        let Some(mirror) = own.mirror else { return };
        for dir in dirs.iter().filter(|dir| dir.what != "mirror") {
            if dir.path.same(&mirror.path) {
                let message = format!("the {} '{}' is also the mirror", dir.what, dir.path);
                self.report(
                    Mistake::value(&dir.pointer, message).hint("give each a directory of its own"),
                );
            } else if mirror.extra_files == ExtraFiles::Delete && dir.path.starts_with(&mirror.path)
            {
                let message = format!(
                    "the {} '{}' is inside the mirror, which deletes extra files",
                    dir.what, dir.path
                );
                self.report(
                    Mistake::value(&dir.pointer, message)
                        .hint("choose a directory outside the mirror"),
                );
            }
        }
    }

    fn with_drive(
        &mut self,
        letter: char,
        sources: &[(String, JobSource)],
        dirs: &[OwnDirectory<'_>],
        given: bool,
    ) {
        let on_drive = |path: &FullPath| path.drive() == Some(letter);
        let source = sources
            .iter()
            .find(|(_, s)| on_drive(&s.path))
            .map(|(pointer, _)| pointer.as_str());
        let Some(user) = source.or_else(|| {
            dirs.iter()
                .find(|dir| on_drive(dir.path))
                .map(|dir| dir.pointer.as_str())
        }) else {
            return;
        };
        let finding = if given {
            Mistake::value(
                "/snapshot/mount",
                format!("the drive {letter}: is used by {user}"),
            )
        } else {
            Mistake::value(
                user,
                format!("uses the drive {letter}:, where the snapshot is shown by default"),
            )
        };
        self.report(finding.hint("write another, free letter as `snapshot.mount`"));
    }

    fn with_mount(
        &mut self,
        mount: &FullPath,
        sources: &[(String, JobSource)],
        dirs: &[OwnDirectory<'_>],
    ) {
        let meets = |path: &FullPath| mount.starts_with(path) || path.starts_with(mount);
        let source = sources
            .iter()
            .find(|(_, s)| meets(&s.path))
            .map(|(pointer, _)| pointer.as_str());
        let dir = || {
            dirs.iter()
                .find(|dir| dir.path.starts_with(mount))
                .map(|dir| dir.pointer.as_str())
        };
        if let Some(user) = source.or_else(dir) {
            let message = format!("the mount '{mount}' and {user} overlap");
            self.report(
                Mistake::value("/snapshot/mount", message)
                    .hint("name an empty directory elsewhere"),
            );
        }
    }
}

/// ShadowSpawn takes local volumes only. Another program may know more.
/// Whether volumes of this computer are copied, and nothing else.
fn copies_volumes(snapshot: &Snapshot) -> bool {
    let Some(program) = &snapshot.program else {
        return true;
    };
    let name = program
        .rsplit(['\\', '/'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    matches!(name.as_str(), "shadowspawn" | "shadowspawn.exe")
}

/// The key that names a directory, as a person would say it.
fn key_of(dir: &OwnDirectory<'_>) -> String {
    match dir.pointer.as_str() {
        "/archive" => "archive.work-directory".to_owned(),
        pointer => pointer.trim_start_matches('/').replace('/', "."),
    }
}
