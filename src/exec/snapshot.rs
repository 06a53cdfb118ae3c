//! A stage inside a snapshot: the snapshot program runs this program again with an order file (SPEC §5, §8).
//!
//! The order holds no secret; the key passes by the environment. The result file and exit codes decide, never text.

use std::path::Path;

use crate::cancel::Cancel;
use crate::event::{Event, Events, Section, Sink};
use crate::job::Snapshot;
use crate::plan::StageOrder;
use crate::render::StageFiles;
use crate::secret::Secret;
use crate::stage::{self, StageError, StageResult};
use crate::tool::{Invocation, locate};

/// The environment variable that carries the archive key into the snapshot.
pub const KEY_VARIABLE: &str = crate::tool::KEY_VARIABLE;

/// What the stage's lines on standard output begin with; everything else there is the snapshot program's.
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
    let hint = "set snapshot.program in the profile to its path";
    let program = locate(Some(&snapshot.program), &[], hint).map_err(|e| (e.to_string(), Some(hint.to_owned())))?;
    let this = std::env::current_exe().map_err(|e| (format!("this program's own path is not known: {e}"), None))?;
    let mut call = Invocation::new(program)
        .arg(order.mount.path.to_native())
        .arg(snapshot.mount.to_string())
        .arg(this)
        .arg("shadow-stage")
        .arg(files.order.to_native());
    if let Some(key) = key {
        call.environment.push((KEY_VARIABLE.into(), key.clone()));
    }
    events.tell(Event::ToolStarted {
        tool: snapshot.program.clone(),
        command: format!(
            "{} {} {} aam-backup shadow-stage {}",
            snapshot.program, order.mount.path, snapshot.mount, files.order
        ),
    });
    let code = call
        .run(None, cancel, &mut |line| match line.strip_prefix(EVENT_LINE).and_then(|e| serde_json::from_str(e).ok()) {
            Some(event) => events.tell(event),
            None => events.tell(Event::ToolOutput { tool: snapshot.program.clone(), line: line.to_owned() }),
        })
        .map_err(|e| (e.to_string(), None))?;
    let read = std::fs::read(files.result.to_native()).ok().and_then(|text| serde_json::from_slice(&text).ok());
    match (code, read) {
        (0, Some(result)) => Ok(result),
        (_, Some(_)) => Err((format!("the snapshot program '{}' ended with exit code {code}", snapshot.program), None)),
        (_, None) => Err((
            format!(
                "the snapshot of '{}' failed: '{}' ended with exit code {code}",
                order.mount.path, snapshot.program
            ),
            Some("the log has what it said".to_owned()),
        )),
    }
}

fn write_order(order: &StageOrder, files: &StageFiles) -> Result<(), StageError> {
    let work = order.work.to_native();
    stage::create_private_directory(&work).map_err(StageError::io("creating the directory", &work))?;
    let path = files.order.to_native();
    let text = serde_json::to_vec_pretty(order).map_err(std::io::Error::from);
    text.and_then(|text| std::fs::write(&path, text)).map_err(StageError::io("writing", &path))
}

/// The inner side: carries out an order file and writes its result file. Events go to standard output, a line each.
///
/// # Errors
/// When the order cannot be read, carried out, or its result written.
pub fn run_order_file(path: &Path, key: Option<&Secret>, cancel: &Cancel) -> Result<(), StageError> {
    let text = std::fs::read(path).map_err(StageError::io("reading", path))?;
    let order: StageOrder =
        serde_json::from_slice(&text).map_err(std::io::Error::from).map_err(StageError::io("reading", path))?;
    let events = Events::new(vec![Box::new(EventLines)]);
    match stage::run(&order, key, cancel, &events) {
        Ok(result) => {
            let target = StageFiles::of(&order).result.to_native();
            let text = serde_json::to_vec_pretty(&result).map_err(std::io::Error::from);
            text.and_then(|text| std::fs::write(&target, text)).map_err(StageError::io("writing", &target))
        }
        Err(error) => {
            events.fail(Section::Tools, error.to_string(), error.hint());
            Err(error)
        }
    }
}

/// Writes events as lines the outer run reads back.
struct EventLines;

impl Sink for EventLines {
    fn tell(&self, event: &Event) {
        use std::io::Write;
        if let Ok(text) = serde_json::to_string(event) {
            // With the outer run gone there is nobody left to tell.
            let _ = writeln!(std::io::stdout().lock(), "{EVENT_LINE}{text}");
        }
    }
}
