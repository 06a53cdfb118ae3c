//! What the documentation says is tried: every shell block is run, every profile is checked, every
//! table of the rules is asked of the program.
//!
//! The words after a block's language say what is done with it: `yaml FILE` is a profile, written
//! as FILE beside the shell blocks that follow · `yaml fragment` replaces keys of a small profile ·
//! `sh` is run · `sh by hand` is run with a 7-Zip that is told the key · `sh aws` needs a real
//! bucket, except those of `docs/aws.md`, which the tests of `aws` run · `sh terraform` is
//! Terraform's · `sh install` installs · `sh debian` is run by
//! `packaging/try-debian.sh` · `sh` with a script of this project: `.ci/run` runs it ·
//! `text FILE` and `bat FILE` are written as FILE · `text`, `bat` and
//! `mermaid` are nothing to try.

mod import_page;
#[cfg(target_os = "linux")]
mod messages_page;
#[cfg(unix)]
mod monitoring_page;
mod pages;
mod profile_page;
#[cfg(unix)]
mod session;

use std::fs;
use std::path::{Path, PathBuf};

use aam_auto_backup::parts::Job;
use aam_auto_backup::parts::profile;

/// The pages, in the order in which a newcomer reads them.
const PAGES: [&str; 29] = [
    "docs/old-backups.md",
    "README.md",
    "docs/first-hour.md",
    "docs/unattended.md",
    "docs/watching.md",
    "docs/aws.md",
    "docs/restore.md",
    "docs/doctor.md",
    "docs/monitoring.md",
    "docs/programs.md",
    "docs/cluster.md",
    "docs/network.md",
    "docs/how-it-decides.md",
    "docs/import.md",
    "docs/from-v1.md",
    "docs/messages.md",
    "docs/profile.md",
    "docs/shared.md",
    "docs/editor.md",
    "docs/windows.md",
    "docs/security.md",
    "docs/benchmarks.md",
    "docs/reliability.md",
    "docs/ARCHITECTURE.md",
    "docs/SPEC.md",
    "docs/STYLE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A profile that must be valid.
#[track_caller]
fn load(text: &str) -> Job {
    profile::load_bytes(Path::new("profile.yaml"), text.as_bytes())
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// One fenced block of a page.
#[derive(Clone, Debug)]
pub struct Block {
    page: &'static str,
    line: usize,
    /// The heading above it.
    pub section: String,
    /// After the fence: `sh`, `yaml documents.yaml`.
    pub info: String,
    pub text: String,
}

pub fn blocks(name: &'static str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut section = String::new();
    for (number, line) in (1..).zip(page(name).lines()) {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => {
                open = Some(Block {
                    page: name,
                    line: number,
                    section: section.clone(),
                    info: info.to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(block)) => found.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    section = title.to_owned();
                }
            }
        }
    }
    assert!(open.is_none(), "{name}: a block is not closed");
    found
}
