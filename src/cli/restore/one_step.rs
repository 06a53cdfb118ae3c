//! The restore in one step, with its log and its email (SPEC#log). The four steps have neither.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use super::RestoreCall;
use crate::adapters::state::history::RESTORE;
use crate::cli::place::complain;
use crate::cli::{Exit, output};

use crate::model::job::{Email, Log, Reporting};
use crate::model::path::{Family, FullPath};
use crate::model::policy::UNREACHABLE_AFTER;
use crate::model::policy::{DetailLevel, When};
use crate::model::text::local_time;
use crate::render::report;
use crate::run::restore::facts::RestoreFacts;
use crate::run::restore::origin::RestoreOrigin;
use crate::run::restore::tools::RestoreStep;
use crate::run::restore::work::report_end;
use crate::run::session::{Files, MailRule, Session};

/// Where the log goes and who gets the report. Default: as in the profile.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Directory for the log. Default: the directory in the profile, or `logs` in the state
    /// directory.
    #[arg(long, value_name = "DIR")]
    pub log_directory: Option<PathBuf>,
    /// Send a report by email through Amazon SES from this address.
    #[arg(long, value_name = "ADDRESS", requires_all = ["email_to", "email_region"])]
    pub email_from: Option<String>,
    /// Recipient of the report. Can be repeated.
    #[arg(long, value_name = "ADDRESS", requires = "email_from")]
    pub email_to: Vec<String>,
    /// SES region of the sender address.
    #[arg(long, value_name = "REGION", requires = "email_from")]
    pub email_region: Option<String>,
}

impl ReportArgs {
    /// Who gets a report. Pings and hooks belong to backups, not to restores.
    fn reporting(&self, origin: &RestoreOrigin) -> Result<Reporting, String> {
        let job = origin.job.as_ref();
        let mut reporting = job.map_or_else(Reporting::default, |job| job.reporting.of_restore());
        let native = job.filter(|job| job.family == Family::HOST);
        let directory = match &self.log_directory {
            None => native.and_then(|job| job.reporting.log.directory.clone()),
            Some(given) => Some(
                full(given)
                    .map_err(|why| format!("--log-directory '{}': {why}", given.display()))?,
            ),
        };
        reporting.log = Log {
            directory,
            ..reporting.log
        };
        if let (Some(from), Some(region)) = (&self.email_from, &self.email_region) {
            reporting.email = Some(Email {
                from_name: None,
                from: from.clone(),
                to: self.email_to.clone(),
                region: region.clone(),
                when: When::Always,
                details: DetailLevel::Paths,
                endpoint: None,
                give_up_after: UNREACHABLE_AFTER,
                credentials: None,
            });
        }
        Ok(reporting)
    }
}

fn full(given: &Path) -> Result<FullPath, String> {
    let path = std::path::absolute(given).map_err(|why| why.to_string())?;
    let text = path.to_str().ok_or("its name is not valid Unicode")?;
    FullPath::parse(text).map_err(|why| why.to_string())
}

/// Restores.
pub fn restore(args: &ReportArgs, call: &RestoreCall<'_>) -> Exit {
    let origin = &call.origin;
    let reporting = match args.reporting(origin) {
        Ok(reporting) => reporting,
        Err(why) => {
            complain("error", &why, "name another directory");
            return Exit::Usage;
        }
    };
    let session = Session {
        profile: origin
            .job
            .as_ref()
            .map_or(&origin.location, |job| &job.name),
        location: &origin.location,
        operation: RESTORE,
        reporting: &reporting,
        mail: MailRule::Every,
        log_is_vital: false,
        files: Files::default(),
    };
    let request = call.request(RestoreStep::All);
    let done = session.run(
        vec![call.what.watch.reader()],
        |events, started| {
            let mut facts = RestoreFacts::new();
            let begins = format!("restore started {}", local_time(started));
            let result = call.work(&request, &mut facts, events, Some(&begins));
            (report_end(result, RestoreStep::All, events), facts)
        },
        |outcome, started, facts, counts| {
            let mut all = vec![("Location".to_owned(), origin.location.clone())];
            all.extend(facts.into_iter().flatten().cloned());
            report::report(
                report::Subject::Restore,
                report::title(outcome, started, "data restoration"),
                all,
                counts,
            )
        },
    );
    let exit = output::ended(&done);
    let pauses = origin.job.as_ref().is_some_and(|job| job.pause_at_end);
    if pauses && std::io::stdin().is_terminal() {
        output::wait_to_close();
    }
    exit
}
