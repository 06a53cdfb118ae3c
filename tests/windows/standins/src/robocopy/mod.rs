//! Robocopy, as far as the transcripts and its documentation tell. In question of text it is the
//! one of Windows 7.

mod copy;
mod entries;
mod exact;
mod header;
mod options;
mod pattern;
mod tally;

use crate::console;
use copy::Copy;
use options::{Options, Refusal};

/// Nothing was copied: a wrong command line, or no access to the source.
const FATAL: i32 = 16;

/// Runs it and returns the exit code: a set of bits, 1 copied, 2 extras, 4 mismatched, 8 failed, 16
/// nothing done.
pub fn run(arguments: &[String]) -> i32 {
    wait_at_gate(arguments);
    if std::env::var_os(CRASH_VARIABLE).is_some() {
        crate::system::crash();
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(refused) => return refuse(&refused.0, &refused.1),
    };
    header::print(&options, true);
    let Some(source) = options.source.as_deref() else {
        return FATAL;
    };
    let used = exact::used(source);
    // Of a root, the separator is a part.
    let place = used.strip_suffix('\\').filter(|it| !it.ends_with(':'));
    let place = place.unwrap_or(&used);
    if let Err(error) = std::fs::metadata(place).and_then(|_| std::fs::read_dir(&used)) {
        copy::print_error(&error, "Accessing Source Directory", source);
        return FATAL;
    }
    let Some(copy) = Copy::new(&options).run() else {
        return FATAL;
    };
    copy.print_summary();
    copy.exit_code()
}

/// It crashes before it copies anything.
const CRASH_VARIABLE: &str = "AAM_STANDIN_CRASH";

/// `TEXT|REACHED|OPENED`: with the text in an argument the first file is made, and nothing happens
/// until the second is there. A test can then do what it likes in the middle of a backup.
const GATE_VARIABLE: &str = "AAM_STANDIN_GATE";

fn wait_at_gate(arguments: &[String]) {
    let Ok(gate) = std::env::var(GATE_VARIABLE) else {
        return;
    };
    let [text, reached, opened] = gate.split('|').collect::<Vec<_>>()[..] else {
        return;
    };
    if arguments.iter().any(|argument| argument.contains(text))
        && std::fs::write(reached, "").is_ok()
    {
        while !std::path::Path::new(opened).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

fn refuse(options: &Options, refusal: &Refusal) -> i32 {
    if let Refusal::Unable(what) = refusal {
        console::line(&format!("stand-in for Robocopy: {what} is not implemented"));
        return FATAL;
    }
    header::print(options, matches!(refusal, Refusal::Missing(_)));
    header::print_usage(refusal);
    FATAL
}
