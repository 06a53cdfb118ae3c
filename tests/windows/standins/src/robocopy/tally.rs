//! What was done, counted as Robocopy counts.

use super::header::{RULE, clock};
use crate::console;

/// One line of the summary.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    pub total: u64,
    pub copied: u64,
    pub skipped: u64,
    pub mismatch: u64,
    pub failed: u64,
    pub extras: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub directories: Row,
    pub files: Row,
    pub bytes: Row,
}

impl Tally {
    /// 1 copied, 2 extras, 4 mismatched, 8 failed.
    pub fn exit_code(&self) -> i32 {
        let any = |of: fn(&Row) -> u64| of(&self.directories) + of(&self.files) > 0;
        i32::from(any(|row| row.copied))
            | i32::from(any(|row| row.extras)) << 1
            | i32::from(any(|row| row.mismatch)) << 2
            | i32::from(any(|row| row.failed)) << 3
    }

    pub fn print(&self) {
        console::line("");
        console::line(RULE);
        console::line("");
        console::line("               Total    Copied   Skipped  Mismatch    FAILED    Extras");
        for (name, row, show) in [
            ("    Dirs :", self.directories, plain as fn(u64) -> String),
            ("   Files :", self.files, plain),
            ("   Bytes :", self.bytes, bytes),
        ] {
            let columns = [
                row.total,
                row.copied,
                row.skipped,
                row.mismatch,
                row.failed,
                row.extras,
            ];
            let columns: String = columns
                .into_iter()
                .map(|number| format!("{:>10}", show(number)))
                .collect();
            console::line(&format!("{name}{columns}"));
        }
        console::line("   Times :   0:00:00   0:00:00                       0:00:00   0:00:00");
        console::line("");
        if self.bytes.copied > 0 {
            console::line(&format!("   Speed :{:>20} Bytes/sec.", self.bytes.copied));
            console::line(&format!(
                "   Speed :{:>20.3} MegaBytes/min.",
                self.bytes.copied as f64 * 60.0 / 1_048_576.0
            ));
            console::line("");
        }
        console::line(&format!("   Ended : {}", clock()));
    }
}

fn plain(number: u64) -> String {
    number.to_string()
}

fn bytes(number: u64) -> String {
    scaled(number, 2)
}

/// A size in a list of files: `1.0 m` from one mebibyte on.
pub fn scaled(number: u64, digits: usize) -> String {
    const MEBI: f64 = 1_048_576.0;
    let size = number as f64;
    match size {
        _ if size >= MEBI * 1024.0 => format!("{:.digits$} g", size / MEBI / 1024.0),
        _ if size >= MEBI => format!("{:.digits$} m", size / MEBI),
        _ => number.to_string(),
    }
}
