//! cron: lines between two marks in the crontab of this account. All other lines stay as they are.

use std::path::Path;

use super::{LastResult, ScheduledTask, SchedulerError, SchedulerTool};
use crate::render::schedule::{Rendered, Scheduler, TaskName, next};

/// The crontab; empty if it does not exist.
fn read(tool: &SchedulerTool<'_>) -> Result<String, SchedulerError> {
    match tool.run("crontab", &["-l"])? {
        (0, text) => Ok(text),
        // What it says of a missing one is the same in no two crons, but it begins with "no
        // crontab".
        (_, output) if output.contains("no crontab") || output.trim().is_empty() => {
            Ok(String::new())
        }
        (code, output) => {
            let output = output.trim().replace('\n', " ");
            Err(SchedulerError::Refused {
                command: "crontab -l".to_owned(),
                code,
                output,
            })
        }
    }
}

fn write(tool: &SchedulerTool<'_>, text: &str) -> Result<(), SchedulerError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |why| SchedulerError::File {
            doing: "written",
            path,
            why,
        }
    };
    let file = tempfile::NamedTempFile::new().map_err(failed(&std::env::temp_dir()))?;
    std::fs::write(file.path(), text).map_err(failed(file.path()))?;
    tool.must("crontab", &[&file.path().display().to_string()])
        .map(drop)
}

/// The text without the lines between the marks, and what stood there.
fn split(text: &str, name: &TaskName) -> Result<(String, Option<String>), SchedulerError> {
    let [begin, end] = name.marks();
    let at = |mark: &str| {
        text.split_inclusive('\n')
            .position(|line| line.trim_end() == mark)
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    match (at(&begin), at(&end)) {
        (None, None) => Ok((text.to_owned(), None)),
        (Some(begin), Some(end)) if begin < end => {
            let rest = [&lines[..begin], &lines[end + 1..]].concat().concat();
            Ok((rest, Some(lines[begin + 1..end].concat())))
        }
        _ => {
            let text = format!(
                "the crontab has one of these two lines only: '{begin}' and '{end}'; remove it by hand"
            );
            Err(SchedulerError::Broken(text))
        }
    }
}

pub fn install(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    files: &[Rendered],
) -> Result<(), SchedulerError> {
    let (mut text, _) = split(&read(tool)?, name)?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    files.iter().for_each(|file| text.push_str(&file.text));
    write(tool, &text)
}

pub fn find(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
) -> Result<Option<ScheduledTask>, SchedulerError> {
    // No crontab command: no crontab.
    if crate::adapters::process::locate(Some("crontab"), &[], "").is_err() {
        return Ok(None);
    }
    let (_, Some(lines)) = split(&read(tool)?, name)? else {
        return Ok(None);
    };
    let is_on = lines
        .lines()
        .any(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    let problem = match () {
        () if !is_on => Some("its line is commented out"),
        // Debian, Fedora, Alpine, the BSDs.
        () if ![
            "/run/crond.pid",
            "/run/crond/crond.pid",
            "/var/run/cron.pid",
        ]
        .iter()
        .any(|p| Path::new(p).exists()) =>
        {
            Some("no cron seems to run on this computer (it has no process file in /run)")
        }
        () => None,
    };
    Ok(Some(ScheduledTask {
        scheduler: Scheduler::Cron,
        task: format!("{} in the crontab of this account", name.unit()),
        mode: name.mode,
        next_run: next_run(&lines, chrono::Local::now().naive_local()).filter(|_| is_on),
        last_run: None,
        last_result: LastResult::Unknown,
        problem: problem.map(str::to_owned),
        has_password: true,
        try_now: None,
    }))
}

/// When the first of the lines that [`install`] wrote runs next.
fn next_run(lines: &str, now: chrono::NaiveDateTime) -> Option<String> {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().take(5).collect();
        let [minute, hour, "*", "*", weekday] = fields[..] else {
            return None;
        };
        let number = |field: &str| field.parse::<u32>().ok();
        next(number(minute)?, number(hour), number(weekday), now)
    };
    let time = lines.lines().filter_map(of_line).min()?;
    Some(time.format("%a %Y-%m-%d %H:%M").to_string())
}

pub fn remove(tool: &SchedulerTool<'_>, name: &TaskName) -> Result<Option<String>, SchedulerError> {
    if crate::adapters::process::locate(Some("crontab"), &[], "").is_err() {
        return Ok(None);
    }
    let (rest, Some(_)) = split(&read(tool)?, name)? else {
        return Ok(None);
    };
    match rest.is_empty() {
        true => drop(tool.must("crontab", &["-r"])?),
        false => write(tool, &rest)?,
    }
    Ok(Some(format!(
        "{} from the crontab of this account",
        name.unit()
    )))
}

/// What stands before the line of a task that is paused.
const PAUSED: &str = "# paused: ";

pub fn pause(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    is_paused: bool,
) -> Result<(), SchedulerError> {
    write(tool, &with_pause(&read(tool)?, name, is_paused))
}

/// The text with our lines commented out, or not.
fn with_pause(text: &str, name: &TaskName, is_paused: bool) -> String {
    let [begin, end] = name.marks();
    let mut inside = false;
    let line = |line: &str| {
        inside = (inside || line.trim_end() == begin) && line.trim_end() != end;
        let command = line.strip_prefix(PAUSED).unwrap_or(line);
        match inside && line.trim_end() != begin {
            true if is_paused && !command.starts_with('#') => format!("{PAUSED}{command}"),
            true => command.to_owned(),
            false => line.to_owned(),
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::backup::Mode;

    #[test]
    fn only_lines_between_the_marks_are_ours() {
        let name = TaskName {
            profile: "nightly".to_owned(),
            mode: Mode::Regular,
        };
        let [begin, end] = name.marks();
        let text = format!("# mine\n1 2 * * * x\n{begin}\n30 0 * * * y\n{end}\nMAILTO=z");
        let (rest, ours) = split(&text, &name).unwrap();
        assert_eq!(
            (rest.as_str(), ours.as_deref()),
            ("# mine\n1 2 * * * x\nMAILTO=z", Some("30 0 * * * y\n"))
        );
        let other = TaskName {
            mode: Mode::IncrementalOnly,
            ..name.clone()
        };
        assert_eq!(split(&text, &other).unwrap(), (text.clone(), None));
        for half in [
            format!("{begin}\nx\n"),
            format!("x\n{end}\n"),
            format!("{end}\n{begin}\n"),
        ] {
            assert!(split(&half, &name).is_err(), "{half}");
        }
    }

    #[test]
    fn only_our_lines_are_paused() {
        let name = TaskName {
            profile: "nightly".to_owned(),
            mode: Mode::Regular,
        };
        let [begin, end] = name.marks();
        let text = format!("1 2 * * * x\n{begin}\n30 0 * * * y\n{end}\n# paused: z\n");
        let paused = text.replace("30 0", "# paused: 30 0");
        assert_eq!(with_pause(&text, &name, true), paused);
        assert_eq!(with_pause(&paused, &name, true), paused);
        assert_eq!(with_pause(&paused, &name, false), text);
    }

    #[test]
    fn next_runs() {
        // A Tuesday.
        let now = "2026-11-24T19:08:30".parse().unwrap();
        for (line, expected) in [
            ("30 0 * * *", Some("Wed 2026-11-25 00:30")),
            ("8 19 * * *", Some("Wed 2026-11-25 19:08")),
            ("9 * * * *", Some("Tue 2026-11-24 19:09")),
            ("8 * * * *", Some("Tue 2026-11-24 20:08")),
            ("30 0 * * 2", Some("Tue 2026-12-01 00:30")),
            ("30 0 * * 0", Some("Sun 2026-11-29 00:30")),
            ("@reboot x", None),
            (
                "30 0 * * * x\n45 21 * * * x\n0 22 * * * x\n",
                Some("Tue 2026-11-24 21:45"),
            ),
        ] {
            assert_eq!(next_run(line, now).as_deref(), expected, "{line}");
        }
    }
}
