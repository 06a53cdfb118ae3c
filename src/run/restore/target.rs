//! The target directory of a restore and its hidden working directory (SPEC#restore).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::adapters::fs::open_plain;
use crate::model::stamp::Stamp;
use crate::plan::restore::layout::WORK_DIRECTORY;
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::{PlannedMount, RestorePlan};

use super::disk;
use super::error::RestoreError;
use super::held::{HeldDirectory, NotHeld, is_own};
use super::journal::Journal;
use super::touched;

/// Room that is left for the journal, the lists, and what other programs write meanwhile.
const MARGIN: u64 = 16 << 20;

/// An open target, which only this process works on.
#[derive(Debug)]
pub struct Target {
    /// The path by which it is used: not always the one that the user named.
    pub path: PathBuf,
    named: PathBuf,
    /// It held nothing when the restore began: what is in it was written by this restore.
    pub fresh: bool,
    /// This restore was started earlier.
    pub resumed: bool,
    work: PathBuf,
    journal: Mutex<Journal>,
    // Closing the file frees the lock; a crash does, too.
    lock: File,
    held: HeldDirectory,
}

impl Target {
    /// Opens the target, which is made if it does not exist, or resumes the restore in it.
    ///
    /// # Errors
    /// When it is not empty and `into_existing` is not set, when it cannot be made, or when a
    /// running or a different restore uses it.
    pub fn open(
        path: &Path,
        into_existing: bool,
        plan: &RestorePlan,
    ) -> Result<Target, RestoreError> {
        let named = std::path::absolute(path).map_err(RestoreError::disk("find", path))?;
        let (created, fresh) = look_or_create(&named)?;
        let mut held = HeldDirectory::hold(&named).map_err(|error| match error {
            NotHeld::Io(error) => RestoreError::disk("open", &named)(error),
            #[cfg(unix)]
            NotHeld::LinkOfAnother => RestoreError::ThroughLink(named.clone()),
        })?;
        let path = held.path.clone();
        let work = path.join(WORK_DIRECTORY);
        if is_link(&work) {
            return Err(RestoreError::ThroughLink(named.join(WORK_DIRECTORY)));
        }
        if !is_own(&work) {
            return Err(RestoreError::NotOurs(named.join(WORK_DIRECTORY)));
        }
        let begun = Journal::load(&work)?;
        if begun.is_none() && !fresh && !into_existing {
            return Err(RestoreError::NotEmpty(named));
        }
        match private().create(&work) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(RestoreError::disk("create", &work)(error));
            }
            _ => {}
        }
        let lock = lock(&work, &named)?;
        let resumed = begun.is_some();
        let mut journal = match begun {
            Some(mut journal) => {
                journal.check(plan, &named)?;
                resume(&mut journal, plan, &path)?;
                held.former = journal.former.or(held.former);
                journal
            }
            None => Journal::begin(plan, fresh, created),
        };
        journal.former = held.former;
        let target = Target {
            path,
            named,
            fresh: journal.fresh,
            resumed,
            work,
            journal: Mutex::new(journal),
            lock,
            held,
        };
        target.clear(TEMPORARY)?;
        for directory in [TEMPORARY, VOLUMES] {
            let directory = target.work.join(directory);
            fs::create_dir_all(&directory).map_err(RestoreError::disk("create", &directory))?;
        }
        target.change(|_| ())?;
        Ok(target)
    }

    /// A path for what is needed by this process only.
    pub fn work(&self, name: &str) -> PathBuf {
        self.work.join(TEMPORARY).join(name)
    }

    /// Where a part of an archive, counted from 0, is kept until the archive is extracted.
    pub fn part_path(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        index: usize,
    ) -> PathBuf {
        part_path(&self.work, mount, archive, index)
    }

    /// What is remembered.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is remembered, on the disk too.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn change(&self, change: impl FnOnce(&mut Journal)) -> Result<(), RestoreError> {
        let mut journal = self.journal();
        change(&mut journal);
        journal.save(&self.work)
    }

    /// Records that files are written from now on. If this restore is stopped, the next start must
    /// resume it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn begin_writing(&self) -> Result<(), RestoreError> {
        if self.journal().written {
            return Ok(());
        }
        self.change(|journal| journal.written = true)
    }

    /// How many entries of an archive were wanted, if it was extracted by an earlier start.
    pub fn extracted(&self, mount: usize, stamp: Stamp) -> Option<u64> {
        self.journal()
            .extracted
            .iter()
            .find(|e| e.mount == mount && e.stamp == stamp)
            .map(|e| e.found)
    }

    /// Makes the directory that `names` lead to, below the target and through no link.
    ///
    /// # Errors
    /// When something else is in its place.
    pub fn make(&self, names: &[String]) -> Result<PathBuf, RestoreError> {
        let mut path = self.path.clone();
        for name in names {
            path.push(name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(found) if found.is_symlink() => return Err(RestoreError::ThroughLink(path)),
                Ok(_) => return Err(RestoreError::NotADirectory(path)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&path).map_err(RestoreError::disk("create", &path))?;
                }
                Err(error) => return Err(RestoreError::disk("look at", &path)(error)),
            }
        }
        Ok(path)
    }

    /// Puts everything that was extracted onto the disk itself: what it came from is deleted next.
    /// Windows has no call for this, and does so by itself within seconds.
    pub fn settle(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(directory) = File::open(&self.path) {
            // A disk that fails at it fails at the next write, too.
            let _ = rustix::fs::syncfs(directory);
        }
    }

    /// Free bytes on its disk, where the file system knows.
    pub fn free(&self) -> Option<u64> {
        disk::free_bytes(&self.path)
    }

    /// Whether its disk takes this many bytes more, as far as is known.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.free()
            .is_none_or(|free| free >= bytes.saturating_add(MARGIN))
    }

    /// Whether its disk is full, as far as is known.
    pub fn is_full(&self) -> bool {
        self.free().is_some_and(|free| free < 1 << 20)
    }

    /// Leaves the target: after success without a trace of the work. After a failure, what cost
    /// money or time stays for the next start; when there is nothing of that kind, what was made
    /// for nothing goes.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn close(self, how: Close) -> Result<(), RestoreError> {
        self.clear(TEMPORARY)?;
        let keep = match how {
            Close::Done => false,
            Close::Later => true,
            Close::Failed => {
                let journal = self.journal();
                journal.agreed
                    || journal.written
                    || !journal.extracted.is_empty()
                    || has_files(&self.work.join(VOLUMES))
            }
        };
        if keep {
            return Ok(());
        }
        let created = self.journal().created;
        // Windows removes no open file.
        drop(self.lock);
        disk::remove_directory(&self.work)?;
        if how == Close::Failed && self.fresh {
            remove_empty(&self.path, false);
            let named = self.named.clone();
            drop(self.held);
            if created {
                // Fails when it is not empty, as it should.
                let _ = fs::remove_dir(named);
            }
        }
        Ok(())
    }

    fn clear(&self, name: &str) -> Result<(), RestoreError> {
        disk::remove_directory(&self.work.join(name))
    }
}

/// How a restore leaves its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    Done,
    /// A step is done; others follow.
    Later,
    Failed,
}

/// Decrypted manifests and lists: of no use to another process.
const TEMPORARY: &str = "temporary";
/// Downloads.
const VOLUMES: &str = "volumes";

/// Goes on as if the restore had been interrupted, unless somebody worked in the target since it
/// ended.
fn resume(journal: &mut Journal, plan: &RestorePlan, path: &Path) -> Result<(), RestoreError> {
    journal.follow(plan);
    let Some(ended) = journal.ended.take() else {
        return Ok(());
    };
    let found = touched::since(path, ended.into());
    match found.map_err(RestoreError::disk("read", path))? {
        Some(found) => Err(RestoreError::Touched(found)),
        None => Ok(()),
    }
}

/// Where a part is downloaded to, in a working directory. Keys never become file names here: a
/// store may hold any key. An existing file was checked.
pub fn part_path(
    work: &Path,
    mount: &PlannedMount,
    archive: &PlannedArchive,
    index: usize,
) -> PathBuf {
    // A slice is never mistaken for the volume with the same number.
    let what = if archive.is_sliced() {
        "slice"
    } else {
        "volume"
    };
    let name = format!("{what}.{}.{:03}", archive.format.extension(), index + 1);
    work.join(VOLUMES)
        .join(format!("{}-{}", mount.number, archive.stamp))
        .join(name)
}

/// Looks into a target, which is made if it does not exist: whether it was made, and whether it
/// holds nothing but the working directory.
fn look_or_create(path: &Path) -> Result<(bool, bool), RestoreError> {
    match fs::read_dir(path) {
        Ok(entries) => {
            let mut fresh = true;
            for entry in entries {
                let entry = entry.map_err(RestoreError::disk("read", path))?;
                fresh &= entry.file_name() == WORK_DIRECTORY;
            }
            Ok((false, fresh))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(path).map_err(RestoreError::disk("create", path))?;
            Ok((true, true))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(RestoreError::NotADirectory(path.to_owned()))
        }
        Err(error) => Err(RestoreError::disk("read", path)(error)),
    }
}

/// Two restores into one target would overwrite each other's downloads.
fn lock(work: &Path, target: &Path) -> Result<File, RestoreError> {
    let path = work.join("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = open_plain(&path, &mut options).map_err(RestoreError::disk("open", &path))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(fs4::TryLockError::WouldBlock) => Err(RestoreError::Busy(target.to_owned())),
        Err(fs4::TryLockError::Error(why)) => Err(RestoreError::disk("lock", &path)(why)),
    }
}

fn has_files(directory: &Path) -> bool {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => has_files(&entry.path()),
            _ => true,
        })
}

/// Removes empty directories, deepest first; a directory that holds a file stays.
fn remove_empty(path: &Path, itself: bool) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_empty(&entry.path(), true);
        }
    }
    if itself {
        // Fails when it is not empty, as it should.
        let _ = fs::remove_dir(path);
    }
}

pub fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink())
}

/// Manifests are private: names of files. Nobody else may read the decrypted files.
fn private() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
