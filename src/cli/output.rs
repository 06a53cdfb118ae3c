//! Writing results to stdout and everything else to stderr, without a panic when a pipe is closed.

use std::fmt::Display;
use std::io::{self, BufRead, Write};

use super::{Exit, color, exact};
use crate::model::text::{harmless, harmless_json};
use crate::run::session::Ended;

/// Writes the report of a run or a restore, and where its log is.
pub fn ended(ended: &Ended) -> Exit {
    let log = ended.log.as_ref();
    let log = log.map_or_else(String::new, |log| format!("Log: {}\n", log.display()));
    let (title, text) = (&ended.report.title, ended.report.results());
    result(format_args!("{title}\n{text}\n{log}"));
    Exit::of(ended.outcome)
}

/// Writes a result. A reader that closes the pipe early (`| head`) is not a failure.
pub fn result(text: impl Display) -> Exit {
    let mut out = io::stdout().lock();
    let text = text.to_string();
    match write!(out, "{}", harmless(&text)).and_then(|()| out.flush()) {
        Ok(()) => Exit::Success,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            note(format_args!(
                "error: the result cannot be written: {error}\n"
            ));
            Exit::Failed
        }
    }
}

/// Writes a result for programs.
pub fn json(value: &impl serde::Serialize) -> Exit {
    written(exact::to_value(value).map(|value| format!("{value:#}\n")))
}

/// Writes a result for programs in one line, for commands that have several.
pub fn json_line(value: &impl serde::Serialize) -> Exit {
    written(exact::to_value(value).map(|value| format!("{value}\n")))
}

fn written(text: serde_json::Result<String>) -> Exit {
    match text {
        Ok(text) => result(harmless_json(&text)),
        Err(error) => {
            note(format_args!(
                "error: the result cannot be written: {error}\n"
            ));
            Exit::Failed
        }
    }
}

/// Keeps the window open until somebody has read what is in it.
pub fn wait_to_close() {
    note("Press Enter to close. ");
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// Writes something for a person. A closed standard error is ignored.
pub fn note(text: impl Display) {
    let text = text.to_string();
    let _ = write!(io::stderr().lock(), "{}", color::shown(&harmless(&text)));
}
