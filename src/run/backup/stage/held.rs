//! Compares the expected and the real content of the archive, entry by entry (SPEC#manifest).

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::StageError;
use crate::adapters::manifest_file::FileReader;
use crate::model::cancel::Cancel;
use crate::model::manifest::{Entry, EntryKind, RelPath, Stored};
use crate::model::path::{Family, verbatim};
use crate::plan::backup::StageOrder;
use crate::render::{StageFiles, seven_zip_line};
use crate::run::native::native;

/// A sum over entries in any order: two equal sums are the same entries. Names need not be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EntrySum {
    pub files: u64,
    pub bytes: u64,
    sum: u128,
}

impl EntrySum {
    /// Adds an entry; a directory has no size.
    pub fn add(&mut self, path: &str, size: Option<u64>) {
        let mut digest = Sha256::new();
        digest.update(size.map_or([0xff; 9], |size| {
            let mut bytes = [0; 9];
            bytes[1..].copy_from_slice(&size.to_le_bytes());
            bytes
        }));
        digest.update(path);
        let mut half = [0; 16];
        half.copy_from_slice(&digest.finalize()[..16]);
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(half));
        if let Some(size) = size {
            self.files += 1;
            self.bytes += size;
        }
    }
}

/// Calls `each` for every entry that the archive must hold, in walk order: files by the manifest,
/// directories by the list that 7-Zip was given.
pub(super) fn each_expected(
    order: &StageOrder,
    files: &StageFiles,
    each: &mut dyn FnMut(Entry) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut lines = Lines::open(&files.archive_list.to_native(), order.mount.path.family())?;
    let mut next = lines.next()?;
    for entry in FileReader::open(&files.manifest.to_native())? {
        let entry = entry?;
        while next.as_ref().is_some_and(|next| *next < entry.path) {
            next = lines.next()?;
        }
        let is_expected = match entry.kind {
            EntryKind::File => !entry.unseen && entry.stored == Some(Stored::In(order.stamp)),
            EntryKind::Directory => next.as_ref() == Some(&entry.path),
            EntryKind::Link => false,
        };
        if is_expected {
            each(entry)?;
        }
    }
    Ok(())
}

/// The lines of the list that 7-Zip is given.
struct Lines {
    input: BufReader<File>,
    family: Family,
    path: std::path::PathBuf,
}

impl Lines {
    fn open(path: &Path, family: Family) -> Result<Lines, StageError> {
        let input = File::open(path).map_err(StageError::io("reading", path))?;
        Ok(Lines {
            input: BufReader::new(input),
            family,
            path: path.to_owned(),
        })
    }

    fn next(&mut self) -> Result<Option<RelPath>, StageError> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line);
        if read.map_err(StageError::io("reading", &self.path))? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\n', '\r']);
        let line = line.strip_prefix('"').unwrap_or(line);
        let line = line.strip_suffix('"').unwrap_or(line);
        Ok(Some(match self.family {
            Family::Unix => RelPath::from_bytes(line),
            Family::Windows => RelPath::from_bytes(line.replace('\\', "/")),
        }))
    }
}

/// Takes paths out of the list that 7-Zip is given. Returns whether anything is left in it.
pub(super) fn take_out(
    order: &StageOrder,
    files: &StageFiles,
    unfit: &BTreeSet<RelPath>,
) -> Result<bool, StageError> {
    let path = files.archive_list.to_native();
    let new = path.with_extension("rest");
    let family = order.mount.path.family();
    let mut out = BufWriter::new(File::create(&new).map_err(StageError::io("writing", &new))?);
    let (mut lines, mut is_left) = (Lines::open(&path, family)?, false);
    while let Some(listed) = lines.next()? {
        if let Some(line) = seven_zip_line(&listed, family).filter(|_| !unfit.contains(&listed)) {
            is_left = true;
            out.write_all(line.as_bytes())
                .map_err(StageError::io("writing", &new))?;
        }
    }
    out.flush().map_err(StageError::io("writing", &new))?;
    fs::rename(&new, &path).map_err(StageError::io("writing", &path))?;
    Ok(is_left)
}

/// The listed paths that are something else than a file or directory by now: 7-Zip would wait for
/// a pipe, and follow a link.
pub(super) fn replaced(
    order: &StageOrder,
    files: &StageFiles,
) -> Result<BTreeSet<RelPath>, StageError> {
    let mut paths = LookUp::new(order);
    filter_listed(order, files, &mut |path| !paths.is_plain(path))
}

/// The listed files that cannot be read to their end. This reads all of them.
pub(super) fn unreadable(
    order: &StageOrder,
    files: &StageFiles,
    cancel: &Cancel,
) -> Result<BTreeSet<RelPath>, StageError> {
    let source = verbatim(Path::new(&order.shown_at));
    filter_listed(order, files, &mut |path| {
        let is_gone = |why: &std::io::Error| why.kind() == std::io::ErrorKind::NotFound;
        !cancel.is_set()
            && native(&source, path)
                .is_some_and(|path| read_through(&path, cancel).is_err_and(|why| !is_gone(&why)))
    })
}

fn filter_listed(
    order: &StageOrder,
    files: &StageFiles,
    is_unfit: &mut dyn FnMut(&RelPath) -> bool,
) -> Result<BTreeSet<RelPath>, StageError> {
    let list = files.archive_list.to_native();
    let mut lines = Lines::open(&list, order.mount.path.family())?;
    let mut unfit = BTreeSet::new();
    while let Some(path) = lines.next()? {
        if is_unfit(&path) {
            unfit.insert(path);
        }
    }
    Ok(unfit)
}

fn read_through(path: &Path, cancel: &Cancel) -> std::io::Result<()> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe may have taken its place this moment.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        options.custom_flags(flags.bits() as i32);
    }
    let mut file = options.open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while !cancel.is_set() && file.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Looks entries up below the source, through no link but those above the sources.
pub(super) struct LookUp {
    source: std::path::PathBuf,
    family: Family,
    /// A path above the sources. A link there was made by the user and is followed.
    above_sources: HashSet<RelPath>,
    /// The directory that was looked at last, and whether no link leads to it.
    parent: Option<(RelPath, bool)>,
}

impl LookUp {
    pub fn new(order: &StageOrder) -> LookUp {
        let sources = order.selection.sources.iter();
        let sources = sources.filter_map(|path| RelPath::below(path, &order.mount.path));
        let above_sources = sources.flat_map(|source| {
            let depths = 1..source.names().count();
            depths.map(move |depth| source.truncated(depth))
        });
        LookUp {
            source: verbatim(Path::new(&order.shown_at)),
            family: order.mount.path.family(),
            above_sources: above_sources.collect(),
            parent: None,
        }
    }

    /// The form of a path in which archive and manifest are compared. 7-Zip for Windows stores
    /// names as they are on the disk, even if the profile spells them differently.
    pub fn key(&self, path: &RelPath) -> Option<String> {
        Some(self.family.fold(path.as_str()?))
    }

    /// What is there now. `None` when nothing is known of it.
    pub fn metadata(&self, path: &RelPath) -> std::io::Result<fs::Metadata> {
        let name = || std::io::Error::other("this system cannot have its name");
        fs::symlink_metadata(native(&self.source, path).ok_or_else(name)?)
    }

    /// Whether every directory above a path is one, and no link.
    pub fn is_reached(&mut self, path: &RelPath) -> bool {
        if path.is_root() {
            return true;
        }
        let parent = path.parent();
        if let Some((last, reached)) = &self.parent
            && *last == parent
        {
            return *reached;
        }
        let depth = parent.names().count();
        let is_link = |depth| {
            let above = parent.truncated(depth);
            let found = self.metadata(&above);
            found.is_ok_and(|found| found.is_symlink()) && !self.above_sources.contains(&above)
        };
        let reached = !(1..=depth).any(is_link);
        self.parent = Some((parent, reached));
        reached
    }

    /// Whether a path may be given to 7-Zip: it is a file or a directory, or does not exist.
    fn is_plain(&mut self, path: &RelPath) -> bool {
        let is_plain = self
            .metadata(path)
            .map_or(true, |found| found.is_file() || found.is_dir());
        is_plain && self.is_reached(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(entries: &[(&str, Option<u64>)]) -> EntrySum {
        let mut sum = EntrySum::default();
        for (path, size) in entries {
            sum.add(path, *size);
        }
        sum
    }

    #[test]
    fn sums_tell_entries_apart_that_have_the_same_totals() {
        let all = sum(&[("a", Some(1)), ("b", Some(2)), ("e", None)]);
        assert_eq!(all, sum(&[("e", None), ("b", Some(2)), ("a", Some(1))]));
        for other in [
            sum(&[("a", Some(2)), ("b", Some(1)), ("e", None)]),
            sum(&[("a", Some(1)), ("e/b", Some(2)), ("e", None)]),
            sum(&[("a", Some(1)), ("b", Some(2))]),
            sum(&[("a", Some(1)), ("b", Some(2)), ("e", Some(0))]),
        ] {
            assert_ne!(all, other);
        }
    }
}
