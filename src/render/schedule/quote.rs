//! How each scheduler wants a text quoted. A text never holds control characters here.

use super::{ScheduleError, Scheduler};
use crate::render::sh_quoted;

/// Text or an attribute of XML.
pub fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The rest of a line of a unit, as `Description=` takes it: `%` begins a specifier
/// (systemd.unit(5)).
pub fn systemd_line(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of a unit, in quotes (systemd.syntax(7)).
pub fn systemd_word(text: &str) -> String {
    format!(
        "\"{}\"",
        systemd_line(text)
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
    )
}

/// One argument of a task, in quotes: no path of Windows holds a quote or ends in `\`.
///
/// # Errors
/// When Task Scheduler or cmd would read a part of it as a variable; neither has a way to quote it.
pub fn task_argument(text: &str) -> Result<String, ScheduleError> {
    let is_name = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_()".contains(c))
    };
    let parts: Vec<&str> = text.split('%').collect();
    let between = parts.get(1..parts.len() - 1).unwrap_or_default();
    let wrong = |why| {
        Err(ScheduleError::Text {
            scheduler: Scheduler::TaskScheduler,
            text: text.to_owned(),
            why,
        })
    };
    match () {
        () if between.iter().any(|part| is_name(part)) => {
            wrong("what is between two % would be taken for a variable")
        }
        () if text.contains("$(") => wrong("$( would be taken for a variable"),
        () if text.contains('"') => wrong("it holds a quote"),
        () if text.contains(char::is_whitespace) || text.contains(['\\', '/', '=']) => {
            Ok(format!("\"{text}\""))
        }
        () => Ok(text.to_owned()),
    }
}

/// The longest command that cron takes.
const LONGEST_COMMAND: usize = 998;

/// A line of a crontab. In its command `%` is a line break unless there is `\` before it.
///
/// # Errors
/// When cron cannot express the words.
pub fn cron_command(time: &str, words: &[String]) -> Result<String, ScheduleError> {
    let plain = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_=./:".contains(c))
    };
    let quoted = |word: &String| {
        if plain(word) {
            word.clone()
        } else {
            sh_quoted(word)
        }
    };
    let command = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let wrong = |why| {
        Err(ScheduleError::Text {
            scheduler: Scheduler::Cron,
            text: command.clone(),
            why,
        })
    };
    // Some take `\\` for one `\`, others for two.
    if command.contains("\\\\") || command.contains("\\%") {
        return wrong("implementations of cron disagree on what \\ before \\ or % means");
    }
    let escaped = command.replace('%', "\\%");
    if escaped.len() > LONGEST_COMMAND {
        return wrong("it is longer than the 998 characters that a command in a crontab may have");
    }
    Ok(format!("{time} {escaped}"))
}

/// The unit of systemd for what is mounted at a path, as `systemd-escape --path` names it.
pub(super) fn mount_unit(path: &str) -> String {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let byte = |(index, byte): (usize, u8)| match byte {
        b'/' => "-".to_owned(),
        b'.' if index > 0 => ".".to_owned(),
        b'_' | b':' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    let escaped: String = names.join("/").bytes().enumerate().map(byte).collect();
    match escaped.is_empty() {
        true => "-.mount".to_owned(),
        false => format!("{escaped}.mount"),
    }
}
