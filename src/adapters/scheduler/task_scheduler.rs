//! Task Scheduler of Windows, by its own `schtasks`.

use super::{LastResult, ScheduledTask, SchedulerError, SchedulerTool};
use crate::render::schedule::{Rendered, Scheduler, TaskName};

/// What Task Scheduler says instead of an exit code: has not run yet, runs now, ended by a person
/// or the time limit.
const NEVER_RAN: i64 = 0x4_1303;
const RUNNING: i64 = 0x4_1301;
const TERMINATED: i64 = 0x4_1306;

pub fn install(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    files: &[Rendered],
) -> Result<(), SchedulerError> {
    let place = tempfile::tempdir().map_err(|why| SchedulerError::File {
        doing: "written",
        path: std::env::temp_dir(),
        why,
    })?;
    for file in files {
        let path = place.path().join(&file.file);
        std::fs::write(&path, file.bytes()).map_err(|why| SchedulerError::File {
            doing: "written",
            path: path.clone(),
            why,
        })?;
        let path = path.display().to_string();
        tool.must(
            "schtasks",
            &["/Create", "/TN", &name.task(), "/XML", &path, "/F"],
        )?;
    }
    Ok(())
}

pub fn find(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
) -> Result<Option<ScheduledTask>, SchedulerError> {
    let task = name.task();
    // It says no for a task that is not there, and has no exit code of its own for that.
    let (0, xml) = tool.run("schtasks", &["/Query", "/TN", &task, "/XML"])? else {
        return Ok(None);
    };
    // The words are in the language of the system, their order is not: host, name, next run,
    // status, logon mode, last run, last result.
    let table = tool.must(
        "schtasks",
        &["/Query", "/TN", &task, "/V", "/FO", "CSV", "/NH"],
    )?;
    let row = table
        .lines()
        .map(fields)
        .find(|row| row.len() > 6)
        .unwrap_or_default();
    let field = |at: usize| row.get(at).filter(|text| !text.is_empty()).cloned();
    let last_result = match field(6).and_then(|code| code.parse().ok()) {
        None => LastResult::Unknown,
        Some(NEVER_RAN) => LastResult::Never,
        Some(RUNNING) => LastResult::Running,
        Some(TERMINATED) => {
            LastResult::Ended("stopped by a person or at the time limit".to_owned())
        }
        Some(code) => LastResult::Exit(code),
    };
    // Every trigger and the settings have one of these.
    let is_off = xml
        .to_ascii_lowercase()
        .contains("<enabled>false</enabled>");
    let has_password = ["Password", "InteractiveTokenOrPassword"]
        .iter()
        .any(|logon| xml.contains(&format!("<LogonType>{logon}</LogonType>")));
    let has_run = last_result != LastResult::Never;
    Ok(Some(ScheduledTask {
        scheduler: Scheduler::TaskScheduler,
        try_now: Some(format!("schtasks /Run /TN \"{task}\"")),
        task,
        mode: name.mode,
        next_run: field(2).filter(|_| !is_off),
        last_run: field(5).filter(|_| has_run),
        last_result,
        has_password,
        problem: is_off.then(|| "the task is disabled".to_owned()),
    }))
}

/// The fields of a line of comma-separated values, all of them in quotes.
fn fields(line: &str) -> Vec<String> {
    let inside = line
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.map_or_else(Vec::new, |inside| {
        inside
            .split("\",\"")
            .map(|field| field.replace("\"\"", "\""))
            .collect()
    })
}

pub fn remove(tool: &SchedulerTool<'_>, name: &TaskName) -> Result<Option<String>, SchedulerError> {
    let task = name.task();
    let (0, _) = tool.run("schtasks", &["/Query", "/TN", &task, "/XML"])? else {
        return Ok(None);
    };
    tool.must("schtasks", &["/Delete", "/TN", &task, "/F"])?;
    Ok(Some(format!("the task '{task}'")))
}

pub fn pause(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    is_paused: bool,
) -> Result<(), SchedulerError> {
    let switch = if is_paused { "/DISABLE" } else { "/ENABLE" };
    tool.must("schtasks", &["/Change", "/TN", &name.task(), switch])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_line() {
        let line = r#""PC","\AAM Auto Backup\nightly","25.11.2026 00:30:00","Ready","Interactive/Background","N/A","0","AAM, Inc","""C:\a b\x.exe"" run""#;
        let row = fields(line);
        assert_eq!(
            (row.len(), row[2].as_str(), row[6].as_str()),
            (9, "25.11.2026 00:30:00", "0")
        );
        assert_eq!(fields("INFO: nothing"), Vec::<String>::new());
    }
}
