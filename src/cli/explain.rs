//! `aam-backup explain`: why is a path in a backup, or not?

use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, Global, OutputFormat, examples, output};
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
    /// The path is a file
    #[arg(long, conflicts_with = "directory")]
    file: bool,
    /// The path is a directory
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
    /// What decides it.
    verdict: Verdict,
    /// Whether it is left out because it is a place of this program or, with `one-file-system`,
    /// another file system.
    own_place: bool,
    /// The same as a sentence.
    text: String,
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
        let path = match FullPath::parse(&self.path) {
            Ok(path) if path.family() == job.family => path,
            Ok(path) => {
                let (given, wanted) = (path.family(), job.family);
                output::note(format_args!(
                    "error: '{path}' is a {given} path, but '{}' is a {wanted} profile\n",
                    job.name
                ));
                return Exit::Usage;
            }
            Err(error) => {
                output::note(format_args!("error: {error}\n"));
                return Exit::Usage;
            }
        };
        let (kind, guessed) = match self.kind(&path, job.family) {
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
        let mut answer = sentence(&path, kind, &verdict);
        if is_own {
            answer.push_str(": places of this program, and other file systems with `one-file-system`, are never backed up");
        }
        let printed = match self.format {
            OutputFormat::Text => output::result(format_args!("{answer}\n")),
            OutputFormat::Json => output::json(&ExplainAnswer {
                path: path.clone(),
                kind,
                assumed: guessed,
                selected: matches!(verdict, Verdict::Selected { .. }),
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

    /// What the path is: as the options say, or as this computer's disk says when the path is one
    /// of its own.
    fn kind(&self, path: &FullPath, family: Family) -> Option<Kind> {
        if self.file {
            return Some(Kind::File);
        }
        if self.directory {
            return Some(Kind::Directory);
        }
        if family != Family::HOST {
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

fn sentence(path: &FullPath, kind: Kind, verdict: &Verdict) -> String {
    let what = match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::Link => "link",
        Kind::Special => "special file",
    };
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
