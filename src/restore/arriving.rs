//! Extraction of an archive while its volumes are still arriving: a restore takes little more than the slower of
//! download and extraction, also when all of it is one archive (SPEC §9).
//!
//! A zip has its table of contents at its end, so the last volume is downloaded first. Files as long as the missing
//! portions stand in for them, and after each portion that arrives the entries that are whole by then are extracted.
//! Whatever is unusual is left to the ordinary way, which waits for all of it; so is a 7z archive, whose files can only
//! be had one after the other from its beginning.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::event::Section;
use crate::name::Format;
use crate::tool::seven_zip::Listed;

use super::error::RestoreError;
use super::mounts::Wait;
use super::parallel::each;
use super::plan::{PlannedArchive, PlannedMount};
use super::portion::Portion;
use super::run::Restore;

/// What stands in for the beginning of a zip: a first header. 7-Zip compares it with the first entry of the table of
/// contents, though not its name, and here not its sizes; so there is one for an entry with content and one without.
const BEGINNINGS: [&[u8; 31]; 2] = [
    b"PK\x03\x04\x33\0\x09\0\x63\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
    b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
];

/// A header in a zip is at most this long: 30 bytes, a name and extra fields of at most 65535 bytes each, and after the
/// content 24 bytes of descriptor.
const HEADER: u64 = 30 + 2 * 65535 + 24;

/// How many 7-Zips extract at a time: one uses one processor for a zip.
const HANDS: usize = 2;

/// An archive as far as it is here.
struct View {
    directory: PathBuf,
    /// The portions' real places.
    places: Vec<PathBuf>,
    sizes: Vec<u64>,
    /// Where in the archive each portion ends.
    ends: Vec<u64>,
    /// Which portion arrives first, second, …
    arrival: Vec<usize>,
    beginning: &'static [u8],
}

impl View {
    fn new(restore: &Restore<'_>, mount: &PlannedMount, archive: &PlannedArchive) -> View {
        let sizes: Vec<u64> = archive.portions().iter().map(Portion::size).collect();
        let ends = sizes.iter().scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        });
        View {
            directory: restore.target.work("arriving"),
            places: (0..sizes.len()).map(|i| restore.target.portion(mount.number, archive, i)).collect(),
            ends: ends.collect(),
            sizes,
            arrival: archive.arrival(),
            beginning: &[],
        }
    }

    fn name(&self, index: usize) -> PathBuf {
        self.directory.join(format!("arriving.zip.{:03}", index + 1))
    }

    /// Shows the first `here` portions to arrive as they are, and something of their length in the place of the others.
    fn show(&self, here: usize) -> io::Result<()> {
        for (at, index) in self.arrival.iter().enumerate() {
            let name = self.name(*index);
            if at < here {
                match fs::remove_file(&name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => fs::hard_link(&self.places[*index], &name)?,
                }
            } else if !fs::exists(&name)? {
                let mut file = File::create(&name)?;
                file.write_all(if *index == 0 { self.beginning } else { &[] })?;
                file.set_len(self.sizes[*index])?;
            }
        }
        Ok(())
    }

    /// How many portions must have arrived for this entry to be whole.
    fn needs(&self, entry: &Listed) -> usize {
        let Some(begin) = entry.offset else { return self.sizes.len() };
        let end = begin.saturating_add(entry.packed).saturating_add(HEADER);
        let portion = |byte: u64| self.ends.partition_point(|end| *end <= byte);
        let touched = portion(begin)..=portion(end);
        self.arrival.iter().rposition(|index| touched.contains(index)).map_or(self.sizes.len(), |last| last + 1)
    }
}

/// What is whole when so many portions have arrived: list files, one for each 7-Zip.
struct Batches {
    directory: PathBuf,
    /// The lists being written.
    open: Option<(usize, Lists)>,
}

/// A list for each 7-Zip, and the bytes in its entries.
type Lists = [(BufWriter<File>, u64); HANDS];

impl Batches {
    fn place(&self, needs: usize, hand: usize) -> PathBuf {
        self.directory.join(format!("whole-after-{needs}.{hand}.txt"))
    }

    /// Entries come in the order in which they lie in the archive, so that few lists are open at a time: one.
    fn add(&mut self, needs: usize, entry: &Listed) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != needs) {
            self.close()?;
            let list = |hand| {
                let file = OpenOptions::new().create(true).append(true).open(self.place(needs, hand))?;
                Ok::<_, io::Error>((BufWriter::new(file), 0))
            };
            self.open = Some((needs, [list(0)?, list(1)?]));
        }
        let Some((_, [one, other])) = &mut self.open else { return Ok(()) };
        let (list, bytes) = if one.1 <= other.1 { one } else { other };
        // Opening a small file takes as long as writing some more of a large one.
        *bytes += entry.size + 64 * 1024;
        writeln!(list, "\"{}\"", entry.path)
    }

    fn close(&mut self) -> io::Result<()> {
        let Some((_, lists)) = self.open.take() else { return Ok(()) };
        lists.into_iter().try_for_each(|(mut list, _)| list.flush())
    }

    /// Joins the lists of what became whole when the portions after `done` arrived, up to `here`. `None` when there is
    /// nothing in them.
    fn join(&self, done: usize, here: usize, hand: usize) -> io::Result<Option<PathBuf>> {
        let batch = self.directory.join(format!("batch.{hand}.txt"));
        let mut out = BufWriter::new(File::create(&batch)?);
        let mut bytes = 0;
        for needs in done + 1..=here {
            match File::open(self.place(needs, hand)) {
                Ok(mut list) => bytes += io::copy(&mut list, &mut out)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        out.flush()?;
        Ok((bytes > 0).then_some(batch))
    }
}

/// What lists cost. 7-Zip compares each entry of a directory with each name of it in a list.
#[derive(Default)]
struct Cost {
    random: RandomState,
    /// Names in a directory, by a hash of its path: memory for no names.
    names: HashMap<u64, u64>,
    comparing: u64,
    extracting: u64,
}

impl Cost {
    // Nanoseconds, measured with 200,000 files: in one directory 40,000 of them took 235 s by list instead of 28 s.
    const COMPARE: u64 = 20;
    const FILE: u64 = 400_000;
    const BYTE: u64 = 4;

    fn add(&mut self, entry: &Listed) {
        if !entry.is_directory {
            self.extracting += Cost::FILE + entry.size.saturating_mul(Cost::BYTE);
        }
        let mut path = entry.path.as_str();
        while !path.is_empty() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let names = self.names.entry(self.random.hash_one(parent)).or_default();
            // One name more, and as many comparisons as a square grows by.
            self.comparing += Cost::COMPARE * (2 * *names + 1);
            *names += 1;
            if *names > 1 {
                return;
            }
            path = parent;
        }
    }

    fn is_too_high(&self) -> bool {
        self.comparing > self.extracting / 10
    }
}

impl Restore<'_> {
    /// Extracts an archive as it arrives. `None` when that cannot be done: all of it is here then.
    pub(super) fn extract_arriving(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        into: &Path,
        wait: Wait<'_>,
    ) -> Result<Option<u64>, RestoreError> {
        let all = archive.portions().len();
        // Without a manifest nothing but a listed directory would make an empty one.
        let fits = archive.format == Format::Zip && all > 1 && mount.manifest.is_some() && mount.wanted.is_empty();
        let mut view = View::new(self, mount, archive);
        let mut have = if fits { 0 } else { all };
        let (mut here, batches) = loop {
            let here = wait(archive, have)?;
            if here == all {
                clear(&view.directory)?;
                return Ok(None);
            }
            let ahead = match self.look_ahead(mount, archive, &mut view, here, BEGINNINGS[0]) {
                Err(error) if !is_final(&error) => self.look_ahead(mount, archive, &mut view, here, BEGINNINGS[1]),
                ahead => ahead,
            };
            match ahead {
                Ok(Some(batches)) => break (here, batches),
                Ok(None) => have = all,
                Err(error) if is_final(&error) => return Err(error),
                // Such as a table of contents that begins in a portion that is not here, or a disk without hard links.
                // A look costs time: the next one when twice as much is here.
                Err(_) => have = 2 * here,
            }
        };
        let written = || RestoreError::disk("write", &view.directory);
        let found = self.clear_way(mount, &view.name(0), into, None)?;
        self.announce(mount, archive, into);
        let what = if archive.is_sliced() { "slices" } else { "volumes" };
        let mut done = 0;
        while done < all {
            if done == here {
                here = wait(archive, done)?;
            }
            view.show(here).map_err(written())?;
            // All that became whole since the last time at once: each start of 7-Zip reads the table of contents.
            let lists = (0..HANDS).map(|hand| batches.join(done, here, hand)).collect::<io::Result<Vec<_>>>();
            let lists: Vec<PathBuf> = lists.map_err(written())?.into_iter().flatten().collect();
            if !lists.is_empty() {
                let text = format!("{here} of {all} {what} are here: extracting what is whole");
                self.events.note(Section::Restore, text);
            }
            match each(&lists, HANDS, |list| self.unpack(mount, archive, &view.name(0), Some(list), into)) {
                // Every portion here is what was uploaded: a 7-Zip that does not bear this may bear the whole archive.
                Err((_, error @ RestoreError::Archive { full: false, .. })) if here < all => {
                    self.events.note(Section::Restore, format!("{error}; waiting for all of it"));
                    wait(archive, all)?;
                    clear(&view.directory)?;
                    return Ok(None);
                }
                unpacked => drop(unpacked.map_err(|(_, error)| error)?),
            }
            done = here;
        }
        clear(&view.directory)?;
        Ok(Some(found))
    }

    /// Inspects the archive by its table of contents, and lists what is whole when. `None` when extracting by lists
    /// would take too long.
    fn look_ahead(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        view: &mut View,
        here: usize,
        beginning: &'static [u8],
    ) -> Result<Option<Batches>, RestoreError> {
        view.beginning = beginning;
        clear(&view.directory)?;
        fs::create_dir(&view.directory).map_err(RestoreError::disk("create", &view.directory))?;
        view.show(here).map_err(RestoreError::disk("write", &view.directory))?;
        let mut batches = Batches { directory: view.directory.clone(), open: None };
        let (mut cost, mut written) = (Cost::default(), Ok(()));
        self.inspect_part(mount, archive, &view.name(0), &mut |listed| {
            let needs = view.needs(listed);
            cost.add(listed);
            // Directories come from the manifest; naming one here would name all that is in it.
            if !listed.is_directory && written.is_ok() {
                written = batches.add(needs, listed);
            }
            needs <= here
        })?;
        written.and_then(|()| batches.close()).map_err(RestoreError::disk("write", &view.directory))?;
        Ok((!cost.is_too_high()).then_some(batches))
    }
}

/// Whether waiting for the rest of the archive would change nothing.
fn is_final(error: &RestoreError) -> bool {
    error.is_interrupted() || matches!(error, RestoreError::Entry { .. })
}

fn clear(directory: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RestoreError::disk("remove", directory)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(path: String, size: u64) -> Listed {
        Listed { path, size, packed: size, offset: Some(0), ..Listed::default() }
    }

    fn too_high(files: u64, in_one: u64, size: u64) -> bool {
        let mut cost = Cost::default();
        (0..files).for_each(|i| cost.add(&listed(format!("a/{}/{i}", i / in_one), size)));
        cost.is_too_high()
    }

    #[test]
    fn lists_are_for_directories_that_are_not_too_large() {
        assert!(!too_high(50_000, 100, 10));
        assert!(too_high(50_000, 50_000, 10));
        assert!(!too_high(10_000, 10_000, 1 << 20));
        assert!(too_high(50_000, 1, 10), "directories are names, too");
    }

    #[test]
    fn an_entry_is_whole_when_all_its_volumes_are_here() {
        let mebibyte = 1 << 20;
        let view = View {
            directory: PathBuf::new(),
            places: Vec::new(),
            sizes: vec![mebibyte; 4],
            ends: (1..=4).map(|i| i * mebibyte).collect(),
            arrival: vec![3, 0, 1, 2],
            beginning: BEGINNINGS[0],
        };
        let needs = |offset, packed| view.needs(&Listed { offset, packed, ..Listed::default() });
        assert_eq!(needs(Some(3 * mebibyte), 1000), 1, "in the last one");
        assert_eq!(needs(Some(4 * mebibyte - 10), 10), 1, "to its end");
        assert_eq!(needs(Some(0), 1000), 2);
        assert_eq!(needs(Some(mebibyte - 1000), 1), 3, "its header may go on");
        assert_eq!(needs(Some(2 * mebibyte + 1000), mebibyte), 4);
        assert_eq!(needs(Some(0), 4 * mebibyte), 4);
        assert_eq!(needs(None, 1), 4);
    }
}
