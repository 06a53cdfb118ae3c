//! What this computer remembers between runs: manifests and the selection digest of recent backups
//! (SPEC#state).
//!
//! One directory for each backup, made completely under another name and renamed, so that a crash
//! leaves nothing incomplete.

pub mod checked;
pub mod history;
pub mod lock;
pub mod metrics;
pub mod open_objects;
mod past;
mod sent;
pub mod uploads;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::fs::{BUILDING, create_private_directory, entries, sha256};
use crate::adapters::manifest_file;
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::name::{BackupId, MountName};
use crate::model::stamp::Stamp;
use crate::model::upload_record::{ReadyArchive, Unfinished};
use crate::plan::backup::Remembered;

/// Sets another directory for state, log and lock: for tests and for unusual installations.
pub const DIRECTORY_VARIABLE: &str = "AAM_BACKUP_STATE_DIR";

/// State could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{doing} '{path}' in local state: {why}")]
pub struct StateError {
    pub doing: &'static str,
    pub path: PathBuf,
    pub why: io::Error,
}

/// The state of one location on this computer.
#[derive(Clone, Debug)]
pub struct State {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StateRecord {
    version: u32,
    /// None if its manifests were read back from a store.
    digest: Option<String>,
    /// The profile that made it. None if its manifests were read back from a store, and in records
    /// of older versions.
    #[serde(default)]
    profile: Option<String>,
    /// SHA-256 of each manifest file, in order. None in records of older versions.
    #[serde(default)]
    sha256: Vec<String>,
    /// Mount names and the manifest files beside this one.
    manifests: Vec<(MountName, String)>,
}

const RECORD: &str = "backup.json";
const KEY: &str = "key.json";

/// Where this computer keeps state: [`DIRECTORY_VARIABLE`], or the place the operating system has
/// for it.
pub fn base_directory() -> PathBuf {
    if let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE).filter(|d| !d.is_empty()) {
        return PathBuf::from(directory);
    }
    if cfg!(windows) {
        let data = std::env::var_os("ProgramData")
            .map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from);
        return data.join("AAM Auto Backup");
    }
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    match std::env::var_os("XDG_STATE_HOME").filter(|d| Path::new(d).is_absolute()) {
        _ if is_root() => PathBuf::from("/var/lib/aam-backup"),
        Some(state) => PathBuf::from(state).join("aam-backup"),
        None => home.join(".local/state/aam-backup"),
    }
}

#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
pub fn is_root() -> bool {
    false
}

impl State {
    /// The state of a location.
    pub fn of(location: &str) -> State {
        State {
            directory: base_directory().join("state").join(location),
        }
    }

    /// The backups remembered, oldest first. What cannot be read counts as forgotten: a backup then
    /// goes by times.
    pub fn remembered(&self) -> Vec<Remembered> {
        let Ok(entries) = entries(&self.directory) else {
            return Vec::new();
        };
        let mut found: Vec<Remembered> = entries
            .into_iter()
            .filter_map(|entry| {
                let stamp: Stamp = entry.file_name().to_str()?.parse().ok()?;
                let record = record(&entry.path)?;
                let path = |file: &str| entry.path.join(file).to_str().map(str::to_owned);
                let files = record.files(&entry.path).into_iter();
                if !are_whole(files, &record.sha256) {
                    return None;
                }
                let manifests = record
                    .manifests
                    .iter()
                    .filter_map(|(m, f)| Some((m.clone(), path(f)?)))
                    .collect();
                Some(Remembered {
                    stamp,
                    digest: record.digest,
                    profile: record.profile,
                    manifests,
                })
            })
            .collect();
        found.sort_by_key(|r| r.stamp);
        found
    }

    /// The small records, whether they are there or not.
    pub fn records(&self) -> [PathBuf; 2] {
        [KEY, sent::FILE].map(|name| self.directory.join(name))
    }

    /// The fingerprint of the key of the last backup.
    pub fn key(&self) -> Option<KeyFingerprint> {
        checked::read(&self.directory.join(KEY))
    }

    /// Keeps the fingerprint of the key of a backup.
    ///
    /// # Errors
    /// When state cannot be written.
    pub fn note_key(&self, fingerprint: &KeyFingerprint) -> io::Result<()> {
        create_private_directory(&self.directory)?;
        checked::write(&self.directory.join(KEY), fingerprint)
    }

    /// Backups whose upload was interrupted, oldest first.
    pub fn unfinished(&self) -> Vec<Unfinished> {
        uploads::find(&self.directory)
    }

    /// The record of a backup that none of these stores has yet, not written.
    pub fn unsent(
        &self,
        backup: BackupId,
        archives: Vec<ReadyArchive>,
        stores: Vec<String>,
        work: PathBuf,
    ) -> Unfinished {
        // If it does not exist, writing the record reports that.
        let _ = create_private_directory(&self.directory);
        Unfinished::new(backup, archives, stores, work, &self.directory)
    }

    /// Remembers a backup. Its manifests are copied.
    ///
    /// # Errors
    /// When state cannot be written; what was remembered before stays.
    pub fn remember(
        &self,
        stamp: Stamp,
        digest: Option<&str>,
        profile: Option<&str>,
        manifests: &[(MountName, PathBuf)],
    ) -> Result<(), StateError> {
        let failed = |doing, path: &Path| {
            let path = path.to_path_buf();
            move |why| StateError { doing, path, why }
        };
        create_private_directory(&self.directory).map_err(failed("creating", &self.directory))?;
        let building = tempfile::Builder::new()
            .prefix(BUILDING)
            .tempdir_in(&self.directory)
            .map_err(failed("creating a directory in", &self.directory))?;
        let mut record = StateRecord {
            version: 1,
            digest: digest.map(str::to_owned),
            profile: profile.map(str::to_owned),
            sha256: Vec::new(),
            manifests: Vec::new(),
        };
        for (i, (mount, source)) in manifests.iter().enumerate() {
            let file = format!("manifest-{}.v2", i + 1);
            let target = building.path().join(&file);
            fs::copy(source, &target).map_err(failed("writing", &target))?;
            sync(&target).map_err(failed("writing", &target))?;
            manifest_file::copy_notes(source, &target).map_err(failed("writing", &target))?;
            let sha256 = sha256(&target).map_err(failed("reading", &target))?;
            record.sha256.push(sha256);
            record.manifests.push((mount.clone(), file));
        }
        let target = building.path().join(RECORD);
        let text = serde_json::to_vec_pretty(&record).map_err(io::Error::from);
        text.and_then(|text| fs::write(&target, text))
            .and_then(|()| sync(&target))
            .map_err(failed("writing", &target))?;
        let place = self.directory.join(stamp.to_string());
        // What is there already was damaged, or it would not be written anew.
        match fs::remove_dir_all(&place) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removing", &place)(why));
            }
            _ => {}
        }
        fs::rename(building.path(), &place).map_err(failed("writing", &place))
    }

    /// Forgets every backup but these, and what a crash left behind. Their manifests are kept for
    /// searches.
    pub fn forget_all_but(&self, keep: &[Stamp]) {
        for entry in entries(&self.directory).into_iter().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let kept = name.parse().is_ok_and(|stamp: Stamp| keep.contains(&stamp));
            if !kept && name.parse::<Stamp>().is_ok() {
                self.keep_past(&entry.path);
            } else if name.starts_with(BUILDING) {
                // What stays is tried again by the next run.
                let _ = fs::remove_dir_all(&entry.path).or_else(|_| fs::remove_file(&entry.path));
            }
        }
        self.limit_past();
    }
}

impl StateRecord {
    /// The manifest files, in a directory of this record.
    fn files(&self, place: &Path) -> Vec<PathBuf> {
        let files = self.manifests.iter();
        files.map(|(_, file)| place.join(file)).collect()
    }
}

/// The record of a backup in its directory.
fn record(place: &Path) -> Option<StateRecord> {
    let text = fs::read(place.join(RECORD)).ok()?;
    serde_json::from_slice(&text)
        .ok()
        .filter(|record: &StateRecord| record.version == 1)
}

/// Whether files are what they were when they were written. A power cut, or a disk that fails, may
/// leave them shorter or with other content.
fn are_whole(files: impl Iterator<Item = PathBuf>, expected: &[String]) -> bool {
    let mut expected = expected.iter();
    let mut files = files;
    files.all(|file| match (sha256(&file), expected.next()) {
        (Ok(found), Some(expected)) => found == *expected,
        (Ok(_), None) => fs::metadata(&file).is_ok_and(|meta| meta.len() > 0),
        (Err(_), _) => false,
    })
}

fn sync(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_and_forgets() {
        let place = tempfile::tempdir().unwrap();
        let state = State {
            directory: place.path().join("pc"),
        };
        let manifest = place.path().join("m");
        fs::write(&manifest, "x").unwrap();
        let stamps: Vec<Stamp> = ["20260101_000000.000001", "20260102_000000.000001"]
            .map(|s| s.parse().unwrap())
            .into();
        let mount = MountName::of(&crate::model::path::FullPath::parse("/home").unwrap());
        for stamp in &stamps {
            state
                .remember(
                    *stamp,
                    Some("digest"),
                    Some("nightly"),
                    &[(mount.clone(), manifest.clone())],
                )
                .unwrap();
        }
        let known = state.remembered();
        assert_eq!(known.iter().map(|r| r.stamp).collect::<Vec<_>>(), stamps);
        assert_eq!(fs::read_to_string(&known[0].manifests[0].1).unwrap(), "x");
        fs::create_dir(state.directory.join(".building-left")).unwrap();
        fs::write(state.directory.join(".building-file"), "").unwrap();
        state.forget_all_but(&stamps[1..]);
        assert_eq!(state.remembered().len(), 1);
        assert_eq!(fs::read_dir(&state.directory).unwrap().count(), 2);
        let states: Vec<Stamp> = state.states().into_iter().map(|(stamp, _)| stamp).collect();
        assert_eq!(states, stamps, "searches still know both");
    }
}
