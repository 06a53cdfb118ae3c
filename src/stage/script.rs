//! Running the rendered script, and what its exit codes mean.

use std::collections::BTreeMap;

use super::StageError;
use crate::cancel::Cancel;
use crate::event::{Event, Events, Section};
use crate::plan::StageOrder;
use crate::render::{StageFiles, shell_script};
use crate::secret::Secret;
use crate::tool::Invocation;
use crate::tool::seven_zip::Exit;

/// Exit codes by tool, as the script wrote them. A tool that was not reached has none.
pub(super) type Status = BTreeMap<String, i32>;

/// Writes the script and runs it. The key goes to its standard input, which 7-Zip inherits.
pub(super) fn run(
    order: &StageOrder,
    files: &StageFiles,
    key: Option<&Secret>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Status, StageError> {
    let script = files.script.to_native();
    std::fs::write(&script, shell_script(order)?).map_err(StageError::io("writing", &script))?;
    let status = files.status.to_native();
    std::fs::write(&status, "").map_err(StageError::io("writing", &status))?;
    let call = Invocation::new("/bin/sh").arg(&script);
    events.tell(Event::ToolStarted { tool: "sh".to_owned(), command: files.script.to_string() });
    let code = call.run(key, cancel, &mut |line| {
        if !line.trim().is_empty() {
            events.tell(Event::ToolOutput { tool: "sh".to_owned(), line: line.to_owned() });
        }
    })?;
    if code != 0 {
        let text = match code {
            10 => format!("the mount '{}' cannot be entered at '{}'", order.mount.path, order.shown_at),
            _ => format!("the script '{}' ended with exit code {code}", files.script),
        };
        events.fail(Section::Tools, text, None);
    }
    let text = std::fs::read_to_string(&status).map_err(StageError::io("reading", &status))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(tool, code)| Some((tool.to_owned(), code.trim().parse().ok()?)))
        .collect())
}

/// Whether rsync copied all it could. What it could not is found by the verification, file by file.
pub(super) fn copier_finished(status: &Status, events: &Events<'_>) -> bool {
    let Some(&code) = status.get("mirror") else {
        events.fail(Section::Tools, "the mirror was not copied: rsync was not run", None);
        return false;
    };
    let (meaning, ok) = match code {
        0 => ("rsync finished", true),
        23 => ("some files could not be copied; the verification names them", true),
        24 => ("some files vanished while rsync copied", true),
        10..=14 | 30 | 35 => ("rsync could not read or write", false),
        20 => ("rsync was interrupted", false),
        127 => ("rsync was not found", false),
        _ => ("rsync failed", false),
    };
    events.tell(Event::ToolEnded { tool: "rsync".to_owned(), code, meaning: meaning.to_owned() });
    if !ok {
        events.fail(
            Section::Tools,
            format!("the mirror was not copied: {meaning} (rsync exit code {code})"),
            Some("the log has what rsync said".to_owned()),
        );
    }
    ok
}

/// Whether 7-Zip made an archive that can be looked at.
pub(super) fn archiver_finished(status: &Status, order: &StageOrder, events: &Events<'_>) -> bool {
    let Some(&code) = status.get("archive") else {
        events.fail(Section::Tools, "no archive was made: 7-Zip was not run", None);
        return false;
    };
    let exit = Exit::of(code);
    events.tell(Event::ToolEnded { tool: "7-Zip".to_owned(), code, meaning: exit.to_string() });
    if matches!(exit, Exit::Ok | Exit::Warning) {
        return true;
    }
    let free = fs4::available_space(order.work.to_native()).unwrap_or(u64::MAX);
    let hint = if free < 64 << 20 {
        format!("the disk of '{}' is full: free some space, or set archive.work-directory to another", order.work)
    } else {
        "the log has what 7-Zip said".to_owned()
    };
    events.fail(Section::Tools, format!("no archive of '{}' was made: {exit}", order.mount.path), Some(hint));
    false
}
