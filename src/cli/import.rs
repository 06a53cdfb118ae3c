//! `aam-backup import`: a v1.0 command line and instruction file become a profile (SPEC#import).

use std::fs;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use zeroize::Zeroizing;

use super::place::complain;
use super::{Exit, output, schema, secret_file};
use crate::adapters::credential;
use crate::adapters::fs::{MOST_WRITTEN, open_plain, read_bounded};
use crate::import::batch::Variables;
use crate::import::{
    self, Arguments, Choices, CommandLine, Import, Remark, RemarkLevel, RemarkPlace, SecretName,
    WhereTo,
};
use crate::model::cancel::Cancel;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Reference;
use crate::profile;

/// Make a profile from a v1.0 batch file or command line and its instruction file
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("from").required(true))]
pub struct ImportArgs {
    /// Batch file that starts a v1.0 backup
    #[arg(value_name = "FILE.bat", group = "from")]
    batch: Option<PathBuf>,
    /// The v1.0 command line, as Task Scheduler has it. Other users of this computer can see it
    /// while `import` runs
    #[arg(long, value_name = "TEXT", group = "from")]
    command_line: Option<String>,
    /// The 22 arguments of v1.0, after `--`
    #[arg(last = true, value_name = "ARGUMENT", group = "from")]
    arguments: Vec<String>,
    /// Path of the instruction file on this computer. Default: argument 11
    #[arg(long, value_name = "FILE")]
    instruction_file: Option<PathBuf>,
    /// Value of a variable that the batch file uses but does not set. Can be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// Name of the profile. Default: the name of the output file, or else the location
    #[arg(long)]
    name: Option<String>,
    /// Location to use instead of argument 18
    #[arg(long)]
    location: Option<String>,
    /// AWS region of the bucket and of email reports, which v1.0 has no argument for
    #[arg(long)]
    region: Option<String>,
    /// Write the profile to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the output file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Write each secret to its own file in this directory. By default, the profile refers to
    /// environment variables
    #[arg(long, value_name = "DIR")]
    secrets_to: Option<PathBuf>,
    /// Path of that directory on the computer that is backed up, if it is not this computer
    #[arg(long, value_name = "DIR", requires = "secrets_to")]
    secrets_at: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim_matches('%').to_uppercase(), value.to_owned()))
}

impl ImportArgs {
    pub fn run(self) -> Exit {
        match self.import() {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn import(&self) -> Result<Exit, Exit> {
        let choices = self.choices()?;
        let command = self.command()?;
        let (arguments, early) = Arguments::read(&command).map_err(|findings| refuse(&findings))?;
        let file = self
            .instruction_file
            .clone()
            .unwrap_or_else(|| PathBuf::from(&arguments.instruction_file));
        let unreadable = |error: std::io::Error| {
            let message = format!("the file '{}' cannot be read: {error}", file.display());
            let hint = "give its path on this computer with --instruction-file FILE";
            refuse(
                &[arguments.masked(Remark::error(RemarkPlace::Argument(11), message).hint(hint))],
            )
        };
        let lists = read_bounded(&file, MOST_WRITTEN).map_err(unreadable)?;
        let lists = decoded(&file, &lists)?;
        let mut import =
            import::import(&arguments, &shown(&file), lists, &choices).map_err(|error| {
                complain("error", &error.to_string(), "");
                Exit::Failed
            })?;
        import.findings.splice(0..0, early);
        import.sort();
        let Some(text) = import.profile.clone() else {
            return Err(refuse(&import.findings));
        };
        if let Some(output) = self
            .output
            .as_ref()
            .filter(|output| !self.force && output.exists())
        {
            complain(
                "error",
                &format!("'{}' exists", output.display()),
                "write to another file, or add --force",
            );
            return Err(Exit::Usage);
        }
        self.keep_secrets(&import)?;
        let written = self.write(&text)?;
        print_remarks(&import.findings);
        self.print_next_steps(&import, arguments.hold_secrets());
        Ok(
            if written == Exit::Success && import.has(RemarkLevel::Warning) {
                Exit::Warnings
            } else {
                written
            },
        )
    }

    fn choices(&self) -> Result<Choices, Exit> {
        let secrets = match (&self.secrets_to, &self.secrets_at) {
            (None, _) => WhereTo::Environment,
            (Some(_), Some(at)) => WhereTo::Files(at.clone()),
            (Some(directory), None) => {
                let whole = std::path::absolute(directory)
                    .unwrap_or_else(|_| directory.clone())
                    .display()
                    .to_string();
                // v1.0 ran on Windows, and so will its profile.
                if FullPath::parse(&whole).is_ok_and(|path| path.family() != Family::Windows) {
                    let text =
                        format!("'{whole}' is not a path that a Windows profile can contain");
                    let hint = "give its path on that computer: --secrets-at 'C:\\ProgramData\\AAM Auto Backup\\secrets'";
                    complain("error", &text, hint);
                    return Err(Exit::Usage);
                }
                WhereTo::Files(whole)
            }
        };
        let stem = self
            .output
            .as_ref()
            .and_then(|output| Some(output.file_stem()?.to_str()?.to_owned()));
        Ok(Choices {
            from: self
                .batch
                .as_ref()
                .map_or_else(|| "a v1.0 backup".to_owned(), |batch| shown(batch)),
            name: self.name.clone().or(stem),
            location: self.location.clone(),
            region: self.region.clone(),
            secrets,
        })
    }

    fn command(&self) -> Result<CommandLine, Exit> {
        let variables: Variables = self.variables.iter().cloned().collect();
        let command = match (&self.batch, &self.command_line) {
            (Some(batch), _) => {
                let bytes = read_bounded(batch, MOST_WRITTEN)
                    .map(Zeroizing::new)
                    .map_err(|error| {
                        complain(
                            "error",
                            &format!("'{}' cannot be read: {error}", batch.display()),
                            "",
                        );
                        Exit::Usage
                    })?;
                CommandLine::of_batch(&shown(batch), decoded(batch, &bytes)?, &variables)
            }
            (None, Some(line)) => CommandLine::of_line(line, &variables),
            (None, None) => CommandLine::of_words(self.arguments.clone()),
        };
        command.map_err(|finding| refuse(&[finding]))
    }

    /// Writes each secret to its file. A file that holds the same secret already stays.
    fn keep_secrets(&self, import: &Import) -> Result<(), Exit> {
        let Some(directory) = &self.secrets_to else {
            return Ok(());
        };
        let fail = |text: String, hint: &str| {
            complain("error", &text, hint);
            Exit::Failed
        };
        make_private(directory)
            .map_err(|e| fail(format!("'{}' cannot be made: {e}", directory.display()), ""))?;
        let mut new = Vec::new();
        for (name, secret) in &import.secrets {
            let path = directory.join(name.file());
            match credential::resolve(&Reference::File(path.display().to_string()), &Cancel::new())
            {
                _ if !path.exists() => new.push((path, secret)),
                Ok(there) if there.expose() == secret.expose() => {}
                _ => {
                    let hint =
                        "move it away, or choose another directory; secrets are never overwritten";
                    return Err(fail(
                        format!("'{}' exists with other content", path.display()),
                        hint,
                    ));
                }
            }
        }
        for (path, secret) in new {
            secret_file::write_new(&path, secret)
                .map_err(|e| fail(format!("'{}' cannot be written: {e}", path.display()), ""))?;
        }
        Ok(())
    }

    fn write(&self, text: &str) -> Result<Exit, Exit> {
        let Some(file) = &self.output else {
            return Ok(output::result(text));
        };
        let mut options = fs::OpenOptions::new();
        match self.force {
            true => options.write(true).create(true).truncate(true),
            false => options.write(true).create_new(true),
        };
        // In a directory of others, a link may lead elsewhere.
        let written = open_plain(file, &mut options)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        let written = written.map(|()| {
            schema::write_beside(file);
            Exit::Success
        });
        written.map_err(|error| {
            complain(
                "error",
                &format!("'{}' cannot be written: {error}", file.display()),
                "",
            );
            Exit::Failed
        })
    }

    /// Says where the secrets are now, and which old files still contain them.
    fn print_next_steps(&self, import: &Import, old_holds_secrets: bool) {
        let listed = |word: &dyn Fn(SecretName) -> String| {
            import
                .secrets
                .iter()
                .map(|(name, _)| word(*name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let plural = if import.secrets.len() == 1 { "" } else { "s" };
        let arguments = format!(
            "argument{plural} {}",
            listed(&|name| name.argument().to_string())
        );
        match &self.secrets_to {
            _ if import.secrets.is_empty() => {}
            Some(directory) => {
                let message = format!(
                    "the secrets from the {arguments} are in files in '{}'",
                    directory.display()
                );
                output::note(
                    Remark::note(RemarkPlace::Whole, message).hint(secret_file::advice(directory)),
                );
            }
            None => {
                let variables = listed(&|name| name.variable().to_owned());
                let message = format!(
                    "the profile reads the secrets from the {arguments} from environment variables: {variables}"
                );
                let hint = "a scheduled run does not have your variables; use --secrets-to DIR to write files instead";
                output::note(Remark::note(RemarkPlace::Whole, message).hint(hint));
            }
        }
        if let Some(batch) = self.batch.as_ref().filter(|_| old_holds_secrets) {
            let message = format!(
                "'{}' still contains the secrets in plain text",
                batch.display()
            );
            let hint = "delete it, every copy, and the v1.0 task in Task Scheduler after you have made a backup with the profile and restored from it";
            output::note(Remark::note(RemarkPlace::Whole, message).hint(hint));
        }
        if let Some(file) = &self.output {
            output::note(next(&file.display().to_string()));
        }
    }
}

/// The commands to try with a new profile.
pub fn next(profile: &str) -> String {
    let profile = if profile.contains(' ') {
        format!("\"{profile}\"")
    } else {
        profile.to_owned()
    };
    let step = |command: &str, what: &str| {
        format!(
            "  aam-backup {:<40} {what}\n",
            format!("{command} {profile}")
        )
    };
    [
        "next steps:\n".to_owned(),
        step("check", "check that it is valid"),
        step("plan", "show what a run would do"),
        step("doctor", "test everything that a run needs"),
        step("run", "make a backup"),
        step("schedule install", "make a backup every night"),
    ]
    .concat()
}

fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

fn decoded<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, Exit> {
    profile::decoded(file, bytes).map_err(|diagnostics| {
        output::note(diagnostics);
        Exit::Usage
    })
}

/// The name of a file for messages and comments, with either kind of separator.
fn shown(file: &Path) -> String {
    let text = file.display().to_string();
    text.rsplit(['/', '\\'])
        .next()
        .map_or_else(|| text.clone(), str::to_owned)
}

fn print_remarks(findings: &[Remark]) {
    findings.iter().for_each(output::note);
}

fn refuse(findings: &[Remark]) -> Exit {
    print_remarks(findings);
    output::note("no profile was written\n");
    Exit::Usage
}
