//! The profile of a test machine.

use std::fmt::Write;
use std::path::{Path, PathBuf};

pub struct Profile {
    base: PathBuf,
    pub location: String,
    pub sources: Vec<(PathBuf, bool)>,
    pub exclude_directories: Vec<String>,
    pub exclude_files: Vec<String>,
    /// What follows `mirror:`; none when empty.
    pub mirror: String,
    pub store: Option<PathBuf>,
    pub format: &'static str,
    pub volume_size: u64,
    pub work: PathBuf,
    pub force_full: Option<&'static str>,
    /// Program and mount.
    pub snapshot: Option<(PathBuf, PathBuf)>,
    pub seven_zip: Option<PathBuf>,
    pub rsync: Option<PathBuf>,
    /// Lines below `destinations`.
    pub more_destinations: String,
    /// Lines at the end.
    pub more: String,
}

impl Profile {
    /// `home/docs` and `home/pics` to a mirror and a directory store, all below `base`.
    pub fn new(base: &Path) -> Profile {
        Profile {
            base: base.to_path_buf(),
            location: "pc".to_owned(),
            sources: vec![(base.join("home/docs"), false), (base.join("home/pics"), false)],
            exclude_directories: Vec::new(),
            exclude_files: Vec::new(),
            mirror: format!("{{path: {}}}", quoted(base.join("mirror"))),
            store: Some(base.join("store")),
            format: "zip",
            volume_size: 10_000_000,
            work: base.join("work"),
            force_full: None,
            snapshot: None,
            seven_zip: None,
            rsync: None,
            more_destinations: String::new(),
            more: String::new(),
        }
    }

    /// `extra-files` and `max-delete` of the mirror.
    pub fn mirror_extra(&mut self, extra: &str, limit: &str) {
        self.mirror =
            format!("{{path: {}, extra-files: {extra}, max-delete: {limit}}}", quoted(self.base.join("mirror")));
    }

    pub fn source(&mut self, path: &Path) {
        self.sources.push((path.to_path_buf(), false));
    }

    pub fn text(&self) -> String {
        let mut text = format!("version: 1\nname: test\nlocation: {}\nsources:\n", self.location);
        let mut line = |line: String| writeln!(text, "{line}").unwrap();
        for (path, optional) in &self.sources {
            line(format!("  - {{path: {}, optional: {optional}}}", quoted(path)));
        }
        let list = |texts: &[String]| texts.iter().map(quoted).collect::<Vec<_>>().join(", ");
        line(format!(
            "exclude: {{directories: [{}], files: [{}]}}",
            list(&self.exclude_directories),
            list(&self.exclude_files)
        ));
        if let Some((program, mount)) = &self.snapshot {
            line(format!("snapshot: {{program: {}, mount: {}}}", quoted(program), quoted(mount)));
        }
        line("destinations:".to_owned());
        if !self.mirror.is_empty() {
            line(format!("  mirror: {}", self.mirror));
        }
        if let Some(store) = &self.store {
            line(format!("  directory: {{path: {}}}", quoted(store)));
            line(self.more_destinations.clone());
            line("archive:\n  encryption-key: {env: AAM_TEST_KEY}\n  compression-level: 1".to_owned());
            line(format!("  format: {}\n  volume-size: {}", self.format, self.volume_size));
            line(format!("  work-directory: {}", quoted(&self.work)));
        }
        self.force_full.iter().for_each(|when| line(format!("force-full: {when}")));
        let tools = [("7z", &self.seven_zip), ("rsync", &self.rsync)];
        let tools: Vec<String> =
            tools.iter().filter_map(|(name, path)| Some(format!("{name}: {}", quoted(path.as_ref()?)))).collect();
        if !tools.is_empty() {
            line(format!("tools: {{{}}}", tools.join(", ")));
        }
        text + &self.more
    }
}

/// A YAML text in single quotes.
fn quoted(text: impl AsRef<std::ffi::OsStr>) -> String {
    format!("'{}'", text.as_ref().to_str().unwrap().replace('\'', "''"))
}
