//! `aam-backup init`: a first profile for this computer (SPEC#commands).

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveTime;
use clap::{Args, Parser};

use super::place::complain;
use super::schedule::time_of_day;
use super::{Cli, Exit, Global, import, output, schema, secret_file, terminal};
use crate::adapters::fs::create_private_directory;
use crate::adapters::state::is_root;
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::policy::{Every, ExtraFiles};
use crate::model::secret::Secret;
use crate::profile::document::default_volume_size;
use crate::profile::find::FindError;
use crate::profile::{self, Search};
use crate::render::profile::{
    Draft, DraftArchive, DraftMirror, DraftReference, DraftS3, DraftSchedule, text,
};

mod look;
mod questions;
mod room;
mod warnings;

use look::computer_name;
use questions::Questions;

/// The environment variable of the README.
const KEY_VARIABLE: &str = "AAM_BACKUP_KEY";
/// Random bytes in a new key: 160 bits, and short enough to be written down.
const KEY_BYTES: usize = 20;

/// Write a first profile for this computer to a directory where `run NAME` finds it
///
/// On a terminal, it asks for everything that no option gives, and checks each answer.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  aam-backup init
  aam-backup init documents --source ~/Documents --source ~/Pictures \\
      --mirror /mnt/backup/mirror --directory /mnt/backup/archives \\
      --new-key ~/documents.key --at 02:30")]
pub struct InitArgs {
    /// Name of the profile. Default: the name of the output file, or `nightly`
    name: Option<String>,
    /// Directory to back up. Can be repeated
    #[arg(long = "source", value_name = "DIR")]
    sources: Vec<PathBuf>,
    /// Unique name of this computer; every object name starts with it. Default: the host name
    #[arg(long)]
    location: Option<String>,
    /// Keep a mirror, a plain copy, below this directory
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,
    /// Keep encrypted archives in this S3 bucket
    #[arg(long, requires = "region")]
    bucket: Option<String>,
    /// Region of the bucket
    #[arg(long, requires = "bucket")]
    region: Option<String>,
    /// Keep encrypted archives in this directory
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write a new archive key to this file, which only you can read
    #[arg(long, value_name = "FILE", group = "key")]
    new_key: Option<PathBuf>,
    /// Read the archive key from the first line of this file
    #[arg(long, value_name = "FILE", group = "key")]
    key_file: Option<PathBuf>,
    /// Read the archive key from this environment variable. Default: `AAM_BACKUP_KEY`
    #[arg(long, value_name = "NAME", group = "key")]
    key_env: Option<String>,
    /// Local time at which a schedule starts a backup. Can be repeated. Default: no schedule
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    at: Vec<NaiveTime>,
    /// How often the schedule starts a backup
    #[arg(long, value_enum, default_value_t, requires = "at")]
    every: Every,
    /// Write the profile to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl InitArgs {
    pub fn run(mut self, global: &Global, cancel: &Cancel) -> Exit {
        self.expand_home();
        let is_asked = io::stdin().is_terminal() && io::stderr().is_terminal();
        let done = self.target(global).and_then(|(name, file)| {
            if is_asked {
                let key = file.with_file_name(format!("{name}.key"));
                Questions::new(&mut io::stdin().lock())
                    .ask(&mut self, &key)
                    .map_err(|error| refuse(&error.to_string(), ""))?;
            }
            let text = self.text(&name, &file)?;
            self.write(&file, &text)?;
            schema::write_beside(&file);
            Ok((name, file))
        });
        let (name, file) = match done {
            Ok(done) => done,
            Err(exit) => return exit,
        };
        let written = output::result(format_args!("{}\n", file.display()));
        if let Some(key) = &self.new_key {
            output::note(format_args!(
                "THE ARCHIVE KEY IS IN '{}'\n  Write it down now and keep it in two places outside this computer. Without the key, nobody can restore anything.\n  {}\n",
                whole(key),
                secret_file::advice(key)
            ));
        }
        self.warn(cancel);
        let profile = if self.output.is_some() {
            file.display().to_string()
        } else {
            name
        };
        output::note(import::next(&profile));
        if is_asked && terminal::confirm("Show now what the first backup would do?") {
            first_plan(global, &profile, cancel);
        }
        written
    }

    /// A shell does not replace `~` in the middle of a word.
    fn expand_home(&mut self) {
        let paths = [
            &mut self.mirror,
            &mut self.directory,
            &mut self.new_key,
            &mut self.key_file,
        ];
        let paths = paths.into_iter().flatten().chain(&mut self.sources);
        paths.for_each(|path| *path = look::expanded(path));
    }

    /// The name and the file of the profile. Neither may be taken.
    fn target(&self, global: &Global) -> Result<(String, PathBuf), Exit> {
        let stem = self
            .output
            .as_ref()
            .and_then(|output| Some(output.file_stem()?.to_str()?.to_owned()));
        let name = self
            .name
            .clone()
            .or(stem)
            .unwrap_or_else(|| "nightly".to_owned());
        let file = match &self.output {
            Some(output) => output.clone(),
            None => {
                let search = Search::new(global.profiles.as_deref());
                match search.find(&name) {
                    Err(FindError::NotFound { .. }) => {}
                    Ok(_) if name.contains(['/', '\\', '.']) => {
                        return Err(refuse(
                            &format!("'{name}' is a path"),
                            "give a name, or a file with --output",
                        ));
                    }
                    Ok(file) => return Err(taken(&file)),
                    Err(error) => {
                        return Err(refuse(
                            &error.to_string(),
                            &error.hint().unwrap_or_default(),
                        ));
                    }
                }
                let home = search.home(is_root());
                let home = home.ok_or_else(|| {
                    refuse(
                        "the directory for profiles is not known",
                        "give --output FILE",
                    )
                })?;
                home.join(format!("{name}.yaml"))
            }
        };
        if file.exists() {
            Err(taken(&file))
        } else {
            Ok((name, file))
        }
    }

    /// What is wrong with the answers so far.
    fn problem(&self) -> Option<String> {
        let place = |name: &str| std::env::temp_dir().join("aam-backup-init").join(name);
        let mut all = self.clone();
        all.location.get_or_insert_with(|| "pc".to_owned());
        if all.sources.is_empty() {
            all.sources.push(place("source"));
        }
        if all.mirror.is_none() && !all.makes_archives() {
            all.directory = Some(place("directory"));
        }
        let written = text(&all.draft("first")).ok()?;
        let diagnostics = profile::load_bytes(Path::new("answers"), written.as_bytes()).err()?;
        let first = diagnostics.iter().next()?;
        Some(match &first.hint {
            Some(hint) => format!("{}: {hint}", first.message),
            None => first.message.clone(),
        })
    }

    fn makes_archives(&self) -> bool {
        self.bucket.is_some() || self.directory.is_some()
    }

    /// The profile, checked.
    fn text(&self, name: &str, file: &Path) -> Result<String, Exit> {
        self.fit_together()?;
        let mut draft = self.draft(name);
        let written = self.checked(&draft, file)?;
        match draft.archive.as_mut() {
            Some(archive) if cfg!(unix) && room::is_too_small(&written.1) => archive.stream = true,
            _ => return Ok(written.0),
        }
        self.checked(&draft, file).map(|(text, _)| text)
    }

    fn checked(&self, draft: &Draft, file: &Path) -> Result<(String, Job), Exit> {
        let text = text(draft).map_err(|error| {
            complain("error", &error.to_string(), "");
            Exit::Failed
        })?;
        match profile::load_bytes(file, text.as_bytes()) {
            Ok(job) => Ok((text, job)),
            Err(diagnostics) => {
                output::note(diagnostics);
                output::note("nothing was written\n");
                Err(Exit::Usage)
            }
        }
    }

    /// Refuses options that are missing or contradict each other.
    fn fit_together(&self) -> Result<(), Exit> {
        let mut missing = Vec::new();
        if self.sources.is_empty() {
            missing.push("--source DIR");
        }
        if self.mirror.is_none() && !self.makes_archives() {
            missing.push(
                "a destination (--mirror DIR, --directory DIR, or --bucket NAME --region NAME)",
            );
        }
        if self.location.is_none() && computer_name().is_none() {
            missing.push("--location NAME");
        }
        if !missing.is_empty() {
            return Err(refuse(
                &format!(
                    "there is no terminal to prompt on; missing options: {}",
                    missing.join(", ")
                ),
                "",
            ));
        }
        if !self.makes_archives()
            && (self.new_key.is_some() || self.key_file.is_some() || self.key_env.is_some())
        {
            return Err(refuse(
                "a mirror does not need a key",
                "add --directory or --bucket, or leave the key out",
            ));
        }
        if let Some(key) = self.new_key.as_ref().filter(|key| key.exists()) {
            let hint = "use it with --key-file, or name another file with --new-key; keys are never overwritten";
            return Err(refuse(&format!("'{}' exists", key.display()), hint));
        }
        Ok(())
    }

    fn draft(&self, name: &str) -> Draft {
        let key = match (
            self.new_key.as_ref().or(self.key_file.as_ref()),
            &self.key_env,
        ) {
            (Some(file), _) => DraftReference::File(whole(file)),
            (None, variable) => {
                DraftReference::Env(variable.clone().unwrap_or_else(|| KEY_VARIABLE.to_owned()))
            }
        };
        let s3 = self.bucket.clone().zip(self.region.clone());
        Draft {
            about: vec![
                "What is backed up from this computer, and where to. An editor explains and checks every key by the file"
                    .to_owned(),
                "profile.schema.json beside this one.".to_owned(),
            ],
            name: name.to_owned(),
            location: self.location.clone().or_else(computer_name).unwrap_or_default(),
            sources: self.sources.iter().map(|source| whole(source)).collect(),
            mirror: self.mirror.as_ref().map(|path| DraftMirror { path: whole(path), extra_files: ExtraFiles::Keep }),
            s3: s3.map(|(bucket, region)| DraftS3 { bucket, region, region_assumed: false, credentials: None }),
            directory: self.directory.as_ref().map(|path| whole(path)),
            archive: self.makes_archives().then(|| DraftArchive { key, volume_size: default_volume_size(), stream: false }),
            schedule: self.schedule(),
            starter: true,
            ..Draft::default()
        }
    }

    fn schedule(&self) -> Option<DraftSchedule> {
        let times = self.at.iter().map(|at| at.format("%H:%M").to_string());
        let schedule = DraftSchedule {
            at: times.collect(),
            every: self.every,
        };
        (!schedule.at.is_empty()).then_some(schedule)
    }

    /// Writes the key first, because a profile that refers to a missing file is useless.
    fn write(&self, file: &Path, text: &str) -> Result<(), Exit> {
        let fail = |file: &Path, error: &io::Error| {
            complain(
                "error",
                &format!("'{}' cannot be written: {error}", file.display()),
                "",
            );
            Exit::Failed
        };
        let make = |file: &Path| match file
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            // On Windows, users may add to a directory unless it is private.
            Some(parent) if cfg!(windows) => create_private_directory(parent),
            Some(parent) => fs::create_dir_all(parent),
            None => Ok(()),
        };
        if let Some(key) = &self.new_key {
            let secret = new_key()
                .map_err(|error| refuse(&format!("a random key cannot be made: {error}"), ""))?;
            make(key)
                .and_then(|()| secret_file::write_new(key, &secret))
                .map_err(|error| fail(key, &error))?;
        }
        let create = || {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(file)
        };
        let written = make(file)
            .and_then(|()| create())
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| {
            let exit = fail(file, &error);
            // The answers are not lost.
            output::note(format_args!("  this is the profile:\n\n{text}"));
            exit
        })
    }
}

/// Shows the plan of the new profile, which is written whatever it says.
fn first_plan(global: &Global, profile: &str, cancel: &Cancel) {
    let words = ["aam-backup", "plan", profile];
    if let Ok(mut cli) = Cli::try_parse_from(words) {
        cli.global.profiles.clone_from(&global.profiles);
        let _ = super::carry_out(cli, cancel);
    }
}

fn refuse(text: &str, hint: &str) -> Exit {
    complain("error", text, hint);
    Exit::Usage
}

fn taken(file: &Path) -> Exit {
    refuse(
        &format!("'{}' exists", file.display()),
        "choose another name; profiles are never overwritten",
    )
}

/// The path as a profile takes it.
fn whole(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

/// A key that is easy to read out and write down: hexadecimal, in groups of four.
fn new_key() -> Result<Secret, getrandom::Error> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; KEY_BYTES]);
    getrandom::fill(&mut *bytes)?;
    let groups: Vec<String> = bytes.chunks(2).map(hex::encode).collect();
    Ok(Secret::new(groups.join("-")))
}

#[cfg(test)]
mod tests;
