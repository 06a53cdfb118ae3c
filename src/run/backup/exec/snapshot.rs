//! A stage inside a snapshot: the snapshot program runs this program again with an order file
//! (SPEC#snapshot).
//!
//! The order holds no secret; the key passes by the environment. The result file and exit codes
//! decide, never text.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
use crate::run::backup::stage::{self, NoOutlet, StageError, StageResult};

/// The environment variable that carries the archive key into the snapshot.
pub const KEY_VARIABLE: &str = crate::adapters::process::KEY_VARIABLE;

/// What the stage's lines on standard output begin with; everything else there is the snapshot
/// program's.
const EVENT_LINE: &str = "\u{1}event ";

/// Why a stage gave no result, and what to do.
type Failure = (String, Option<String>);

/// Runs a stage under the snapshot program: `PROGRAM SOURCE MOUNT COMMAND…`.
pub(super) fn run(
    snapshot: &Snapshot,
    order: &StageOrder,
    key: Option<&Secret>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<StageResult, Failure> {
    let files = StageFiles::of(order);
    write_order(order, &files).map_err(|e| (e.to_string(), e.hint()))?;
    let (program, contract) = program(snapshot)?;
    let name = name(snapshot);
    let call = command(&program, snapshot, order, &files, key)?;
    events.emit(Event::ToolStarted {
        tool: name.to_owned(),
        command: format!(
            "{name} {} {} aam-backup shadow-stage {}",
            order.mount.path, snapshot.mount, files.order
        ),
    });
    let mut retried = false;
    loop {
        let mut busy = false;
        let code = call
            .run(None, cancel, &mut |line| match line
                .strip_prefix(EVENT_LINE)
                .and_then(|e| serde_json::from_str(e).ok())
            {
                Some(event) => events.emit(event),
                None => {
                    busy |= line.contains(SNAPSHOT_IN_PROGRESS);
                    events.emit(Event::ToolOutput {
                        tool: name.to_owned(),
                        line: line.to_owned(),
                    });
                }
            })
            .map_err(|e| (e.to_string(), None))?;
        let started = files.started.to_native().exists();
        if busy && !started && !retried {
            retried = true;
            events.note(
                Section::Tools,
                format!("another snapshot is being made; trying again in {RETRY_AFTER:?}"),
            );
            wait(RETRY_AFTER, cancel);
            continue;
        }
        let ending = contract.ending(code);
        events.emit(Event::ToolEnded {
            tool: name.to_owned(),
            code,
            meaning: ending.to_string(),
        });
        return result(snapshot, order, &files, ending);
    }
}

fn command(
    program: &Path,
    snapshot: &Snapshot,
    order: &StageOrder,
    files: &StageFiles,
    key: Option<&Secret>,
) -> Result<Invocation, Failure> {
    let this = this_program()?;
    let mut call = Invocation::new(program);
    if snapshot.program.is_none() {
        call = call.args(["shadow", "--events"]);
    } else if Contract::of(program) == Contract::ShadowSpawn {
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

/// What makes the snapshots, and how it passes on exit codes.
fn program(snapshot: &Snapshot) -> Result<(PathBuf, Contract), Failure> {
    let Some(program) = &snapshot.program else {
        return Ok((this_program()?, Contract::ShadowSpawn));
    };
    let hint = "set snapshot.program in the profile to its path";
    match locate(Some(program), &[], hint) {
        Ok(program) => Ok((program.clone(), Contract::of(&program))),
        Err(error) => Err((error.to_string(), Some(hint.to_owned()))),
    }
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|e| (format!("this program's own path is not known: {e}"), None))
}

/// What makes the snapshots, for messages.
fn name(snapshot: &Snapshot) -> &str {
    snapshot.program.as_deref().unwrap_or("aam-backup shadow")
}

/// The result file, which only a stage that ran to its end writes.
fn result(
    snapshot: &Snapshot,
    order: &StageOrder,
    files: &StageFiles,
    ending: Ending,
) -> Result<StageResult, Failure> {
    let read = std::fs::read(files.result.to_native())
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    match (ending, read) {
        (Ending::Finished, Some(result)) => Ok(result),
        (Ending::Finished, None) => Err((
            format!(
                "'{}' left no result file; it did not run the stage",
                name(snapshot)
            ),
            None,
        )),
        (ending, _) => Err((
            format!("the snapshot of '{}': {ending}", order.mount.path),
            ending.hint(snapshot),
        )),
    }
}

/// What VSS says while another snapshot of the volume is being made.
const SNAPSHOT_IN_PROGRESS: &str = "80042316";

/// How long the other snapshot is given before the one more try.
const RETRY_AFTER: Duration = Duration::from_secs(20);

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
    let events = Events::new(vec![Box::new(EventLines)]);
    let started = StageFiles::of(&order).started.to_native();
    std::fs::write(&started, "").map_err(StageError::io("writing", &started))?;
    watch(StageFiles::of(&order).stop.to_native(), cancel.clone());
    match stage::run(&order, key, &mut NoOutlet, cancel, &events) {
        Ok(result) => {
            let target = StageFiles::of(&order).result.to_native();
            let text = serde_json::to_vec_pretty(&result).map_err(std::io::Error::from);
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

/// Writes events as lines the outer run reads back.
pub struct EventLines;

impl Sink for EventLines {
    fn emit(&self, event: &Event) {
        use std::io::Write;
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
