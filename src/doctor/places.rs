//! The places of this computer: lock, state, log, work files, sources, mirror.

use std::path::{Path, PathBuf};

use super::visit::Visit;
use super::{CheckAnswer, file_system, ok, problem, warning};
use crate::adapters;
use crate::adapters::destination_id;
use crate::adapters::state::lock::{self, Attempt, Holder};
use crate::adapters::state::{DIRECTORY_VARIABLE, base_directory};
use crate::model::file_system::FileSystem;
use crate::model::job::Mirror;
use crate::model::path::{Family, FullPath};
use crate::model::text;
use crate::run::session::log_directory;

/// How many paths are named before the rest is only counted: a list of hundreds would hide the
/// other results.
const NAMED: usize = 3;

pub(super) fn lock(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let path = lock::default_path();
    let me = Holder {
        profile: visit.job.name.clone(),
        pid: std::process::id(),
        since: visit.now.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    };
    vec![match lock::attempt(&path, &me) {
        Ok(Attempt::Taken(_)) => ok(format!("free: {}", path.display())),
        Ok(Attempt::Busy(holder)) => {
            let who =
                holder.map_or_else(|| "another backup".to_owned(), |holder| holder.to_string());
            let patience = visit.job.lock.give_up_after;
            warning(
                format!("held by {who}"),
                format!(
                    "a run that starts now waits for it, {patience:?} at most; if it hangs, end that process"
                ),
            )
        }
        Err(error) => problem(
            error.to_string(),
            "let the account that runs the backup write there",
        ),
    }]
}

fn writable(directory: &Path, hint: &str) -> CheckAnswer {
    match file_system::try_writing(directory) {
        Ok(()) => ok(format!("{} can be written", directory.display())),
        Err(error) => problem(
            format!("{} cannot be written: {error}", directory.display()),
            hint,
        ),
    }
}

pub(super) fn state(_: &Visit<'_>) -> Vec<CheckAnswer> {
    let hint =
        format!("let the account that runs the backup write there, or set {DIRECTORY_VARIABLE}");
    let directory = base_directory();
    let mut found = vec![writable(&directory, &hint)];
    found.extend(open_to_others(&directory));
    found
}

/// Others who have access to a directory of the program: whoever changes what is in it decides what
/// a run does, and what it is called.
#[cfg(windows)]
fn open_to_others(directory: &Path) -> Option<CheckAnswer> {
    use crate::adapters::windows::access;
    let shown = directory.display();
    let strangers = match access::strangers(directory) {
        Ok(strangers) => strangers,
        // It is made by the first run, for administrators only.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            let text = format!("who has access to {shown} is not known: {error}");
            return Some(warning(text, format!("see `icacls \"{shown}\"`")));
        }
    };
    if strangers.is_empty() {
        return Some(ok(format!(
            "{shown} is for SYSTEM, Administrators and its owner only"
        )));
    }
    let names: Vec<String> = strangers
        .iter()
        .map(|stranger| match stranger.may_change {
            true => format!("'{}' (may change it)", stranger.name),
            false => format!("'{}'", stranger.name),
        })
        .collect();
    Some(warning(
        format!(
            "others than SYSTEM, Administrators and its owner have access to {shown}: {}",
            names.join(", ")
        ),
        format!(
            "as administrator: `icacls \"{shown}\" /setowner *S-1-5-32-544 /T`, then `icacls \"{shown}\" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F`"
        ),
    ))
}

/// Elsewhere the directories of a run are private by their modes, and its places are checked when
/// they are used.
#[cfg(not(windows))]
fn open_to_others(_: &Path) -> Option<CheckAnswer> {
    None
}

pub(super) fn log(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let hint = "set log.directory in the profile to a directory that can be written";
    vec![writable(&log_directory(&visit.job.reporting), hint)]
}

pub(super) fn sources(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let mut found = Vec::new();
    for missing in &visit.surveyed().0.missing {
        let (path, why) = (&missing.path, &missing.why);
        let optional = visit
            .job
            .sources
            .iter()
            .any(|source| source.optional && source.path.same(path));
        found.push(if optional {
            warning(
                format!("the optional source {path}: {why}"),
                missing.hint(true),
            )
        } else {
            problem(format!("the source {path}: {why}"), missing.hint(false))
        });
    }
    let walked = visit.walked();
    if let Some(why) = &walked.failed {
        found.push(problem(
            format!("the sources cannot be searched: {why}"),
            "see sources in the profile",
        ));
        return found;
    }
    if !walked.unreadable.is_empty() {
        let count = walked.unreadable.len();
        let mut text = walked
            .unreadable
            .iter()
            .take(NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join("; ");
        if count > NAMED {
            text.push_str(&format!("; and {} more", count - NAMED));
        }
        found.push(warning(
            format!(
                "{} cannot be backed up: {text}",
                text::count(count as u64, "path")
            ),
            "let the account that runs the backup read them, or exclude them",
        ));
    }
    let size = format!(
        "{}, {}",
        text::count(walked.files, "file"),
        text::size(walked.bytes)
    );
    found.push(match walked.files {
        0 => warning(
            "no file is selected",
            "see sources and exclude in the profile; `explain` says why",
        ),
        _ => ok(format!("selected {size}")),
    });
    found
}

/// What a run that starts now writes where. A place that is not there is on no disk yet, but the
/// work directory is made.
fn needs(visit: &Visit<'_>) -> Vec<(PathBuf, u64)> {
    let (job, walked) = (visit.job, visit.walked());
    let archives = job
        .has_store()
        .then(|| (job.work_directory.to_native(), walked.work_bytes));
    let directories = job.stores().filter_map(|store| store.path());
    let directories = directories.map(|path| (path.to_native(), walked.archived_bytes));
    let mirror = job
        .mirror
        .as_ref()
        .map(|mirror| (mirror.path.to_native(), walked.unmirrored_bytes));
    let there = directories.chain(mirror).filter(|(path, _)| path.is_dir());
    archives
        .into_iter()
        .chain(there)
        .filter(|(_, bytes)| *bytes > 0)
        .collect()
}

/// Whether this many bytes fit, together with everything else that goes to the same disk.
pub(super) fn space(
    visit: &Visit<'_>,
    directory: &Path,
    what: &str,
    needed: u64,
    hint: &str,
) -> CheckAnswer {
    let mut others = needs(visit);
    others.retain(|(place, _)| place != directory && file_system::same(place, directory));
    let mut needs = format!("{what} needs up to {}", text::size(needed));
    let needed = needed + others.iter().map(|(_, bytes)| bytes).sum::<u64>();
    if !others.is_empty() {
        let others: Vec<String> = others
            .iter()
            .map(|(place, _)| place.display().to_string())
            .collect();
        let (all, others) = (text::size(needed), others.join(" and "));
        needs.push_str(&format!(
            " here, {all} together with {others} on the same disk"
        ));
    }
    match file_system::free(directory) {
        Some(free) if free < needed => problem(
            format!(
                "{needs}, and {} has {} free",
                directory.display(),
                text::size(free)
            ),
            hint,
        ),
        Some(free) => ok(format!(
            "{needs}, and {} has {} free",
            directory.display(),
            text::size(free)
        )),
        None => ok(format!(
            "{needs}; {} does not tell its free space",
            directory.display()
        )),
    }
}

pub(super) fn work_directory(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let directory = visit.job.work_directory.to_native();
    let mut found = vec![writable(
        &directory,
        "set archive.work-directory in the profile to a directory that can be written",
    )];
    found.extend(open_to_others(&directory));
    if visit.job.has_store() {
        let hint = "free some space, or set archive.work-directory to a larger disk";
        found.push(space(
            visit,
            &directory,
            "a run now",
            visit.walked().work_bytes,
            hint,
        ));
    }
    found
}

/// An optional destination that is not attached now.
pub(super) fn not_attached(path: &FullPath) -> CheckAnswer {
    warning(
        format!("{path} is not attached, so it was not checked"),
        "attach its disk and start this again, to have it checked",
    )
}

pub(super) fn mirror(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(mirror) = &visit.job.mirror else {
        return Vec::new();
    };
    let directory = mirror.path.to_native();
    if mirror.optional && destination_id::is_away(&directory) {
        return vec![not_attached(&mirror.path)];
    }
    if !directory.is_dir() {
        return vec![problem(
            format!("the mirror {} is not there", mirror.path),
            "attach the disk or connect the share; make the directory yourself if this is its first backup",
        )];
    }
    let traits = match adapters::file_system::probe(&directory) {
        Ok(traits) => traits,
        Err(error) => {
            let hint = "let the account that runs the backup write there";
            return vec![problem(
                format!("the mirror {} cannot be written: {error}", mirror.path),
                hint,
            )];
        }
    };
    let mut found = vec![ok(format!("{} can be written", mirror.path))];
    found.extend(limits(visit.job.family, mirror, &traits));
    let missing = visit.walked().unmirrored_bytes;
    if missing > 0 {
        found.push(space(
            visit,
            &directory,
            "the first copy",
            missing,
            "free some space, or use a larger disk",
        ));
    }
    found
}

/// What a mirror loses on its file system.
fn limits(family: Family, mirror: &Mirror, found: &FileSystem) -> Vec<CheckAnswer> {
    let path = &mirror.path;
    let mut answers = Vec::new();
    if family == Family::Unix && found.folds_case {
        answers.push(warning(
            format!(
                "{path} does not distinguish names that differ only in case: it keeps one of two such files"
            ),
            "use a file system that distinguishes them, or rename the files",
        ));
    }
    let refused = [found.refused.as_str(), &found.refused_at_end].concat();
    if family == Family::Unix && !refused.is_empty() {
        answers.push(warning(
            format!(
                "{path} cannot hold names with {} in them, or with one of {} at their end: such files are left out",
                listed(&found.refused),
                listed(&found.refused_at_end)
            ),
            "use a file system that can, or rename the files",
        ));
    }
    let losses = found.losses();
    if family == Family::Unix && !losses.is_empty() {
        answers.push(warning(
            format!("{path} does not keep {}", losses.join(", nor ")),
            "use ext4 or another file system of Unix if the mirror must keep them",
        ));
    }
    if mirror.access_lists && !found.access_lists {
        answers.push(warning(
            format!(
                "{path} does not keep access lists, which destinations.mirror.access-lists asks for"
            ),
            "use NTFS, or remove destinations.mirror.access-lists",
        ));
    }
    if found.time_step > 1_000_000_000 {
        answers.push(ok(format!(
            "{path} keeps times to two seconds, which is allowed for"
        )));
    }
    if found.small_files_only {
        answers.push(warning(
            format!("{path} is on FAT, which cannot hold files of 4 GiB or more"),
            "format the disk with NTFS, exFAT or ext4, or exclude such files",
        ));
    }
    answers
}

/// Characters as words of a message.
fn listed(characters: &str) -> String {
    let shown: Vec<String> = characters
        .chars()
        .map(|c| format!("'{}'", c.escape_debug()))
        .collect();
    match shown.is_empty() {
        true => "none".to_owned(),
        false => shown.join(" "),
    }
}
