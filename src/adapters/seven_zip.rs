//! 7-Zip: its exit codes, its listing, extracting (SPEC#run, SPEC#restore). Archives are made by
//! rendered scripts, not here.

use std::path::{Path, PathBuf};

use crate::adapters::process::{Invocation, ToolError, locate};
use crate::model::cancel::Cancel;
use crate::model::listed::Listed;
use crate::model::secret::Secret;
use crate::model::text::exit_code;

/// How a 7-Zip run ended (its documented exit codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SevenZipExit {
    Ok,
    /// Some files were skipped.
    Warning,
    Fatal,
    Usage,
    Memory,
    Interrupted,
    Unknown(i32),
}

impl SevenZipExit {
    /// Reads an exit code.
    pub fn of(code: i32) -> SevenZipExit {
        match code {
            0 => SevenZipExit::Ok,
            1 => SevenZipExit::Warning,
            2 => SevenZipExit::Fatal,
            7 => SevenZipExit::Usage,
            8 => SevenZipExit::Memory,
            255 => SevenZipExit::Interrupted,
            other => SevenZipExit::Unknown(other),
        }
    }
}

impl std::fmt::Display for SevenZipExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SevenZipExit::Ok => f.write_str("7-Zip finished"),
            SevenZipExit::Warning => f.write_str("7-Zip skipped some files"),
            SevenZipExit::Fatal => f.write_str("7-Zip failed"),
            SevenZipExit::Usage => f.write_str("7-Zip refused its command line"),
            SevenZipExit::Memory => f.write_str("7-Zip ran out of memory"),
            SevenZipExit::Interrupted => f.write_str("7-Zip was interrupted"),
            SevenZipExit::Unknown(code) => {
                write!(f, "7-Zip ended in an unknown way ({})", exit_code(*code))
            }
        }
    }
}

/// An installed 7-Zip.
#[derive(Clone, Debug)]
pub struct SevenZip {
    program: PathBuf,
}

impl SevenZip {
    /// Finds 7-Zip: the profile's `tools.7z`, or `7zz`, `7z`, `7za` on the search path.
    ///
    /// # Errors
    /// When 7-Zip is not found.
    pub fn locate(configured: Option<&str>) -> Result<SevenZip, ToolError> {
        let hint = if cfg!(windows) {
            "install 7-Zip from 7-zip.org, or set tools.7z in the profile"
        } else {
            "install it (Debian: apt-get install 7zip), or set tools.7z in the profile"
        };
        // Its installer for Windows does not add it to the search path.
        let installed = ["ProgramFiles", "ProgramW6432"]
            .into_iter()
            .filter_map(std::env::var_os);
        let installed = installed
            .map(|files| PathBuf::from(files).join(r"7-Zip\7z.exe"))
            .find(|path| path.is_file());
        match (configured, installed) {
            (None, Some(program)) if cfg!(windows) => Ok(SevenZip { program }),
            _ => Ok(SevenZip {
                program: locate(configured, &["7zz", "7z", "7za"], hint)?,
            }),
        }
    }

    /// Its path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The first line it prints: name and version.
    ///
    /// # Errors
    /// When it does not run.
    pub fn version(&self, cancel: &Cancel) -> Result<String, ToolError> {
        let mut first = String::new();
        Invocation::new(&self.program).run(None, cancel, &mut |line| {
            if first.is_empty() && !line.trim().is_empty() {
                first = line.split(" : ").next().unwrap_or(line).trim().to_owned();
            }
        })?;
        Ok(first)
    }

    /// Calls `each` for every entry of an archive. `first` is its first (or only) volume.
    ///
    /// # Errors
    /// When 7-Zip cannot be run. A broken archive or wrong key is an [`SevenZipExit`] other than
    /// `Ok`.
    pub fn list(
        &self,
        first: &Path,
        key: &Secret,
        cancel: &Cancel,
        each: &mut dyn FnMut(Listed),
    ) -> Result<SevenZipExit, ToolError> {
        let mut entry: Option<Listed> = None;
        let mut call = Invocation::new(&self.program)
            .args(["l", "-slt", "-ba", "-sccUTF-8", "--"])
            .arg(first);
        // Without a time zone the C library of Linux looks for that of the computer six times an
        // entry. Nothing here reads times.
        let zone = ("TZ".into(), Secret::new("UTC0"));
        call.environment.push(zone);
        let code = call.run(Some(key), cancel, &mut |line| {
            if let Some(path) = line.strip_prefix("Path = ") {
                if let Some(done) = entry.take() {
                    each(done);
                }
                let path = if cfg!(windows) {
                    path.replace('\\', "/")
                } else {
                    path.to_owned()
                };
                entry = Some(Listed {
                    path,
                    ..Listed::default()
                });
            } else if let Some(entry) = &mut entry {
                match line.split_once(" = ") {
                    Some(("Size", size)) => entry.size = size.trim().parse().unwrap_or(0),
                    Some(("Packed Size", size)) => entry.packed = size.trim().parse().unwrap_or(0),
                    Some(("Offset", offset)) => entry.offset = offset.trim().parse().ok(),
                    Some(("Folder", "+")) => entry.is_directory = true,
                    Some(("Encrypted", "+")) => entry.is_encrypted = true,
                    Some(("Attributes", attributes)) => {
                        let mut words = attributes.split(' ');
                        // `L` is a Windows reparse point: a junction or symbolic link.
                        let dos = words.next().unwrap_or_default();
                        entry.is_directory |= dos.contains('D');
                        entry.is_link |= dos.contains('L');
                        entry.is_link |= words.any(|unix| unix.starts_with('l'));
                    }
                    Some(("Symbolic Link" | "Hard Link", target)) => {
                        entry.is_link |= !target.trim().is_empty()
                    }
                    _ => {}
                }
            }
        })?;
        if let Some(done) = entry {
            each(done);
        }
        Ok(SevenZipExit::of(code))
    }

    /// Extracts an archive into `target`, overwriting what is there. `first` is its first (or only)
    /// volume; every line of output goes to `line`.
    ///
    /// # Errors
    /// When 7-Zip cannot be run. A broken archive or wrong key is an [`SevenZipExit`] other than
    /// `Ok`.
    pub fn extract(
        &self,
        first: &Path,
        target: &Path,
        key: &Secret,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        self.extract_listed(first, target, None, key, cancel, line)
    }

    /// As [`SevenZip::extract`], but only the paths in the UTF-8 list file `only`, one quoted path
    /// a line.
    ///
    /// # Errors
    /// As [`SevenZip::extract`].
    pub fn extract_listed(
        &self,
        first: &Path,
        target: &Path,
        only: Option<&Path>,
        key: &Secret,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        let call = Invocation::new(&self.program)
            .args(["x", "-y", "-aoa", "-ssc", "-spd", "-scsUTF-8"])
            .args(["-sccUTF-8", "-bsp1"])
            .arg(joined("-o", target))
            .args(only.map(|list| joined("-i@", list)))
            .arg("--")
            .arg(first);
        let call = call.rewriting();
        call.run(Some(key), cancel, line).map(SevenZipExit::of)
    }

    /// Extracts the entries in the list file `only`, of [`list_line`]s, into the directory `target`
    /// without their paths.
    ///
    /// # Errors
    /// As [`SevenZip::extract`].
    pub fn extract_flat(
        &self,
        first: &Path,
        target: &Path,
        only: &Path,
        key: &Secret,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        // Names that are equal but for case are two names.
        let call = Invocation::new(&self.program)
            .args(["e", "-y", "-aoa", "-ssc", "-spd", "-scsUTF-8"])
            .args(["-sccUTF-8", "-bsp1"])
            .arg(joined("-o", target))
            .arg(joined("-i@", only))
            .arg("--")
            .arg(first);
        let call = call.rewriting();
        call.run(Some(key), cancel, line).map(SevenZipExit::of)
    }

    /// Reads the paths in the list file `only` without writing anything: whether the key opens the
    /// archive.
    ///
    /// # Errors
    /// As [`SevenZip::extract`].
    pub fn test_listed(
        &self,
        first: &Path,
        only: &Path,
        key: &Secret,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        let call = Invocation::new(&self.program)
            .args(["t", "-y", "-ssc", "-spd", "-scsUTF-8", "-sccUTF-8", "-bd"])
            .arg(joined("-i@", only))
            .arg("--")
            .arg(first);
        call.run(Some(key), cancel, line).map(SevenZipExit::of)
    }
}

/// How far 7-Zip has come, if the line is one of its progress (`-bsp1`): ` 12% 3 + letter.txt`, or
/// ` 40M Scan` before that.
pub fn percent(line: &str) -> Option<u8> {
    if line.ends_with(" Scan") {
        return Some(0);
    }
    percent_in(line.split_whitespace().next()?)
}

/// A word such as `12%`.
pub fn percent_in(word: &str) -> Option<u8> {
    let percent = word.strip_suffix('%')?.parse().ok()?;
    (percent <= 100).then_some(percent)
}

/// What 7-Zip on Windows shows for a backslash in a name from another system.
const BACKSLASH: char = '\u{f05c}';

/// The path of an entry whose name is from Unix: what looks like a backslash on Windows is one.
pub fn with_backslashes(path: &str) -> String {
    match cfg!(windows) {
        true => path.replace(BACKSLASH, "\\"),
        false => path.to_owned(),
    }
}

/// A line of a list file that names an entry of an archive, as [`SevenZip::list`] or [`with_backslashes`] says
/// it.
pub fn list_line(path: &str) -> String {
    let path = match cfg!(windows) {
        true => path.replace('\\', &BACKSLASH.to_string()),
        false => path.to_owned(),
    };
    format!("\"{path}\"\n")
}

fn joined(switch: &str, path: &Path) -> std::ffi::OsString {
    let mut joined = std::ffi::OsString::from(switch);
    joined.push(path);
    joined
}
