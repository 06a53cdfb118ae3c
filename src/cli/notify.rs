//! `notify`: whether messages about runs arrive (SPEC#notifications).

use clap::{Args, Subcommand};

use super::place::complain;
use super::terminal::Terminal;
use super::{Exit, Global, with_job};
use crate::adapters::credential;
use crate::model::event::Outcome;
use crate::model::job::Job;
use crate::run::session::{Files, MailRule, Session};

/// Test the messages that report how runs end.
#[derive(Debug, Args)]
pub struct NotifyArgs {
    #[command(subcommand)]
    what: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a test message by email and to every webhook of a profile.
    ///
    /// It is sent whatever `when` says. Pings and hooks are not called, because a watchdog would
    /// record a run that did not take place. The exit code is 1 if a message was not taken, or
    /// if the profile sends none.
    #[command(after_help = "Example:\n  aam-backup notify test documents")]
    Test {
        /// Profile: a path, or a name looked up in the profile directories.
        profile: String,
    },
}

impl NotifyArgs {
    pub fn run(&self, global: &Global) -> Exit {
        let NotifyCommand::Test { profile } = &self.what;
        with_job(global, profile, test)
    }
}

fn test(job: &Job) -> Exit {
    credential::withhold_from_programs(&job.secrets);
    let session = Session {
        profile: &job.name,
        location: &job.location,
        operation: "test",
        reporting: &job.reporting,
        mail: MailRule::Every,
        log_is_vital: false,
        files: Files::default(),
    };
    match session.try_messages(vec![Box::new(Terminal::new(true, false))]) {
        Some(Outcome::Success) => Exit::Success,
        Some(_) => Exit::Failed,
        None => {
            let text = format!("the profile '{}' sends no messages", job.name);
            let hint = "add a section that sends some, such as `email`: see docs/unattended.md";
            complain("error", &text, hint);
            Exit::Failed
        }
    }
}
