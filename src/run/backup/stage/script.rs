//! Running the rendered script, and what its exit codes mean.

use std::path::Path;

use super::outlet::{ArchiveStream, Outlet};
use super::{StageError, watch};
use crate::adapters::closed_view::in_root;
use crate::adapters::process::{Invocation, ToolError};
use crate::adapters::seven_zip::{self, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Work};
use crate::model::path::{Family, FullPath};
use crate::model::secret::Secret;
use crate::model::text::exit_code;
use crate::plan::backup::StageOrder;
use crate::render::robocopy::CopyCommand;
use crate::render::{StageFiles, script};

/// Exit codes, as the script wrote them: tool and code, in order. A tool that was not reached has
/// none.
pub(super) type ToolCodes = Vec<(String, i32)>;

/// In place of a tool: nobody took the archive, so the archiver was stopped.
const NOT_TAKEN: &str = "not-taken";

/// Whether somebody took what the archiver made.
pub(super) fn was_taken(status: &ToolCodes) -> bool {
    status.iter().all(|(tool, _)| tool != NOT_TAKEN)
}

/// What the tools are about to read, for a progress display.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToolBytes {
    pub mirror: u64,
    pub archive: u64,
}

impl ToolBytes {
    /// The progress that a line of a tool shows: rsync (`1,234  12%  …`) or 7-Zip.
    fn progress(self, line: &str) -> Option<Event> {
        let (work, percent, of) = match seven_zip::percent(line) {
            Some(percent) => (Work::Archiving, percent, self.archive),
            None => {
                let mut words = line.split_whitespace();
                let is_count = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || b == b',');
                words.next().filter(|word| is_count(word))?;
                let percent = seven_zip::percent_in(words.next()?)?;
                (Work::Mirroring, percent, self.mirror)
            }
        };
        Some(Event::Progress {
            work,
            percent: Some(percent),
            of: Some(of),
        })
    }
}

/// What runs the script.
fn shell(order: &StageOrder, script: &Path) -> (&'static str, Invocation) {
    let (tool, call) = match order.mount.path.family() {
        Family::Unix => ("sh", Invocation::new("/bin/sh").arg(script)),
        // The standard library starts a batch file by cmd, with its name quoted as cmd wants it.
        Family::Windows => ("cmd", Invocation::new(script)),
    };
    (tool, call.rewriting())
}

fn announce(order: &StageOrder, tool: &str, files: &StageFiles, events: &Events<'_>) {
    events.emit(Event::ToolStarted {
        tool: tool.to_owned(),
        command: files.script.to_string(),
    });
    events.emit(Event::Progress {
        work: match order.mirror.is_some() {
            true => Work::Mirroring,
            false => Work::Archiving,
        },
        percent: None,
        of: None,
    });
}

/// Writes the script and runs it. The key goes to its standard input, which 7-Zip inherits.
pub(super) fn run(
    order: &StageOrder,
    copies: &[CopyCommand],
    bytes: ToolBytes,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<ToolCodes, StageError> {
    let files = StageFiles::of(order);
    let path = files.script.to_native();
    std::fs::write(&path, script(order, copies)?).map_err(StageError::io("writing", &path))?;
    let status = files.status.to_native();
    std::fs::write(&status, "").map_err(StageError::io("writing", &status))?;
    let (tool, call) = shell(order, &path);
    announce(order, tool, &files, events);
    let (code, was_taken) = match execute(order, (tool, &call), bytes, key, outlet, cancel, events)
    {
        Err(StageError::NotTaken) => (None, false),
        code => (code?, true),
    };
    if let Some(code) = code.filter(|code| *code != 0) {
        let text = match code {
            10 => format!(
                "the mount '{}' cannot be entered at '{}'",
                order.mount.path, order.shown_at
            ),
            _ => format!(
                "the script '{}' ended with {}",
                files.script,
                exit_code(code)
            ),
        };
        events.fail(Section::Tools, text, None);
    }
    let text = std::fs::read_to_string(&status).map_err(StageError::io("reading", &status))?;
    let codes = text
        .lines()
        .filter_map(|line| line.trim_end().rsplit_once(' '))
        .filter_map(|(tool, code)| Some((tool.to_owned(), code.parse().ok()?)));
    let refused = (!was_taken).then(|| (NOT_TAKEN.to_owned(), 1));
    Ok(codes.chain(refused).collect())
}

/// Runs the script to its end, and hands an archive on its standard output on. `None`: it waited for
/// a pipe, and was stopped.
fn execute(
    order: &StageOrder,
    (tool, call): (&str, &Invocation),
    bytes: ToolBytes,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Option<i32>, StageError> {
    let (files, work) = (StageFiles::of(order), order.work.to_native());
    let mut stream = match order.is_streamed() {
        true => Some(ArchiveStream::begin(order, &files, outlet)?),
        false => None,
    };
    let flow = watch::Flow::default();
    let run = |cancel: &Cancel| {
        let mut line = |line: &str| {
            if !line.trim().is_empty() {
                events.emit(bytes.progress(line).unwrap_or_else(|| Event::ToolOutput {
                    tool: tool.to_owned(),
                    line: line.to_owned(),
                }));
            }
        };
        let run = || match &mut stream {
            None => call.run(key, cancel, &mut line),
            Some(stream) => {
                let mut take = |bytes: &[u8]| {
                    if !flow.pass(bytes.len(), || stream.take(bytes, &work)) {
                        cancel.set();
                    }
                };
                call.run_for_output(key, cancel, &mut take, &mut line)
            }
        };
        in_root(order.tools_root.as_deref(), run).map_err(|why| ToolError::Start {
            program: tool.to_owned(),
            why,
        })?
    };
    let code = watch::watched(order, &files, &flow, cancel, run);
    if cancel.is_set() {
        return Err(StageError::Interrupted);
    }
    // Why nobody took the archive comes before how the script ended.
    stream.map_or(Ok(()), |stream| stream.end(&files))?;
    code
}

/// Whether the mirror was copied as far as it could be. Single files that could not are found by
/// the verification.
pub(super) fn copier_finished(status: &ToolCodes, order: &StageOrder, events: &Events<'_>) -> bool {
    let (tool, meaning): (_, fn(i32) -> Meaning) = match order.mount.path.family() {
        Family::Unix => ("rsync", rsync_meaning),
        Family::Windows => ("Robocopy", robocopy_meaning),
    };
    let codes: Vec<i32> = status
        .iter()
        .filter(|(name, _)| name == "mirror")
        .map(|(_, code)| *code)
        .collect();
    if codes.is_empty() {
        events.fail(
            Section::Tools,
            format!("the mirror was not copied: {tool} was not run"),
            None,
        );
        return false;
    }
    let mut all_ok = true;
    for code in codes {
        let (meaning, ok) = meaning(code);
        events.emit(Event::ToolEnded {
            tool: tool.to_owned(),
            code,
            meaning: meaning.to_owned(),
        });
        if !ok {
            let mirror = order.mirror.as_ref().map(|mirror| &mirror.mirror);
            let full = mirror.filter(|mirror| is_full(mirror));
            events.fail(
                Section::Tools,
                format!(
                    "the mirror was not copied: {meaning} ({tool}: {})",
                    exit_code(code)
                ),
                Some(full.map_or_else(
                    || format!("see the output of {tool} in the log"),
                    |mirror| format!("the disk of '{mirror}' is full: free some space"),
                )),
            );
        }
        all_ok &= ok;
    }
    all_ok
}

/// Whether the copier had no trouble with any file. rsync: where it had, a copy of the same size
/// and time may have another content.
pub(super) fn copier_was_clean(status: &ToolCodes) -> bool {
    status
        .iter()
        .all(|(name, code)| name != "mirror" || *code == 0)
}

/// What an exit code means, and whether the verification can follow.
type Meaning = (&'static str, bool);

/// rsync's exit codes, by its manual.
fn rsync_meaning(code: i32) -> Meaning {
    match code {
        0 => ("rsync finished", true),
        23 => (
            "some files could not be copied; the verification names them",
            true,
        ),
        24 => ("some files vanished while rsync copied", true),
        10..=14 | 30 | 35 => ("rsync could not read or write", false),
        20 => ("rsync was interrupted", false),
        127 => ("rsync was not found", false),
        _ => ("rsync failed", false),
    }
}

/// Robocopy's exit code is a set of bits; 8 and above is failure.
fn robocopy_meaning(code: i32) -> Meaning {
    match code {
        0 => ("Robocopy had nothing to copy", true),
        1 => ("Robocopy copied files", true),
        2..=3 => (
            "Robocopy finished; the mirror holds more than the source",
            true,
        ),
        4..=7 => (
            "Robocopy found files where directories should be, or the other way round",
            true,
        ),
        8..=15 => (
            "some files or directories could not be copied; the verification names them",
            true,
        ),
        16..=31 => (
            "Robocopy did not copy anything: a wrong command line or no access",
            false,
        ),
        9009 => ("Robocopy was not found", false),
        _ => ("Robocopy ended in an unknown way", false),
    }
}

/// How 7-Zip ended, if it did.
pub(super) fn archive_exit(status: &ToolCodes) -> Option<SevenZipExit> {
    let (_, code) = status.iter().find(|(name, _)| name == "archive")?;
    Some(SevenZipExit::of(*code))
}

/// Whether 7-Zip made an archive that can be looked at.
pub(super) fn archiver_finished(
    status: &ToolCodes,
    order: &StageOrder,
    events: &Events<'_>,
) -> bool {
    let Some((_, code)) = status.iter().find(|(name, _)| name == "archive") else {
        events.fail(
            Section::Tools,
            "no archive was made: 7-Zip was not run",
            None,
        );
        return false;
    };
    let code = *code;
    let exit = SevenZipExit::of(code);
    events.emit(Event::ToolEnded {
        tool: "7-Zip".to_owned(),
        code,
        meaning: exit.to_string(),
    });
    if matches!(exit, SevenZipExit::Ok | SevenZipExit::Warning) {
        return true;
    }
    let hint = if is_full(&order.work) {
        format!(
            "the disk of '{}' is full: free some space, or set archive.work-directory to another",
            order.work
        )
    } else {
        "see the output of 7-Zip in the log".to_owned()
    };
    events.fail(
        Section::Tools,
        format!("no archive of '{}' was made: {exit}", order.mount.path),
        Some(hint),
    );
    false
}

/// Whether a tool that failed had no space left: it may have removed what did not fit.
fn is_full(place: &FullPath) -> bool {
    fs4::available_space(place.to_native()).is_ok_and(|free| free < 64 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_progress_are_told_from_others() {
        let bytes = ToolBytes {
            mirror: 10,
            archive: 20,
        };
        let shown = |work, percent, of| {
            Some(Event::Progress {
                work,
                percent: Some(percent),
                of: Some(of),
            })
        };
        for (line, expected) in [
            (" 12% 3 + letter.txt", shown(Work::Archiving, 12, 20)),
            ("  0M Scan", shown(Work::Archiving, 0, 20)),
            (
                "    339,509,248  56%  323.75MB/s    0:00:00  ",
                shown(Work::Mirroring, 56, 10),
            ),
            ("Creating archive: 50%.zip", None),
            ("Scanning the drive:", None),
            ("Number of files: 1 (reg: 1)", None),
            ("1 file, 300000000 bytes (287 MiB)", None),
            ("WARNING: 50% of it", None),
            ("150%", None),
        ] {
            assert_eq!(bytes.progress(line), expected, "{line}");
        }
    }
}
