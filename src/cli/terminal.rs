//! The terminal: events as lines on standard error. If that is the journal of systemd, every line
//! has its priority.

use std::io::{BufRead, IsTerminal, Write};

use super::color;
use super::progress::LiveLine;
use crate::model::event::{Event, Outcome, Severity, Sink};
use crate::model::text::{describe, harmless};

/// Asks a question on the terminal. Without a terminal, the answer is no.
pub fn confirm(question: &str) -> bool {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    super::output::note(format_args!("{question} [y/N] "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Reads events for a person at a terminal. What tools print stays in the log, unless asked for.
#[derive(Debug)]
pub struct Terminal {
    /// Only problems.
    quiet: bool,
    /// Also show the output of tools and the digest of every object.
    verbose: bool,
    /// A report on standard output follows: what it begins with need not be said here too.
    report_follows: bool,
    journal: bool,
    progress: LiveLine,
}

impl Terminal {
    /// Standard error, even if it is not a terminal.
    pub fn new(verbose: bool, report_follows: bool) -> Terminal {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Terminal {
            quiet: false,
            verbose,
            report_follows,
            journal: is_journal(),
            progress: LiveLine::new(std::io::stderr().is_terminal() && !dumb),
        }
    }

    /// Standard error with nothing but problems on it, if `quiet`.
    pub fn quiet(mut self, quiet: bool) -> Terminal {
        self.quiet = quiet;
        self
    }

    fn print(&self, text: &str, priority: u8) {
        let mut text = harmless(text).into_owned();
        if self.journal {
            let lines = text.lines().map(|line| format!("<{priority}>{line}"));
            text = lines.collect::<Vec<_>>().join("\n");
        } else {
            text = color::shown(&text).into_owned();
        }
        // A closed terminal must not stop a backup.
        self.progress.above(|| {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }
}

impl Sink for Terminal {
    fn emit(&self, event: &Event) {
        if self.quiet && event.severity().is_none() {
            return;
        }
        if let Some(line) = (!self.quiet).then(|| self.progress.follow(event)).flatten() {
            self.print(&line, priority(event));
        }
        let is_live_too = matches!(event, Event::Uploading { .. } | Event::Downloading { .. })
            && self.progress.is_live();
        let detail = matches!(
            event,
            Event::ToolOutput { .. }
                | Event::ToolStarted { .. }
                | Event::Uploaded { .. }
                | Event::Destination { .. }
                | Event::Ignored { severity: None, .. }
                | Event::Detail { .. }
        ) || is_live_too;
        // The journal is asked for the runs that failed.
        let repeated =
            self.report_follows && !self.journal && matches!(event, Event::Finished { .. });
        if repeated || (detail && !self.verbose) {
            return;
        }
        if let Some(text) = describe(event) {
            self.print(&text, priority(event));
        }
    }
}

/// As syslog and sd-daemon(3) number them: 3 error, 4 warning, 6 information.
fn priority(event: &Event) -> u8 {
    match (event, event.severity()) {
        (_, Some(Severity::Error)) => 3,
        (_, Some(Severity::Warning)) => 4,
        (Event::Finished { outcome, .. }, _) if outcome.is_failure() => 3,
        (
            Event::Finished {
                outcome: Outcome::Warning,
                ..
            },
            _,
        ) => 4,
        _ => 6,
    }
}

/// Whether standard error goes to the journal: systemd names its device and inode
/// (systemd.exec(5)). A program that writes elsewhere inherits the variable too.
#[cfg(unix)]
pub fn is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(std::io::stderr())
        .is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Other systems have no journal.
#[cfg(not(unix))]
pub fn is_journal() -> bool {
    false
}
