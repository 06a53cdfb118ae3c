//! Extraction of an archive while its volumes are still arriving: a restore takes as long as the slower of download and
//! extraction, also when all of it is one archive (SPEC §9).
//!
//! A zip has its table of contents at the end, so the last volume is downloaded first. Files of nothing, as long as the
//! missing volumes, stand in for them, and after each volume that arrives the entries that are whole by then are
//! extracted. Whatever is unusual is left to the ordinary way, which waits for all volumes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::event::Section;
use crate::name::Format;
use crate::tool::seven_zip::Listed;

use super::archive::Selected;
use super::error::RestoreError;
use super::mounts::Wait;
use super::plan::{PlannedArchive, PlannedMount};
use super::run::Restore;

/// A header in a zip is at most this long: 30 bytes, a name and extra fields of at most 65535 bytes each, and after the
/// content 24 bytes of descriptor.
const HEADER: u64 = 30 + 2 * 65535 + 24;

/// An archive as far as it is here.
struct View {
    directory: PathBuf,
    /// The volumes' real places.
    places: Vec<PathBuf>,
    sizes: Vec<u64>,
}

impl View {
    fn name(&self, index: usize) -> PathBuf {
        self.directory.join(format!("arriving.zip.{:03}", index + 1))
    }

    /// Shows the first `here` volumes and the last one as they are, and nothing in the place of the others.
    fn show(&self, here: usize) -> io::Result<()> {
        for (index, (place, size)) in self.places.iter().zip(&self.sizes).enumerate() {
            let name = self.name(index);
            let arrived = index < here || index + 1 == self.places.len();
            if fs::exists(&name)? {
                if !arrived {
                    continue;
                }
                fs::remove_file(&name)?;
            }
            if arrived { fs::hard_link(place, &name)? } else { File::create(&name)?.set_len(*size)? }
        }
        Ok(())
    }

    /// In which volume an entry ends, at the latest.
    fn end(&self, entry: &Listed) -> usize {
        let last = self.sizes.len() - 1;
        let Some(offset) = entry.offset else { return last };
        let end = offset.saturating_add(entry.packed).saturating_add(HEADER);
        let mut sum = 0;
        self.sizes
            .iter()
            .position(|size| {
                sum += size;
                end <= sum
            })
            .unwrap_or(last)
    }
}

/// List files, one for each volume that completes entries.
struct Batches {
    stem: PathBuf,
    writers: Vec<Option<BufWriter<File>>>,
    failed: io::Result<()>,
}

impl Batches {
    fn place(&self, volume: usize) -> PathBuf {
        self.stem.with_extension(format!("{volume}.txt"))
    }

    fn add(&mut self, volume: usize, path: &str) {
        if self.failed.is_ok() {
            self.failed = self.try_add(volume, path);
        }
    }

    fn try_add(&mut self, volume: usize, path: &str) -> io::Result<()> {
        let place = self.place(volume);
        let Some(slot) = self.writers.get_mut(volume) else { return Ok(()) };
        let writer = match slot {
            Some(writer) => writer,
            None => slot.insert(BufWriter::new(File::create(place)?)),
        };
        writeln!(writer, "\"{path}\"")
    }

    /// The list files by volume.
    fn close(mut self) -> io::Result<Vec<Option<PathBuf>>> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        let mut places = Vec::new();
        for volume in 0..self.writers.len() {
            let writer = self.writers[volume].take();
            places.push(writer.map(|mut w| w.flush().map(|()| self.place(volume))).transpose()?);
        }
        Ok(places)
    }
}

impl Restore<'_> {
    /// Extracts an archive as its volumes arrive. `None` when that cannot be done: all volumes are here then.
    pub(super) fn extract_arriving(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        into: &Path,
        wait: Wait<'_>,
    ) -> Result<Option<u64>, RestoreError> {
        let all = archive.volumes.len();
        // Without a manifest nothing but a listed directory would make an empty one.
        let fits = archive.format == Format::Zip && all > 1 && mount.manifest.is_some() && mount.wanted.is_empty();
        let mut here = if fits { wait(archive, 0)? } else { wait(archive, all)? };
        if here == all {
            return Ok(None);
        }
        let view = View {
            directory: self.target.work("arriving"),
            places: (0..all).map(|i| self.target.volume(mount.number, archive, i)).collect(),
            sizes: archive.volumes.iter().map(|v| v.size).collect(),
        };
        let lists = match self.look_ahead(mount, archive, &view, here) {
            Ok(lists) => lists,
            Err(error @ RestoreError::Entry { .. }) => return Err(error),
            Err(error) if error.is_interrupted() => return Err(error),
            // Such as a table of contents that begins in the volume before the last, or a disk without hard links.
            Err(_) => {
                clear(&view.directory)?;
                wait(archive, all)?;
                return Ok(None);
            }
        };
        let (mut found, mut done) = (0, 0);
        while done < all {
            if done >= here {
                here = wait(archive, done)?;
            }
            view.show(here).map_err(RestoreError::disk("write", &view.directory))?;
            // All that became whole since the last time at once: each call of 7-Zip reads the table of contents.
            let batch = view.directory.join("batch.txt");
            if join(lists.get(done..here).unwrap_or_default(), &batch).map_err(RestoreError::disk("write", &batch))? {
                self.events
                    .note(Section::Restore, format!("{here} of {all} volumes are here: extracting what is whole"));
                found = self.extract(mount, archive, &view.name(0), &Selected::List(batch), into)?;
            }
            done = here;
        }
        clear(&view.directory)?;
        Ok(Some(found))
    }

    /// Inspects the archive by its table of contents, and lists what each volume completes.
    fn look_ahead(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        view: &View,
        here: usize,
    ) -> Result<Vec<Option<PathBuf>>, RestoreError> {
        clear(&view.directory)?;
        fs::create_dir(&view.directory).map_err(RestoreError::disk("create", &view.directory))?;
        view.show(here).map_err(RestoreError::disk("write", &view.directory))?;
        let mut batches = Batches {
            stem: view.directory.join("whole-after"),
            writers: view.sizes.iter().map(|_| None).collect(),
            failed: Ok(()),
        };
        self.inspect_part(mount, archive, &view.name(0), &mut |listed| {
            let end = view.end(listed);
            // Directories come from the manifest; naming one here would name all that is in it.
            if !listed.is_directory {
                batches.add(end, &listed.path);
            }
            end < here
        })?;
        batches.close().map_err(RestoreError::disk("write", &view.directory))
    }
}

/// Joins list files; whether there is anything in them.
fn join(lists: &[Option<PathBuf>], batch: &Path) -> io::Result<bool> {
    let mut out = BufWriter::new(File::create(batch)?);
    let mut bytes = 0;
    for list in lists.iter().flatten() {
        bytes += io::copy(&mut File::open(list)?, &mut out)?;
    }
    out.flush()?;
    Ok(bytes > 0)
}

fn clear(directory: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RestoreError::disk("remove", directory)(error)),
        _ => Ok(()),
    }
}
