//! A stage inside a snapshot: the snapshot program runs this program again with an order file
//! (SPEC#snapshot).
//!
//! The order holds no secret; the key passes by the environment. The result file and exit codes
//! decide, never text.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapters::fs;
use crate::adapters::process::{Invocation, RUN_VARIABLE, locate, wait_for_end};
use crate::adapters::wait::wait;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Sink};
use crate::model::job::Snapshot;
use crate::model::secret::Secret;
use crate::model::text::exit_code;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;
use crate::run::backup::stage::{self, StageError, StageResult};

/// The environment variable that carries the archive key into the snapshot.
pub const KEY_VARIABLE: &str = crate::adapters::process::KEY_VARIABLE;

/// What the stage's lines on standard output begin with; everything else there is the snapshot
/// program's.
const EVENT_LINE: &str = "\u{1}event ";

/// Why a stage gave no result, and what to do.
pub(super) struct Failure(pub(super) String, pub(super) Option<String>);

/// Runs a stage under a snapshot program: `PROGRAM SOURCE MOUNT COMMAND…`.
pub(super) fn run(
    program: &str,
    snapshot: &Snapshot,
    order: &StageOrder,
    key: Option<&Secret>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<StageResult, Failure> {
    let files = StageFiles::of(order);
    write_order(order, &files).map_err(|e| Failure(e.to_string(), e.hint()))?;
    let found = locate(Some(program), &[], PATH_HINT)
        .map_err(|e| Failure(e.to_string(), Some(PATH_HINT.to_owned())))?;
    let contract = Contract::of(&found);
    let call = command(&found, contract, snapshot, order, &files, key)?;
    events.emit(Event::ToolStarted {
        tool: program.to_owned(),
        command: format!(
            "{program} {} {} aam-backup shadow-stage {}",
            order.mount.path, snapshot.mount, files.order
        ),
    });
    let mut retried = false;
    loop {
        let (mut busy, mut heard) = (false, 0);
        let code = call
            .run(None, cancel, &mut |line| match line
                .strip_prefix(EVENT_LINE)
                .and_then(|e| serde_json::from_str(e).ok())
            {
                Some(event) => {
                    heard += 1;
                    events.emit(event);
                }
                None => {
                    busy |= line.contains(SNAPSHOT_IN_PROGRESS);
                    events.emit(Event::ToolOutput {
                        tool: program.to_owned(),
                        line: line.to_owned(),
                    });
                }
            })
            .map_err(|e| Failure(e.to_string(), None))?;
        let started = files.started.to_native().exists();
        if busy && !started && !retried {
            retried = true;
            say_that_it_waits(events);
            wait(RETRY_AFTER, cancel);
            continue;
        }
        let ending = contract.ending(code);
        events.emit(Event::ToolEnded {
            tool: program.to_owned(),
            code,
            meaning: ending.to_string(),
        });
        let report = result(program, snapshot, order, &files, ending)?;
        name_unheard(program, &report, heard, events);
        return Ok(report.result);
    }
}

/// Messages that the snapshot program kept for itself.
fn name_unheard(program: &str, report: &StageReport, heard: u64, events: &Events<'_>) {
    if report.said > heard {
        let said = report.said;
        let text = format!(
            "'{program}' passed on {heard} of {said} messages of its stage: what was skipped may not be named here"
        );
        let hint = "leave snapshot.program out, or name another program";
        events.warn(Section::Tools, text, Some(hint.to_owned()));
    }
}

fn command(
    program: &Path,
    contract: Contract,
    snapshot: &Snapshot,
    order: &StageOrder,
    files: &StageFiles,
    key: Option<&Secret>,
) -> Result<Invocation, Failure> {
    let this = this_program()?;
    let mut call = Invocation::new(program);
    if contract == Contract::ShadowSpawn {
        // With more it dies of names that the code page of the console lacks.
        call = call.arg("/verbosity=2");
    }
    call = call
        .arg(order.mount.path.to_native())
        .arg(snapshot.mount.to_string())
        .arg(this)
        .arg("shadow-stage")
        .arg(files.order.to_native());
    let process = Secret::new(std::process::id().to_string());
    call.environment.push((RUN_VARIABLE.into(), process));
    // The snapshot program must live to take its snapshot down again.
    call.stop_file = Some(files.stop.to_native());
    if let Some(key) = key {
        call.environment.push((KEY_VARIABLE.into(), key.clone()));
    }
    Ok(call)
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|e| Failure(format!("this program's own path is not known: {e}"), None))
}

/// The result file, which only a stage that ran to its end writes.
fn result(
    program: &str,
    snapshot: &Snapshot,
    order: &StageOrder,
    files: &StageFiles,
    ending: Ending,
) -> Result<StageReport, Failure> {
    let read = std::fs::read(files.result.to_native())
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    match (ending, read) {
        (Ending::Finished, Some(report)) => Ok(report),
        (Ending::Finished, None) => Err(Failure(
            format!("'{program}' left no result file; it did not run the stage"),
            None,
        )),
        (ending, _) => Err(Failure(
            format!("the snapshot of '{}': {ending}", order.mount.path),
            ending.hint(snapshot),
        )),
    }
}

/// What VSS says while another snapshot of the volume is being made.
const SNAPSHOT_IN_PROGRESS: &str = "80042316";

/// How long the other snapshot is given before the one more try.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(20);

pub(super) fn say_that_it_waits(events: &Events<'_>) {
    let text = format!("another snapshot is being made; trying again in {RETRY_AFTER:?}");
    events.note(Section::Tools, text);
}

const PATH_HINT: &str = "set snapshot.program in the profile to its path";

/// How a snapshot program passes on the exit code of what it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contract {
    /// ShadowSpawn: 1 and 2 are its own, a child's non-zero code comes back with `0x8000` set.
    ShadowSpawn,
    /// Any other program: the child's code as it is.
    Plain,
}

/// How a snapshot program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Ending {
    #[error("the snapshot was made and the stage finished")]
    Finished,
    #[error("the snapshot could not be made (exit code 1)")]
    NoSnapshot,
    #[error("the command line was refused, or the drive letter is in use (exit code 2)")]
    Refused,
    #[error("the stage ended with {}", exit_code(*.0))]
    Stage(i32),
    #[error("the snapshot program ended with {}", exit_code(*.0))]
    Unknown(i32),
}

impl Contract {
    fn of(program: &Path) -> Contract {
        let name = program
            .file_stem()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if name.eq_ignore_ascii_case("shadowspawn") {
            Contract::ShadowSpawn
        } else {
            Contract::Plain
        }
    }

    fn ending(self, code: i32) -> Ending {
        match (self, code) {
            (_, 0) => Ending::Finished,
            (Contract::Plain, code) => Ending::Stage(code),
            (Contract::ShadowSpawn, 1) => Ending::NoSnapshot,
            (Contract::ShadowSpawn, 2) => Ending::Refused,
            // A status of Windows: the stage crashed.
            (Contract::ShadowSpawn, code) if code & 0x8000 != 0 && code < 0 => {
                Ending::Stage(code & !0x8000)
            }
            (Contract::ShadowSpawn, code) if code & 0x8000 != 0 => Ending::Stage(code & 0x7FFF),
            (Contract::ShadowSpawn, code) => Ending::Unknown(code),
        }
    }
}

impl Ending {
    fn hint(self, snapshot: &Snapshot) -> Option<String> {
        Some(match self {
            Ending::Finished => return None,
            Ending::NoSnapshot => {
                "run as administrator, on a local NTFS volume, with the Volume Shadow Copy service started; see its output in the log".to_owned()
            }
            Ending::Refused => format!("is {} in use? A killed run leaves it mapped: restart, or choose another in snapshot.mount", snapshot.mount),
            Ending::Stage(_) | Ending::Unknown(_) => "see its output in the log".to_owned(),
        })
    }
}

fn write_order(order: &StageOrder, files: &StageFiles) -> Result<(), StageError> {
    let work = order.work.to_native();
    fs::create_private_directory(&work).map_err(StageError::io("creating the directory", &work))?;
    let path = files.order.to_native();
    let text = serde_json::to_vec_pretty(order).map_err(std::io::Error::from);
    text.and_then(|text| std::fs::write(&path, text))
        .map_err(StageError::io("writing", &path))
}

/// The inner side: carries out an order file and writes its result file. Events go to standard
/// output, one per line.
///
/// # Errors
/// When the order cannot be read, carried out, or its result written.
pub fn run_order_file(
    path: &Path,
    key: Option<&Secret>,
    cancel: &Cancel,
) -> Result<(), StageError> {
    let text = std::fs::read(path).map_err(StageError::io("reading", path))?;
    let order: StageOrder = serde_json::from_slice(&text)
        .map_err(std::io::Error::from)
        .map_err(StageError::io("reading", path))?;
    let said = Arc::new(AtomicU64::new(0));
    let lines = EventLines {
        said: Arc::clone(&said),
    };
    let events = Events::new(vec![Box::new(lines)]);
    let started = StageFiles::of(&order).started.to_native();
    std::fs::write(&started, "").map_err(StageError::io("writing", &started))?;
    watch(StageFiles::of(&order).stop.to_native(), cancel.clone());
    match stage::run(&order, key, cancel, &events) {
        Ok(result) => {
            let target = StageFiles::of(&order).result.to_native();
            let said = said.load(Ordering::Relaxed);
            let report = StageReport { said, result };
            let text = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from);
            text.and_then(|text| std::fs::write(&target, text))
                .map_err(StageError::io("writing", &target))
        }
        Err(error) => {
            events.fail(Section::Tools, error.to_string(), error.hint());
            Err(error)
        }
    }
}

/// Ends the stage in order if the outer run asks for it or is killed. The threads end with the
/// process. Without threads, the stage continues to its end.
fn watch(stop: PathBuf, cancel: Cancel) {
    let run = std::env::var(RUN_VARIABLE).ok();
    if let Some(run) = run.and_then(|run| run.parse().ok()) {
        let cancel = cancel.clone();
        let waiting = move || {
            wait_for_end(run);
            cancel.set();
        };
        drop(std::thread::Builder::new().spawn(waiting));
    }
    let watching = move || {
        while !stop.exists() {
            std::thread::sleep(Duration::from_millis(200));
        }
        cancel.set();
    };
    drop(std::thread::Builder::new().spawn(watching));
}

/// What is in the result file.
#[derive(Serialize, Deserialize)]
struct StageReport {
    /// How many events were written to standard output, which a snapshot program may not pass on.
    said: u64,
    result: StageResult,
}

/// Writes events as lines the outer run reads back.
struct EventLines {
    said: Arc<AtomicU64>,
}

impl Sink for EventLines {
    fn emit(&self, event: &Event) {
        use std::io::Write;
        self.said.fetch_add(1, Ordering::Relaxed);
        if let Ok(text) = serde_json::to_string(event) {
            // If the outer run has ended, nobody reads the events.
            let _ = writeln!(std::io::stdout().lock(), "{EVENT_LINE}{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS_VIOLATION: i32 = 0xC000_0005_u32.cast_signed();

    /// robocopy's 1 comes back as 32769.
    #[test]
    fn shadowspawns_exit_codes() {
        let shadowspawn = Contract::of(Path::new("C:/tools/ShadowSpawn.exe"));
        assert_eq!(shadowspawn, Contract::ShadowSpawn);
        for (code, ending) in [
            (0, Ending::Finished),
            (1, Ending::NoSnapshot),
            (2, Ending::Refused),
            (32769, Ending::Stage(1)),
            (0x8000 | 130, Ending::Stage(130)),
            (3, Ending::Unknown(3)),
            (
                0xC000_8005_u32.cast_signed(),
                Ending::Stage(ACCESS_VIOLATION),
            ),
            (ACCESS_VIOLATION, Ending::Unknown(ACCESS_VIOLATION)),
        ] {
            assert_eq!(shadowspawn.ending(code), ending);
        }
        let crashed = Ending::Stage(ACCESS_VIOLATION).to_string();
        assert!(crashed.ends_with("0xc0000005, it crashed: access violation"));
        assert_eq!(
            Contract::of(Path::new("/usr/bin/snap")).ending(1),
            Ending::Stage(1)
        );
    }
}
