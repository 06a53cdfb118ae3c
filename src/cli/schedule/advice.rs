//! Warnings about what a scheduled run lacks: the environment of the session that installs it.

use std::path::{Path, PathBuf};

use crate::adapters::process::locate;
use crate::adapters::seven_zip::SevenZip;
use crate::cli::output;
use crate::cli::place::complain;
use crate::doctor::ENCRYPTED_HINT;
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Reference;
use crate::model::store::AccountNeed;
use crate::render::schedule::{Schedule, Scheduler};
use crate::run::backup::encrypted;

/// Where programs are on every Unix.
const STANDARD_PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Full paths of the program and the profile; those that the documentation gives for a computer of
/// the other family.
pub fn paths(job: &Job) -> Result<(String, String), String> {
    let file = job
        .profile
        .file_name()
        .unwrap_or_default()
        .display()
        .to_string();
    match job.family {
        family if family == Family::HOST => {
            let program = std::env::current_exe()
                .map_err(|e| format!("this program's own path is not known: {e}"))?;
            let profile = std::path::absolute(&job.profile);
            let profile =
                profile.map_err(|e| format!("the profile's full path is not known: {e}"))?;
            let text = |path: PathBuf| {
                path.to_str()
                    .map(str::to_owned)
                    .ok_or_else(|| format!("'{}' is not UTF-8", path.display()))
            };
            Ok((text(program)?, text(profile)?))
        }
        Family::Windows => Ok((
            r"C:\Program Files\AAM Auto Backup\aam-backup.exe".to_owned(),
            format!(r"C:\ProgramData\AAM Auto Backup\profiles\{file}"),
        )),
        Family::Unix => Ok((
            "/usr/local/bin/aam-backup".to_owned(),
            format!("/etc/aam-backup/profiles/{file}"),
        )),
    }
}

/// The `PATH` of the run: the standard one, and where the programs that the profile needs were
/// found now.
pub fn search_path(job: &Job) -> String {
    let mut directories: Vec<String> = STANDARD_PATH.map(str::to_owned).to_vec();
    if job.family == Family::HOST && job.family == Family::Unix {
        let mut found: Vec<PathBuf> = Vec::new();
        found.extend(
            SevenZip::locate(job.tools.seven_zip.as_deref())
                .map(|tool| tool.program().to_path_buf()),
        );
        found.extend(locate(job.tools.rsync.as_deref(), &["rsync"], ""));
        let commands = job
            .references()
            .into_iter()
            .filter_map(|(_, reference)| match reference {
                Reference::Command(words) => words.first(),
                _ => None,
            });
        let hooks = &job.reporting.hooks;
        let hooks = [&hooks.before, &hooks.after, &hooks.on_failure]
            .into_iter()
            .flatten()
            .map(|hook| &hook.program);
        let of_stores: Vec<String> = job
            .stores()
            .filter_map(|s| Some(s.program()?.to_owned()))
            .collect();
        let programs = commands
            .chain(&of_stores)
            .chain(hooks)
            .chain(job.snapshot.as_ref().and_then(|s| s.program.as_ref()));
        found.extend(programs.filter_map(|program| locate(Some(program), &[], "").ok()));
        for directory in found
            .iter()
            .filter_map(|path| path.parent()?.to_str())
            .filter(|d| d.starts_with('/'))
        {
            // A path with a colon cannot be in it.
            if !directories.iter().any(|d| d == directory) && !directory.contains(':') {
                directories.push(directory.to_owned());
            }
        }
    }
    directories.join(":")
}

/// Warns of files that Windows keeps encrypted for one user: neither SYSTEM nor a task without a
/// password can read them.
pub fn warn_of_encrypted(job: &Job, schedule: &Schedule, cancel: &Cancel) {
    if !cfg!(windows) {
        return;
    }
    output::note("Looking for files in the sources that only one user can read.\n");
    if let Some(example) = encrypted::example(job, cancel) {
        let account = account(schedule, Scheduler::TaskScheduler);
        let text = format!(
            "'{example}' is encrypted by Windows (EFS), and perhaps other files: a run as {account}, without a password, cannot read them"
        );
        complain("warning", &text, ENCRYPTED_HINT);
    }
}

fn account(schedule: &Schedule, scheduler: Scheduler) -> String {
    match (&schedule.user, scheduler) {
        (Some(user), _) => user.clone(),
        (None, Scheduler::TaskScheduler) => "SYSTEM".to_owned(),
        (None, _) if schedule.system => "root".to_owned(),
        (None, _) => "your account".to_owned(),
    }
}

/// Warns about what a run started by this scheduler lacks, and says what to use instead.
pub fn warn(job: &Job, schedule: &Schedule, scheduler: Scheduler) {
    let warning = |text: &str, hint: &str| complain("warning", text, hint);
    let given = schedule.environment_file.as_deref().map(variables);
    if let (Some(path), Some(Err(error))) = (&schedule.environment_file, &given) {
        warning(
            &format!("'{path}' cannot be read here: {error}"),
            "systemd does not start the run without this file",
        );
    }
    let given = given.and_then(Result::ok).unwrap_or_default();
    let account = account(schedule, scheduler);
    warn_of_secrets(job, scheduler, &account, &given);
    warn_of_conditions(schedule, scheduler);
    for store in job.stores() {
        let Some(AccountNeed { lacks, uses, hint }) = store.of_account() else {
            continue;
        };
        let name = store.name();
        warning(
            &format!(
                "destinations.{name} has no {lacks}: the run uses {uses} of {account}, not those in environment variables"
            ),
            hint,
        );
    }
    if scheduler == Scheduler::TaskScheduler {
        let places = job
            .mirror
            .iter()
            .map(|m| &m.path)
            .chain(job.stores().filter_map(|s| s.path()))
            .chain(job.sources.iter().map(|s| &s.path));
        for path in places.filter(|path: &&FullPath| path.is_unc()) {
            warning(
                &format!("a run as {account} has no password for the network share '{path}'"),
                "store a password in the task: see docs/unattended.md, \"On a network\"",
            );
        }
    }
    #[cfg(unix)]
    if scheduler == Scheduler::Systemd
        && !schedule.system
        && job.family == Family::HOST
        && !lingers()
    {
        warning(
            "systemd stops your tasks when you log out",
            "run this command once: loginctl enable-linger",
        );
    }
}

/// What the profile asks for and the scheduler cannot do.
fn warn_of_conditions(schedule: &Schedule, scheduler: Scheduler) {
    let instead = "systemd and Task Scheduler can";
    if !schedule.on_battery && matches!(scheduler, Scheduler::Cron | Scheduler::Launchd) {
        let text = format!(
            "{scheduler} cannot tell battery from mains power: runs start on battery too \
             (schedule.on-battery)"
        );
        complain("warning", &text, instead);
    }
    if schedule.when_attached.is_some() && scheduler == Scheduler::Cron {
        let text = "cron cannot start a run when a disk is attached (schedule.when-attached): runs \
                    start by time, and are skipped while it is not there";
        complain("warning", text, instead);
    }
}

/// Secrets that a run as `account` will not find; `given` are the variables that it has.
fn warn_of_secrets(job: &Job, scheduler: Scheduler, account: &str, given: &[String]) {
    let warning = |text: &str, hint: &str| complain("warning", text, hint);
    for (place, reference) in job.references() {
        match reference {
            Reference::Env(name) if !given.contains(name) => warning(
                &format!(
                    "{place} is in the environment variable {name}, which a run started by {scheduler} does not have"
                ),
                match scheduler {
                    Scheduler::Systemd => {
                        "keep it in a file that only the account of the run can read, and write `file: PATH` in the profile; or add --environment-file PATH"
                    }
                    Scheduler::TaskScheduler | Scheduler::Cron | Scheduler::Launchd => {
                        "keep it in a file that only the account of the run can read, and write `file: PATH` in the profile"
                    }
                },
            ),
            Reference::Keyring(_) => warning(
                &format!("{place} is in a keyring, which a run as {account} cannot open at night"),
                "keep it in a file that only the account of the run can read, and write `file: PATH` in the profile",
            ),
            _ => {}
        }
    }
}

/// The names of the variables in an environment file of systemd.
fn variables(path: &str) -> std::io::Result<Vec<String>> {
    let text = std::fs::read_to_string(Path::new(path))?;
    let lines = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with(['#', ';']));
    Ok(lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim_end().to_owned())
        .collect())
}

/// Whether systemd keeps this user's manager running: logind leaves a file that says so.
#[cfg(unix)]
fn lingers() -> bool {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_default();
    !user.is_empty() && Path::new("/var/lib/systemd/linger").join(user).exists()
}
