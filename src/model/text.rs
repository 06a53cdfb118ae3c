//! Events as lines for people: the one wording that terminal and log share.

use std::borrow::Cow;

use chrono::{DateTime, Local, Utc};

use crate::model::event::{Event, Severity};

/// The line of an event. `None` for what is only a progress display.
pub fn describe(event: &Event) -> Option<String> {
    Some(match event {
        Event::Note { text, .. } | Event::Detail { text, .. } => text.clone(),
        Event::Problem {
            severity,
            text,
            hint,
            ..
        } => match hint {
            Some(hint) => format!("{}: {text}\n  hint: {hint}", word(*severity)),
            None => format!("{}: {text}", word(*severity)),
        },
        Event::Ignored {
            path,
            why,
            severity,
        } => match severity {
            None => format!("ignored '{path}': {why}"),
            Some(severity) => format!("{}: '{path}' is not backed up: {why}", word(*severity)),
        },
        Event::ToolStarted { command, .. } => format!("running {command}"),
        Event::ToolOutput { tool, line } => format!("  {tool}: {line}"),
        Event::ToolEnded {
            tool,
            code,
            meaning,
        } => {
            let tool = match meaning.contains(tool.as_str()) {
                true => String::new(),
                false => format!("{tool}: "),
            };
            format!("{tool}{meaning} ({})", exit_code(*code))
        }
        Event::Mounted {
            mount,
            files,
            directories,
            bytes,
            archived_files,
            archived_bytes,
        } => format!(
            "{mount}: {}, {}, {}; archived: {}, {}",
            count(*files, "file"),
            count(*directories, "directory"),
            size(*bytes),
            count(*archived_files, "file"),
            size(*archived_bytes)
        ),
        Event::Deleted { path } => format!("deleted from the mirror: {path}"),
        Event::Difference { path, what } => format!("error: the mirror differs: {path}: {what}"),
        Event::Finished { text, .. } => text.clone(),
        _ => return transfer(event),
    })
}

/// The line of an event about objects and what happens to them.
fn transfer(event: &Event) -> Option<String> {
    Some(match event {
        Event::Uploading {
            store,
            key,
            size: bytes,
        } => {
            let bytes = bytes.map_or_else(|| "while it is made".to_owned(), size);
            format!("uploading to {store}: {key} ({bytes})")
        }
        Event::Uploaded { key, sha256, .. } => format!("uploaded {key}, sha256 {sha256}"),
        Event::Destination {
            name,
            complete: true,
        } => format!("{name}: has all of this backup"),
        Event::Downloading {
            store,
            key,
            from,
            size: bytes,
        } => {
            let from = from
                .map(|byte| format!(" from byte {byte}"))
                .unwrap_or_default();
            format!("downloading from {store}: {key}{from} ({})", size(*bytes))
        }
        Event::Extracting { mount, stamp, to } => {
            format!("extracting {mount} as of {stamp} to {to}")
        }
        _ => return None,
    })
}

/// An exit code in words. Windows ends a program that crashed with a status, whose bits mean nothing
/// as those of an exit code.
pub fn exit_code(code: i32) -> String {
    let status = code.cast_unsigned();
    if status < 0xC000_0000 {
        return format!("exit code {code}");
    }
    let what = match status {
        0xC000_0005 => ", it crashed: access violation",
        0xC000_0017 => ", out of memory",
        0xC000_007B | 0xC000_0135 | 0xC000_0139 | 0xC000_0142 => {
            ", it could not start: a DLL is missing or does not fit"
        }
        0xC000_00FD | 0xC000_0374 | 0xC000_0409 => ", it crashed",
        0xC000_013A => ", interrupted by Ctrl-C or a closed window",
        _ => "",
    };
    format!("exit code 0x{status:08x}{what}")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A text from elsewhere without what a terminal would act on: control characters, and marks that
/// change the direction of the text after them. Line breaks and tabs stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !matches!(c, '\n' | '\t') && is_active(c))
}

/// As [`harmless`], for what must stay on its line, such as a file name: a line break in it would
/// begin a line that looks like one of ours.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_active)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| match is_escaped(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// A text as the value of a label of Prometheus.
pub fn metric_label(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// JSON with what [`harmless`] removes written as JSON escapes: outside of its strings it has none
/// of that.
pub fn harmless_json(text: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| c != '\n' && is_active(c);
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| match is_escaped(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Control characters, line and paragraph separators, and the marks of bidirectional text.
fn is_active(c: char) -> bool {
    let marks = ['\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{61c}'];
    c.is_control()
        || marks.contains(&c)
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 file`, `2 files`, `3 directories`.
pub fn count(n: u64, what: &str) -> String {
    match (n, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        _ => format!("{n} {what}s"),
    }
}

/// A moment for people: `2026-11-27 09:11:19 +01:00`, by the clock of this computer.
pub fn local_time(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&Local);
    local.format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Bytes for people: `4.0 GB`, in powers of 1000 as disks and bills count.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return count(bytes, "byte");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Seconds for people, by the two largest units: `4 days 16 h`, `2 h 10 min`, `7 s`.
pub fn duration(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let (large, small) = match seconds {
        DAY.. => (count(seconds / DAY, "day"), (seconds % DAY / HOUR, "h")),
        HOUR.. => (
            format!("{} h", seconds / HOUR),
            (seconds % HOUR / MINUTE, "min"),
        ),
        MINUTE.. => (format!("{} min", seconds / MINUTE), (seconds % MINUTE, "s")),
        _ => (format!("{seconds} s"), (0, "")),
    };
    match small {
        (0, _) => large,
        (n, unit) => format!("{large} {n} {unit}"),
    }
}

/// A table with its columns one below the other.
pub fn aligned<const N: usize>(table: &[[String; N]]) -> String {
    let width = |column: usize| {
        table
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, w)| format!("{cell:<w$}", w = *w))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{count, harmless, harmless_json, one_line, size};

    #[test]
    fn nothing_in_a_text_moves_the_cursor_or_turns_the_line() {
        for (text, shown, on_one_line) in [
            ("plain Übung", "plain Übung", "plain Übung"),
            ("a\tb\nc", "a\tb\nc", r"a\tb\nc"),
            ("\u{1b}[2J", r"\u{1b}[2J", r"\u{1b}[2J"),
            ("a\rSUCCESS", r"a\rSUCCESS", r"a\rSUCCESS"),
            ("\u{9b}31m\u{7f}", r"\u{9b}31m\u{7f}", r"\u{9b}31m\u{7f}"),
            ("cod\u{202e}exe", r"cod\u{202e}exe", r"cod\u{202e}exe"),
            (
                "\u{2066}x\u{2028}",
                r"\u{2066}x\u{2028}",
                r"\u{2066}x\u{2028}",
            ),
        ] {
            assert_eq!(harmless(text), shown);
            let json = serde_json::to_string(text).unwrap();
            let safe = harmless_json(&json);
            assert_eq!(harmless(&safe), safe);
            assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
            assert_eq!(one_line(text), on_one_line);
        }
    }

    #[test]
    fn counts() {
        for (n, what, shown) in [
            (1, "file", "1 file"),
            (0, "file", "0 files"),
            (2, "directory", "2 directories"),
            (2, "key", "2 keys"),
        ] {
            assert_eq!(count(n, what), shown);
        }
    }

    #[test]
    fn sizes() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_960, "1.0 MB"),
            (4_000_000_000, "4.0 GB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
