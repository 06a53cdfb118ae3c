//! `aam-backup explain`: why is a path in a backup, or not?

use std::io::ErrorKind;

use schemars::JsonSchema;
use serde::Serialize;

use super::place::complain;
use super::{Exit, Global, OutputFormat, examples, output};
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::model::select::{Kind, Selection, Verdict};
use crate::plan::backup::selection_apart;
use crate::profile::Search;
use crate::run::backup::survey::find_apart;

/// Explain why a path is in a backup or not
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EXPLAIN)]
pub struct Explain {
    /// Profile, by path or by name
    profile: String,
    /// Full path of a file or directory
    path: String,
    /// The path is a file; the disk is not looked at
    #[arg(long, conflicts_with = "directory")]
    file: bool,
    /// The path is a directory; the disk is not looked at
    #[arg(long)]
    directory: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Whether a path is in the backup, as JSON.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainAnswer {
    /// In its normal form.
    path: FullPath,
    kind: Kind,
    /// Whether the kind was assumed, because the path does not exist here.
    assumed: bool,
    /// Whether it is in the backup.
    selected: bool,
    /// What the rules of the profile say.
    verdict: Verdict,
    /// Why the rules select it and it is not in the backup all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<Obstacle>,
    /// Whether it is left out because it is a place of this program or, with `one-file-system`,
    /// another file system.
    own_place: bool,
    /// The same as a sentence.
    text: String,
}

/// Why a backup does not have what the rules select.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// It does not exist.
    Missing,
    /// This account cannot read it, for this reason.
    Unreadable(String),
    /// A link is stored as a link, without what is behind it.
    BehindLink(FullPath),
}

impl Obstacle {
    /// What keeps a path below `source` on this computer out of a backup.
    fn find(path: &FullPath, source: &FullPath) -> Option<Obstacle> {
        // A source that is a link itself is not backed up either.
        let above = source.parts().len()..path.parts().len().max(source.parts().len() + 1);
        let mut above = above.map(|length| path.truncated(length));
        if let Some(link) = above.find(|path| path.to_native().is_symlink()) {
            return Some(Obstacle::BehindLink(link));
        }
        let native = path.to_native();
        let readable =
            std::fs::symlink_metadata(&native).and_then(|found| match found.file_type() {
                kind if kind.is_dir() => std::fs::read_dir(&native).map(drop),
                kind if kind.is_file() => std::fs::File::open(&native).map(drop),
                // A link is read, not followed, and to open a pipe would wait for its writer.
                _ => Ok(()),
            });
        match readable {
            Ok(()) => None,
            Err(error) => Some(match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => Obstacle::Missing,
                _ => Obstacle::Unreadable(error.to_string()),
            }),
        }
    }

    /// As a sentence about what the rules select.
    fn sentence(&self, what: &str, path: &FullPath, source: &FullPath) -> String {
        match self {
            Obstacle::Missing => format!(
                "OUT: {path} does not exist; if it did, it would be in the backup, because {}",
                match path.same(source) {
                    true => "it is a source".to_owned(),
                    false => format!("it is below the source {source}"),
                }
            ),
            Obstacle::Unreadable(why) => format!(
                "OUT: this account cannot read the {what} {path} ({why}), so a \
                 backup that it runs skips it"
            ),
            Obstacle::BehindLink(link) if link.same(path) => format!(
                "OUT: the source {path} is a link, and links are not followed: \
                 name what it leads to in sources"
            ),
            Obstacle::BehindLink(link) => {
                format!("OUT: {path} is behind the link {link}, and links are not followed")
            }
        }
    }
}

impl Explain {
    pub fn run(self, global: &Global) -> Exit {
        let job = match Search::new(global.profiles.as_deref()).load(&self.profile) {
            Ok(job) => job,
            Err(diagnostics) => {
                output::note(diagnostics);
                return Exit::Usage;
            }
        };
        let path = match self.path_of(&job) {
            Ok(path) => path,
            Err(exit) => return exit,
        };
        let is_source = job.sources.iter().any(|source| source.path.same(&path));
        let (kind, guessed) = match self.kind(&path, job.family) {
            // A source is meant to be a directory, also if it is a link or not there.
            Some(Kind::Link) | None if is_source => (Kind::Directory, false),
            Some(kind) => (kind, false),
            // A separator at the end is how people write a directory.
            None if self.path.ends_with(['/', '\\']) => (Kind::Directory, false),
            None => (Kind::File, true),
        };
        let (apart, _) = find_apart(&job);
        let spec = job.selection.spec();
        let selection = selection_apart(spec, job.one_file_system, &apart, None);
        let selection = Selection::new(selection);
        let verdict = selection.verdict(&path, kind);
        let is_own = verdict != job.selection.verdict(&path, kind);
        let obstacle = match &verdict {
            Verdict::Selected { source } if self.looks(job.family) => {
                Obstacle::find(&path, source).map(|found| (found, source))
            }
            _ => None,
        };
        let mut answer = match &obstacle {
            Some((obstacle, source)) => obstacle.sentence(word(kind), &path, source),
            None => sentence(&path, kind, &verdict),
        };
        if is_own {
            answer.push_str(": places of this program, and other file systems with `one-file-system`, are never backed up");
        }
        let printed = match self.format {
            OutputFormat::Text => output::result(format_args!("{answer}\n")),
            OutputFormat::Json => output::json(&ExplainAnswer {
                path: path.clone(),
                kind,
                assumed: guessed,
                selected: matches!(verdict, Verdict::Selected { .. }) && obstacle.is_none(),
                obstacle: obstacle.map(|(found, _)| found),
                verdict: verdict.clone(),
                own_place: is_own,
                text: answer,
            }),
        };
        if guessed && selection.verdict(&path, Kind::Directory) != verdict {
            output::note("note: assuming a file; add --directory if it is a directory\n");
        }
        printed
    }

    fn path_of(&self, job: &Job) -> Result<FullPath, Exit> {
        match FullPath::parse(&self.path) {
            Ok(path) if path.family() == job.family => Ok(path),
            Ok(path) => {
                let (given, wanted) = (path.family(), job.family);
                output::note(format_args!(
                    "error: '{path}' is a {given} path, but '{}' is a {wanted} profile\n",
                    job.name
                ));
                Err(Exit::Usage)
            }
            Err(error) => {
                complain("error", &error.to_string(), "give the full path");
                Err(Exit::Usage)
            }
        }
    }

    /// Whether what is on the disk counts: an option asks what would be, and the paths of another
    /// system are not here.
    fn looks(&self, family: Family) -> bool {
        !self.file && !self.directory && family == Family::HOST
    }

    /// What the path is: as the options say, or as this computer's disk says when the path is one
    /// of its own.
    fn kind(&self, path: &FullPath, family: Family) -> Option<Kind> {
        if self.file {
            return Some(Kind::File);
        }
        if self.directory {
            return Some(Kind::Directory);
        }
        if !self.looks(family) {
            return None;
        }
        let kind = std::fs::symlink_metadata(path.to_native())
            .ok()?
            .file_type();
        Some(match () {
            () if kind.is_dir() => Kind::Directory,
            () if kind.is_file() => Kind::File,
            () if kind.is_symlink() => Kind::Link,
            () => Kind::Special,
        })
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::Link => "link",
        Kind::Special => "special file",
    }
}

fn sentence(path: &FullPath, kind: Kind, verdict: &Verdict) -> String {
    let what = word(kind);
    match verdict {
        Verdict::Selected { source } if path.same(source) => {
            format!("IN: the {what} {path} is a source")
        }
        Verdict::Selected { source } => {
            format!("IN: the {what} {path} is below the source {source}")
        }
        Verdict::AboveSource => {
            format!(
                "OUT: the {what} {path} is above a source; only the source below it is backed up"
            )
        }
        Verdict::OutsideSources => format!("OUT: the {what} {path} is not below any source"),
        Verdict::Excluded { by, at } if path.same(at) => {
            format!("OUT: the {what} {path} is excluded by '{by}'")
        }
        Verdict::Excluded { by, at } => {
            format!("OUT: the {what} {path} is below {at}, which is excluded by '{by}'")
        }
        Verdict::NotCopied(_) => {
            format!("OUT: {path} is a {what}, which is neither followed nor copied")
        }
    }
}
