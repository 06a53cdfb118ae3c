//! What is made from the command line itself: completion scripts for shells, and manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::place::complain;
use super::{Cli, Exit, output};

/// What clap_complete 4.6 calls the program where it looks up a subcommand, and what it calls it
/// where it describes one: with a hyphen in the name of the program they differ, and nothing was
/// completed after the first word.
const BASH_NAMES: [&str; 2] = ["aam__subcmd__backup", "aam__backup"];

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for bash:\n  aam-backup completions bash >~/.local/share/bash-completion/completions/aam-backup"
)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut visible(), "aam-backup", &mut script);
        let mut script = String::from_utf8_lossy(&script).into_owned();
        if self.shell == Shell::Bash {
            script = script.replace(BASH_NAMES[0], BASH_NAMES[1]);
        }
        if self.shell == Shell::Zsh {
            // After `*::`, zsh takes every further word for an argument, options too.
            script = script.replace("\n'*::", "\n'*:");
        }
        output::result(script)
    }
}

/// The command line without its hidden commands.
fn visible() -> Command {
    let all = Cli::command();
    let shown = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let mut visible = Command::new("aam-backup")
        .version(super::VERSION)
        .args(all.get_arguments().cloned())
        .subcommands(shown.cloned());
    if let Some(about) = all.get_about() {
        visible = visible.about(about.clone());
    }
    visible
}

/// Write the manual pages, one for each command.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Directory to write them to.
    directory: PathBuf,
}

impl Man {
    pub fn run(self) -> Exit {
        let mut command = visible().disable_help_subcommand(true);
        command.build();
        match write_pages(&command, "", &self.directory) {
            Ok(()) => Exit::Success,
            Err(why) => {
                let text = format!("'{}': {why}", self.directory.display());
                complain("error", &text, "name a directory that can be written");
                Exit::Failed
            }
        }
    }
}

/// `aam-backup-restore-drill.1` is the page of `aam-backup restore drill`.
fn write_pages(command: &Command, parent: &str, directory: &Path) -> io::Result<()> {
    let name = match parent {
        "" => command.get_name().to_owned(),
        parent => format!("{parent}-{}", command.get_name()),
    };
    let page = clap_mangen::Man::new(command.clone()).title(name.to_uppercase());
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(directory.join(format!("{name}.1")), text)?;
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        write_pages(below, &name, directory)?;
    }
    Ok(())
}
