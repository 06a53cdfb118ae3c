//! Sources that have lost all their files: the mount point of a disk that is not attached looks
//! like an empty directory (SPEC#missing-sources).

use std::path::Path;

use crate::adapters::fs::entries;
use crate::adapters::manifest_file::FileReader;
use crate::model::job::{Job, JobSource};
use crate::model::manifest::{EntryKind, RelPath};
use crate::model::text;
use crate::plan::backup::{Missing, Remembered, mirror_target};

/// A source that is there counts as missing if it held files, and has none today.
pub fn problem(job: &Job, source: &JobSource, remembered: &[Remembered]) -> Option<Missing> {
    if source.allow_empty || holds_file(&source.path.to_native()) {
        return None;
    }
    held(job, source, remembered).map(Missing::Emptied)
}

/// A source that cannot be read, with the reason.
pub fn unreadable(
    job: &Job,
    source: &JobSource,
    remembered: &[Remembered],
    why: String,
) -> Missing {
    // Without a backup that is remembered it is not known what there was.
    if remembered.is_empty() || held(job, source, remembered).is_some() {
        return Missing::Unreadable(why);
    }
    Missing::NeverSeen(why)
}

/// What is known to hold files of a source, in words.
fn held(job: &Job, source: &JobSource, remembered: &[Remembered]) -> Option<String> {
    in_manifest(job, source, remembered).or_else(|| in_mirror(job, source))
}

/// Whether there is any file below a directory. An unreadable directory may contain one.
fn holds_file(directory: &Path) -> bool {
    let Ok(entries) = entries(directory) else {
        return true;
    };
    let mut directories = Vec::new();
    for entry in entries {
        match entry.kind {
            Ok(kind) if kind.is_dir() => directories.push(entry.path),
            Ok(kind) if !kind.is_file() => {}
            _ => return true,
        }
    }
    directories.iter().any(|directory| holds_file(directory))
}

fn in_manifest(job: &Job, source: &JobSource, remembered: &[Remembered]) -> Option<String> {
    let mounts = job.mounts().ok()?;
    let last = remembered.last()?;
    let mount = mounts
        .iter()
        .find(|mount| source.path.starts_with(&mount.path))?;
    let (_, manifest) = last
        .manifests
        .iter()
        .find(|(name, _)| *name == mount.name)?;
    let below = RelPath::below(&source.path, &mount.path)?;
    let family = job.family;
    let files = FileReader::open(Path::new(manifest))
        .ok()?
        .map_while(Result::ok)
        .filter(|entry| entry.kind == EntryKind::File && entry.path.lies_in(&below, family))
        .count();
    (files > 0).then(|| {
        let files = text::count(files as u64, "file");
        format!("the backup {} has {files} of it", last.stamp)
    })
}

fn in_mirror(job: &Job, source: &JobSource) -> Option<String> {
    let copy = mirror_target(&job.mirror.as_ref()?.path, &source.path);
    let is_there = copy.to_native().exists();
    (is_there && holds_file(&copy.to_native()))
        .then(|| format!("its mirror '{copy}' has files of it"))
}
