//! `doctor`: whether a profile is ready for unattended runs (SPEC#commands).

use std::fmt::Write as _;

use crate::cli::examples;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, OutputFormat, output};
use crate::doctor::{CheckLevel, CheckResult, Permissions, examine};
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::path::Family;

/// Test everything that a run of a profile needs. Leaves nothing behind.
#[derive(Debug, Args)]
#[command(after_help = examples::DOCTOR)]
pub struct DoctorArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// Ask SES to send a verification email to the sender of reports if it is not verified, and in
    /// the SES sandbox to the recipients too.
    #[arg(long)]
    pub verify_sender: bool,
    /// Also make a small backup, with the snapshot and the tools of the profile, of files made for it
    /// in the state directory, restore it, compare, and remove everything.
    #[arg(long = "try")]
    pub trial: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// What the checks found, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct DoctorAnswer {
    /// Name of the profile.
    profile: String,
    /// The worst level of all findings.
    result: CheckLevel,
    /// In the order of the checks.
    findings: Vec<CheckResult>,
}

/// Examines a job and prints each finding as soon as it is known.
pub fn doctor(job: &Job, args: &DoctorArgs, cancel: &Cancel) -> Exit {
    if job.family != Family::HOST {
        output::note(super::other_host(job));
        return Exit::Usage;
    }
    let mut findings = Vec::new();
    let mut written = Exit::Success;
    let options = Permissions {
        verify_sender: args.verify_sender,
        trial: args.trial,
    };
    let worst = examine(job, options, cancel, &mut |finding| {
        if args.format == OutputFormat::Text && written == Exit::Success {
            written = output::result(describe(&finding));
        }
        findings.push(finding);
    });
    let Some(worst) = worst else {
        return Exit::Interrupted;
    };
    if written == Exit::Success {
        written = match args.format {
            OutputFormat::Text => output::result(summary(&findings)),
            OutputFormat::Json => output::json(&DoctorAnswer {
                profile: job.name.clone(),
                result: worst,
                findings,
            }),
        };
    }
    match (written, worst) {
        (Exit::Success, CheckLevel::Problem) => Exit::Failed,
        (Exit::Success, CheckLevel::Warning) => Exit::Warnings,
        (written, _) => written,
    }
}

/// `warning  mirror: …`, and what to do below it.
fn describe(finding: &CheckResult) -> String {
    let mut line = format!("{:<8} {}: {}\n", finding.level, finding.check, finding.text);
    if let Some(hint) = &finding.hint {
        // Writing into a string cannot fail.
        let _ = writeln!(line, "         hint: {hint}");
    }
    line
}

fn summary(findings: &[CheckResult]) -> String {
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count() as u64
    };
    format!(
        "{} ok, {}, {}\n",
        count(CheckLevel::Ok),
        crate::model::text::count(count(CheckLevel::Warning), "warning"),
        crate::model::text::count(count(CheckLevel::Problem), "problem")
    )
}
