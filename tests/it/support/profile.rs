//! The profile of a test machine.

use aam_auto_backup::parts::{Job, S3, StoreSettings};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::lab;

pub struct Profile {
    base: PathBuf,
    /// The drive of Windows that all paths are on; none on Unix.
    drive: Option<PathBuf>,
    pub location: String,
    pub sources: Vec<(PathBuf, bool)>,
    pub exclude_directories: Vec<String>,
    pub exclude_files: Vec<String>,
    /// What follows `mirror:`; none when empty.
    pub mirror: String,
    pub store: Option<PathBuf>,
    /// Whether mirror and directory store are `optional`.
    pub optional: bool,
    /// `keep` of the directory store.
    pub keep: Option<String>,
    pub format: &'static str,
    pub volume_size: u64,
    /// Archives are sent while they are made.
    pub streams: bool,
    /// The default if empty.
    pub work: PathBuf,
    pub force_full: Option<&'static str>,
    /// Program and mount.
    pub snapshot: Option<(PathBuf, PathBuf)>,
    pub seven_zip: Option<PathBuf>,
    pub rsync: Option<PathBuf>,
    pub log: Option<PathBuf>,
    /// Lines below `destinations`.
    pub more_destinations: String,
    /// Lines at the end.
    pub more: String,
}

impl Profile {
    /// `home/docs` and `home/pics` to a mirror and a directory store, all below `base`.
    pub fn new(base: &Path, drive: Option<PathBuf>) -> Profile {
        let mut profile = Profile {
            base: base.to_path_buf(),
            drive,
            location: "pc".to_owned(),
            sources: vec![
                (base.join("home/docs"), false),
                (base.join("home/pics"), false),
            ],
            optional: false,
            exclude_directories: Vec::new(),
            exclude_files: Vec::new(),
            mirror: String::new(),
            store: Some(base.join("store")),
            keep: None,
            format: "zip",
            volume_size: 10_000_000,
            streams: false,
            work: base.join("work"),
            force_full: None,
            snapshot: None,
            seven_zip: None,
            rsync: None,
            log: None,
            more_destinations: String::new(),
            more: String::new(),
        };
        profile.mirror = format!("{{path: {}}}", profile.path(&base.join("mirror")));
        if profile.drive.is_some() {
            profile.snapshot = Some(("shadowspawn".into(), "Q:".into()));
            profile.seven_zip = Some("C:\\Program Files\\7-Zip\\7z.exe".into());
            profile.log = Some(base.join("logs"));
        }
        profile
    }

    /// A path as the program's system says it.
    pub fn said(&self, path: &Path) -> String {
        self.drive.as_ref().map_or_else(
            || path.to_str().unwrap().to_owned(),
            |drive| lab::inside(drive, path),
        )
    }

    fn path(&self, path: &Path) -> String {
        quoted(self.said(path))
    }

    /// `extra-files` and `max-delete` of the mirror.
    pub fn mirror_extra(&mut self, extra: &str, limit: &str) {
        let path = self.path(&self.base.join("mirror"));
        self.mirror = format!("{{path: {path}, extra-files: {extra}, max-delete: {limit}}}");
    }

    pub fn source(&mut self, path: &Path) {
        self.sources.push((path.to_path_buf(), false));
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "version: 1\nname: test\nlocation: {}\nsources:\n",
            self.location
        );
        let mut line = |line: String| writeln!(text, "{line}").unwrap();
        for (path, optional) in &self.sources {
            line(format!(
                "  - {{path: {}, optional: {optional}}}",
                self.path(path)
            ));
        }
        let list = |texts: &[String]| texts.iter().map(quoted).collect::<Vec<_>>().join(", ");
        line(format!(
            "exclude: {{directories: [{}], files: [{}]}}",
            list(&self.exclude_directories),
            list(&self.exclude_files)
        ));
        if let Some((program, mount)) = &self.snapshot {
            let mount = self.path(mount);
            line(match program.as_os_str().is_empty() {
                true => format!("snapshot: {{mount: {mount}}}"),
                false => format!(
                    "snapshot: {{program: {}, mount: {mount}}}",
                    self.path(program)
                ),
            });
        }
        line("destinations:".to_owned());
        if !self.mirror.is_empty() {
            line(match self.optional {
                true => format!(
                    "  mirror: {}",
                    self.mirror.replace('}', ", optional: true}")
                ),
                false => format!("  mirror: {}", self.mirror),
            });
        }
        if !self.more_destinations.is_empty() {
            line(self.more_destinations.clone());
        }
        if let Some(store) = &self.store {
            let keep = self.keep.iter().map(|rules| format!(", keep: {{{rules}}}"));
            let keep: String = keep.collect();
            let optional = self.optional;
            line(format!(
                "  directory: {{path: {}, optional: {optional}{keep}}}",
                self.path(store)
            ));
            line(
                "archive:\n  encryption-key: {env: AAM_TEST_KEY}\n  compression-level: 1"
                    .to_owned(),
            );
            line(format!(
                "  format: {}\n  volume-size: {}",
                self.format, self.volume_size
            ));
            if self.streams {
                line("  transfer: stream".to_owned());
            }
            if !self.work.as_os_str().is_empty() {
                line(format!("  work-directory: {}", self.path(&self.work)));
            }
        }
        self.log
            .iter()
            .for_each(|path| line(format!("log: {{directory: {}}}", self.path(path))));
        self.force_full
            .iter()
            .for_each(|when| line(format!("force-full: {when}")));
        let tools = [("7z", &self.seven_zip), ("rsync", &self.rsync)];
        let tools: Vec<String> = tools
            .iter()
            .filter_map(|(name, path)| Some(format!("{name}: {}", self.path(path.as_ref()?))))
            .collect();
        if !tools.is_empty() {
            line(format!("tools: {{{}}}", tools.join(", ")));
        }
        text + &self.more
    }
}

/// A YAML text in single quotes.
fn quoted(text: impl AsRef<str>) -> String {
    format!("'{}'", text.as_ref().replace('\'', "''"))
}

/// The bucket of a job.
pub fn s3(job: &Job) -> Option<&S3> {
    job.stores().find_map(|store| match store {
        StoreSettings::S3(s3) => Some(&**s3),
        _ => None,
    })
}
