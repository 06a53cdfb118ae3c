//! `shortcuts`: batch files for the Windows desktop, and shortcuts that start them as administrator.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, output};
use crate::model::job::Job;
use crate::model::path::Family;
use crate::render::shortcut::shortcuts;

/// Write batch files for the Windows desktop that run a profile, and shortcuts that start them as
/// administrator.
///
/// Shortcuts are written on Windows, for the computer that they are made on: not with --program.
#[derive(Debug, Args)]
pub struct ShortcutsArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// Directory to write them to. Existing files of the same names are replaced.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Path of aam-backup.exe on the computer that they are for. Default: this program.
    #[arg(long, value_name = "PATH")]
    pub program: Option<String>,
}

/// Writes the batch files and lists them.
pub fn write(job: &Job, args: &ShortcutsArgs) -> Exit {
    let fail = |text: String| {
        output::note(format_args!("error: {text}\n"));
        Exit::Failed
    };
    if job.family != Family::Windows {
        return fail(format!(
            "the profile '{}' has {} paths, but shortcuts are for Windows",
            job.name, job.family
        ));
    }
    let program = match (&args.program, std::env::current_exe()) {
        (Some(program), _) => program.clone(),
        (None, Ok(program)) => program.display().to_string(),
        (None, Err(error)) => {
            return fail(format!("this program's own path is not known: {error}"));
        }
    };
    let profile = std::path::absolute(&job.profile).unwrap_or_else(|_| job.profile.clone());
    let files = match shortcuts(job, &program, &profile.display().to_string()) {
        Ok(files) => files,
        Err(error) => return fail(error.to_string()),
    };
    if let Err(error) = std::fs::create_dir_all(&args.to) {
        return fail(format!(
            "the directory '{}' cannot be made: {error}",
            args.to.display()
        ));
    }
    let mut written = String::new();
    for shortcut in files {
        let path = args.to.join(&shortcut.file);
        if let Err(error) = std::fs::write(&path, shortcut.text) {
            return fail(format!("'{}' cannot be written: {error}", path.display()));
        }
        written.push_str(&format!("{}\n", path.display()));
        match link(args, &path, &shortcut.title) {
            Ok(link) => link
                .iter()
                .for_each(|link| written.push_str(&format!("{}\n", link.display()))),
            Err(error) => {
                return fail(format!(
                    "the shortcut to '{}' cannot be written: {error}",
                    path.display()
                ));
            }
        }
    }
    output::result(written)
}

/// Writes a shortcut that starts the batch file as administrator, which a snapshot needs.
#[cfg(windows)]
fn link(args: &ShortcutsArgs, batch: &Path, title: &str) -> std::io::Result<Option<PathBuf>> {
    if args.program.is_some() {
        return Ok(None);
    }
    let batch = std::path::absolute(batch)?;
    let mut name = batch.file_stem().unwrap_or_default().to_owned();
    name.push(" as administrator.lnk");
    let link = batch.with_file_name(name);
    crate::adapters::windows::shortcut::write(&link, &batch, title)?;
    Ok(Some(link))
}

/// Only the shell of Windows writes them.
#[cfg(not(windows))]
fn link(_: &ShortcutsArgs, _: &Path, _: &str) -> std::io::Result<Option<PathBuf>> {
    Ok(None)
}
