//! The command line. A word that begins with `/` is an option wherever it stands, one that begins
//! with `-` is always wrong, in the lists of `/XD` and `/XF` too, whose other words are names with
//! wildcards or paths without.

use std::path::{self, Path};

use super::exact;
use super::pattern::has_wildcard;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    pub source: Option<String>,
    pub destination: Option<String>,
    /// Names of files to copy; none given means all.
    pub files: Vec<String>,
    pub subdirectories: bool,
    pub empty_directories: bool,
    /// Levels of directories; 0 means all.
    pub levels: u32,
    pub without_directories: Vec<String>,
    pub without_files: Vec<String>,
    pub without_junctions: bool,
    /// Files whose content is elsewhere (`/XA:O`).
    pub without_offline: bool,
    pub copy: String,
    /// Also access lists of files that are not copied (`/SECFIX`).
    pub fix_security: bool,
    pub copy_directories: Option<String>,
    pub coarse_times: bool,
    pub retries: u32,
    /// Seconds.
    pub wait: u32,
    pub no_progress: bool,
    pub no_file_list: bool,
    pub no_directory_list: bool,
    pub no_header: bool,
    pub no_summary: bool,
}

/// Why a command line was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The word at this place, counted from 1, means nothing.
    Invalid(usize, String),
    /// No source, or no destination.
    Missing(&'static str),
    /// Robocopy could, the stand-in cannot.
    Unable(String),
}

impl Default for Options {
    fn default() -> Options {
        Options {
            source: None,
            destination: None,
            files: Vec::new(),
            subdirectories: false,
            empty_directories: false,
            levels: 0,
            without_directories: Vec::new(),
            without_files: Vec::new(),
            without_junctions: false,
            without_offline: false,
            copy: "DAT".to_owned(),
            fix_security: false,
            copy_directories: None,
            coarse_times: false,
            retries: 1_000_000,
            wait: 30,
            no_progress: false,
            no_file_list: false,
            no_directory_list: false,
            no_header: false,
            no_summary: false,
        }
    }
}

/// Which list words are being added to.
enum List {
    Places,
    Directories,
    Files,
}

impl Options {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// With what was read up to the fault, which the header shows.
    pub fn parse(arguments: &[String]) -> Result<Options, Box<(Options, Refusal)>> {
        let mut options = Options::default();
        let mut list = List::Places;
        for (before, word) in arguments.iter().enumerate() {
            if let Some(option) = word.strip_prefix('/') {
                match options.option(option, &mut list) {
                    Ok(true) => {}
                    Ok(false) => {
                        return Err(Box::new((
                            options,
                            Refusal::Invalid(before + 1, word.clone()),
                        )));
                    }
                    Err(unable) => return Err(Box::new((options, unable))),
                }
            } else if word.starts_with('-') || !options.word(word, &list) {
                return Err(Box::new((
                    options,
                    Refusal::Invalid(before + 1, word.clone()),
                )));
            }
        }
        let missing = match (&options.source, &options.destination) {
            (None, _) => "Source",
            (_, None) => "Destination",
            // What Robocopy does then is not known.
            _ if options.fix_security && !options.copies_security() => {
                let unable = Refusal::Unable("/SECFIX without /COPY:DATS".to_owned());
                return Err(Box::new((options, unable)));
            }
            _ => return Ok(options),
        };
        Err(Box::new((options, Refusal::Missing(missing))))
    }

    /// Whether copies get the access lists of their originals.
    pub fn copies_security(&self) -> bool {
        self.copy.contains('S')
    }

    fn word(&mut self, word: &str, list: &List) -> bool {
        match list {
            List::Places if self.source.is_none() => self.source = Some(directory(word)),
            List::Places if self.destination.is_none() => self.destination = Some(directory(word)),
            // A third place, as a blank in an unquoted path makes it.
            List::Places if word.contains(['\\', '/', ':']) => return false,
            List::Places => self.files.push(word.to_owned()),
            List::Directories | List::Files if word.contains(['\\', '/']) && has_wildcard(word) => {
                return false;
            }
            List::Directories => self.without_directories.push(word.to_owned()),
            List::Files => self.without_files.push(word.to_owned()),
        }
        true
    }

    /// Takes an option, without its slash. `false` when there is none of that name.
    fn option(&mut self, option: &str, list: &mut List) -> Result<bool, Refusal> {
        *list = List::Places;
        let upper = option.to_uppercase();
        let (name, value) = upper
            .split_once(':')
            .map_or((&*upper, None), |(name, value)| (name, Some(value)));
        let number = value.and_then(|v| v.parse::<u32>().ok());
        match (name, value) {
            ("S", None) => self.subdirectories = true,
            ("E", None) => (self.subdirectories, self.empty_directories) = (true, true),
            ("XD", None) => *list = List::Directories,
            ("XF", None) => *list = List::Files,
            ("XJ", None) => self.without_junctions = true,
            ("XA", Some("O")) => self.without_offline = true,
            ("SECFIX", None) => self.fix_security = true,
            ("FFT", None) => self.coarse_times = true,
            ("NP", None) => self.no_progress = true,
            ("NFL", None) => self.no_file_list = true,
            ("NDL", None) => self.no_directory_list = true,
            ("NJH", None) => self.no_header = true,
            ("NJS", None) => self.no_summary = true,
            ("LEV" | "R" | "W", Some(_)) => match (name, number) {
                (_, None) => return Ok(false),
                ("LEV", Some(levels)) => self.levels = levels,
                ("R", Some(retries)) => self.retries = retries,
                (_, Some(seconds)) => self.wait = seconds,
            },
            ("COPY", Some(what)) if only(what, "DATSOU") => match what {
                "DAT" | "DATS" => self.copy = what.to_owned(),
                _ => return Err(Refusal::Unable(format!("/COPY:{what}"))),
            },
            ("DCOPY", Some(what)) if only(what, "DAT") => {
                self.copy_directories = Some(what.to_owned())
            }
            _ if REAL.contains(&name) => return Err(Refusal::Unable(format!("/{name}"))),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Options that Robocopy has and the stand-in has not. `/PURGE` and `/MIR` are among them on
/// purpose: what they spare is not known well enough to build on.
const REAL: &[&str] = &[
    "PURGE", "MIR", "JOB", "SAVE", "QUIT", "NOSD", "NODD", "IF", "Z", "B", "ZB", "EFSRAW", "J",
    "COPYALL", "NOCOPY", "SEC", "TIMFIX", "NODCOPY", "MOV", "MOVE", "A+", "A-", "CREATE", "FAT",
    "256", "MON", "MOT", "RH", "PF", "IPG", "SL", "MT", "A", "M", "IA", "XA", "XC", "XN", "XO",
    "XX", "XL", "IS", "IT", "MAX", "MIN", "MAXAGE", "MINAGE", "MAXLAD", "MINLAD", "DST", "XJD",
    "XJF", "REG", "TBD", "L", "X", "V", "TS", "FP", "BYTES", "NS", "NC", "ETA", "LOG", "LOG+",
    "UNILOG", "UNILOG+", "TEE", "UNICODE", "?",
];

fn only(text: &str, letters: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| letters.contains(c))
}

/// A directory as Robocopy shows it: the full path, one backslash at its end. A quote that a
/// backslash before it made part of the name stays in it.
fn directory(text: &str) -> String {
    let full = match exact::is_exact() {
        true => text.strip_suffix(r"\.").unwrap_or(text).to_owned(),
        false => path::absolute(Path::new(text))
            .map_or_else(|_| text.to_owned(), |full| full.display().to_string()),
    };
    format!("{}\\", full.trim_end_matches(['\\', '/', '"']))
}
