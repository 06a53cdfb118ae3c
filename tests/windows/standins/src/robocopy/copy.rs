//! The copying itself.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::entries::{Entries, Entry, Key, difference, entries};
use super::exact::{shown, used};
use super::header;
use super::options::Options;
use super::pattern::{matches, upper};
use super::tally::{Tally, scaled};
use crate::{console, system};

/// How many milliseconds a second of waiting for a file takes: 10 unless a test says otherwise.
const SECOND_VARIABLE: &str = "AAM_STANDIN_SECOND";

/// Waiting longer than this in all is not tried.
const PATIENCE: u64 = 3600;

/// A name that is copied though a list of exclusions has it.
const DEAF_VARIABLE: &str = "AAM_STANDIN_DEAF";

/// A file name, with wildcards, that cannot be read.
const DENY_VARIABLE: &str = "AAM_STANDIN_DENY";

pub struct Copy<'a> {
    options: &'a Options,
    tally: Tally,
    denied: Option<String>,
    deaf: Option<String>,
    second: Duration,
    /// A file is locked, and Robocopy would wait for it for days.
    stuck: bool,
}

impl<'a> Copy<'a> {
    pub fn new(options: &'a Options) -> Copy<'a> {
        let milliseconds = std::env::var(SECOND_VARIABLE);
        let milliseconds = milliseconds.ok().and_then(|text| text.parse().ok());
        Copy {
            options,
            tally: Tally::default(),
            denied: std::env::var(DENY_VARIABLE).ok(),
            deaf: std::env::var(DEAF_VARIABLE).ok(),
            second: Duration::from_millis(milliseconds.unwrap_or(10)),
            stuck: false,
        }
    }

    /// Copies everything. `None` when Robocopy would not have come to an end.
    pub fn run(mut self) -> Option<Copy<'a>> {
        let (source, destination) = (
            self.options.source.clone()?,
            self.options.destination.clone()?,
        );
        self.directory(&used(&source), &used(&destination), 1);
        (!self.stuck).then_some(self)
    }

    pub fn print_summary(&self) {
        if !self.options.no_summary {
            self.tally.print();
        }
    }

    pub fn exit_code(&self) -> i32 {
        self.tally.exit_code()
    }

    /// Copies one directory; both paths end in a backslash.
    fn directory(&mut self, source: &str, destination: &str, level: u32) {
        self.tally.directories.total += 1;
        let here = match entries(source, self.options) {
            Ok(here) => here,
            Err(error) => {
                print_error(&error, "Scanning Source Directory", source);
                self.tally.directories.failed += 1;
                return;
            }
        };
        let there = entries(destination, self.options).unwrap_or_default();
        let is_new = !Path::new(destination).is_dir();
        let files = here.values().filter(|e| e.meta.is_file()).count();
        let state = if is_new && level > 1 { "New Dir" } else { "" };
        let listed = shown(source);
        self.directory_line(&format!("\t{state:>9} {files:>10}\t{listed}"));
        if is_new
            && (level == 1 || self.options.empty_directories || files > 0)
            && let Err(error) = fs::create_dir_all(destination)
        {
            print_error(&error, "Creating Destination Directory", destination);
            self.tally.directories.failed += 1;
            return;
        }
        if is_new && level > 1 {
            self.tally.directories.copied += 1
        } else {
            self.tally.directories.skipped += 1
        }
        self.extras(&here, &there, destination);
        for (key, entry) in here.iter().filter(|(_, e)| e.meta.is_file()) {
            self.file(source, destination, entry, there.get(key));
            if self.stuck {
                return;
            }
        }
        if self.options.subdirectories && (self.options.levels == 0 || level < self.options.levels)
        {
            for entry in here.values().filter(|e| e.meta.is_dir()) {
                self.subdirectory(source, destination, entry, level);
                if self.stuck {
                    return;
                }
            }
        }
        self.directory_attributes(source, destination);
        if self.options.copies_security() {
            self.security(source, destination);
        }
        self.directory_times(source, destination);
    }

    /// A copy has the attributes of its directory. The root of a drive is hidden and system, and so
    /// is what it is copied to.
    fn directory_attributes(&self, source: &str, destination: &str) {
        let copied = self.options.copy_directories.as_ref();
        let wanted = copied.is_none_or(|what| what.contains('A'));
        let is_root = source.trim_end_matches(['\\', '.']).ends_with(':');
        let (source, destination) = (Path::new(source), Path::new(destination));
        if wanted && destination.is_dir() {
            system::copy_attributes(source, destination, is_root);
        }
    }

    fn subdirectory(&mut self, source: &str, destination: &str, entry: &Entry, level: u32) {
        let path = format!("{source}{}", entry.name);
        if self.excludes(&self.options.without_directories, &path, &entry.name) {
            self.tally.directories.total += 1;
            self.tally.directories.skipped += 1;
        } else {
            self.directory(
                &format!("{path}\\"),
                &format!("{destination}{}\\", entry.name),
                level + 1,
            );
        }
    }

    /// What is in the destination only. Files that the exclusions name are counted and not listed.
    fn extras(&mut self, here: &Entries, there: &Entries, destination: &str) {
        let extra = |(key, _): &(&Key, &Entry)| !here.contains_key(*key);
        if self.options.subdirectories {
            for (_, entry) in there.iter().filter(extra).filter(|(_, e)| e.meta.is_dir()) {
                self.tally.directories.extras += 1;
                self.directory_line(&format!(
                    "\t*EXTRA Dir         -1\t{}{}\\",
                    shown(destination),
                    entry.name
                ));
            }
        }
        for (_, entry) in there.iter().filter(extra).filter(|(_, e)| e.meta.is_file()) {
            if !self.wanted(&entry.name) {
                continue;
            }
            self.tally.files.extras += 1;
            self.tally.bytes.extras += entry.meta.len();
            if !self.excludes(
                &self.options.without_files,
                &format!("{destination}{}", entry.name),
                &entry.name,
            ) {
                self.file_line("*EXTRA File", entry);
            }
        }
    }

    fn file(&mut self, source: &str, destination: &str, entry: &Entry, present: Option<&Entry>) {
        if !self.wanted(&entry.name) {
            return;
        }
        let size = entry.meta.len();
        let from = format!("{source}{}", entry.name);
        let is_excluded = self.excludes(&self.options.without_files, &from, &entry.name);
        let tally = &mut self.tally;
        tally.files.total += 1;
        tally.bytes.total += size;
        if is_excluded
            || (entry.link && self.options.without_junctions)
            || (self.options.without_offline && system::is_offline(&entry.meta))
        {
            tally.files.skipped += 1;
            tally.bytes.skipped += size;
            return;
        }
        let state = match present {
            None => "New File",
            Some(present) if !present.meta.is_file() => {
                tally.files.mismatch += 1;
                tally.bytes.mismatch += size;
                self.file_line("*Mismatch", entry);
                return;
            }
            Some(present) => {
                match difference(&entry.meta, &present.meta, self.options.coarse_times) {
                    Some(state) => state,
                    None => {
                        if self.options.fix_security {
                            let to = format!("{destination}{}", entry.name);
                            self.security(&from, &to);
                        }
                        let tally = &mut self.tally;
                        tally.files.skipped += 1;
                        tally.bytes.skipped += size;
                        return;
                    }
                }
            }
        };
        self.file_line(state, entry);
        let done = self.copy_patiently(&from, &format!("{destination}{}", entry.name), entry);
        let (files, bytes) = (&mut self.tally.files, &mut self.tally.bytes);
        if done {
            files.copied += 1;
            bytes.copied += size;
        } else {
            files.failed += 1;
            bytes.failed += size;
        }
    }

    fn copy_patiently(&mut self, from: &str, to: &str, entry: &Entry) -> bool {
        let (retries, wait) = (self.options.retries, self.options.wait);
        for attempt in 0..=retries {
            let error = match self.copy_once(from, to, entry) {
                Ok(()) => return true,
                Err(error) => error,
            };
            print_error(&error, "Copying File", from);
            if u64::from(retries) * u64::from(wait) > PATIENCE {
                console::line(&format!(
                    "stand-in for Robocopy: would wait {retries} times {wait} seconds for this file"
                ));
                self.stuck = true;
                return false;
            }
            if attempt < retries {
                console::line(&format!("Waiting {wait} seconds... Retrying..."));
                std::thread::sleep(self.second * wait);
            }
        }
        console::line("");
        console::line("ERROR: RETRY LIMIT EXCEEDED.");
        console::line("");
        false
    }

    fn copy_once(&self, from: &str, to: &str, entry: &Entry) -> io::Result<()> {
        const ERROR_ACCESS_DENIED: i32 = 5;
        if self
            .denied
            .as_ref()
            .is_some_and(|denied| matches(denied, &entry.name))
        {
            return Err(io::Error::from_raw_os_error(ERROR_ACCESS_DENIED));
        }
        if let Ok(meta) = fs::metadata(to) {
            let mut permissions = meta.permissions();
            if permissions.readonly() {
                // This is Windows: the attribute, not a mode for all the world.
                #[allow(clippy::permissions_set_readonly_false)]
                permissions.set_readonly(false);
                fs::set_permissions(to, permissions)?;
            }
        }
        fs::copy(from, to)?;
        if self.options.copies_security() {
            system::copy_security(Path::new(from), Path::new(to))?;
        }
        system::set_modified(Path::new(to), entry.meta.modified()?)
    }

    fn security(&self, source: &str, destination: &str) {
        if !Path::new(destination).exists() {
            return;
        }
        let copied = system::copy_security(Path::new(source), Path::new(destination));
        if let Err(error) = copied {
            print_error(&error, "Copying NTFS Security to Destination", source);
        }
    }

    fn directory_times(&self, source: &str, destination: &str) {
        let wanted = self
            .options
            .copy_directories
            .as_ref()
            .is_some_and(|what| what.contains('T'));
        if !wanted || !Path::new(destination).is_dir() {
            return;
        }
        let time = fs::metadata(source).and_then(|meta| meta.modified());
        if let Err(error) = time.and_then(|time| system::set_modified(Path::new(destination), time))
        {
            print_error(&error, "Copying Directory Timestamp", source);
        }
    }

    fn wanted(&self, name: &str) -> bool {
        self.options.files.is_empty()
            || self
                .options
                .files
                .iter()
                .any(|pattern| matches(pattern, name))
    }

    /// Whether a list of exclusions names this: a word with a backslash is a path and nothing but a
    /// full path ever fits, a word without one is a name on every level.
    fn excludes(&self, words: &[String], path: &str, name: &str) -> bool {
        if self.deaf.as_deref() == Some(name) {
            return false;
        }
        words.iter().any(|word| match word.contains('\\') {
            true => upper(word) == upper(shown(path)),
            false => matches(word, name),
        })
    }

    fn directory_line(&self, text: &str) {
        if !self.options.no_directory_list {
            console::line(text);
        }
    }

    fn file_line(&self, state: &str, entry: &Entry) {
        if self.options.no_file_list {
            return;
        }
        console::line(&format!(
            "\t{state:>13}\t\t{:>8}\t{}",
            scaled(entry.meta.len(), 1),
            entry.name
        ));
        if !self.options.no_progress && !state.starts_with('*') {
            console::write("  0%  \r100%  \r\n");
        }
    }
}

/// An error of the system, in Robocopy's words.
pub fn print_error(error: &io::Error, doing: &str, path: &str) {
    let number = error.raw_os_error().unwrap_or(-1);
    console::line(&format!(
        "{} ERROR {number} (0x{number:08X}) {doing} {}",
        header::short_clock(),
        shown(path)
    ));
    console::line(&system::message(error));
}
