//! What Robocopy prints before it copies.

use std::time::SystemTime;

use super::options::{Options, Refusal};
use super::pattern::has_wildcard;
use crate::console;

pub const RULE: &str =
    "-------------------------------------------------------------------------------";

/// The banner and what was understood of the command line. When the command line was refused,
/// places have not been looked at, and show a hyphen.
pub fn print(options: &Options, accepted: bool) {
    if options.no_header {
        return;
    }
    let mark = |known: bool| if accepted && known { ":" } else { "-" };
    let place = |place: &Option<String>| place.clone().unwrap_or_default();
    console::line("");
    console::line(RULE);
    console::line(
        "   ROBOCOPY     ::     Robust File Copy for Windows                              ",
    );
    console::line(RULE);
    console::line("");
    console::line(&format!("  Started : {}", clock()));
    console::line("");
    console::line(&format!(
        "   Source {} {}",
        mark(options.source.is_some()),
        place(&options.source)
    ));
    console::line(&format!(
        "     Dest {} {}",
        mark(options.destination.is_some()),
        place(&options.destination)
    ));
    console::line("");
    let files = match (options.files.is_empty(), accepted) {
        (false, _) => options.files.join(" "),
        (true, true) => "*.*".to_owned(),
        (true, false) => String::new(),
    };
    console::line(&format!("    Files : {files}"));
    list("Exc Files", &options.without_files);
    list(" Exc Dirs", &options.without_directories);
    console::line("");
    console::line(&format!(
        "  Options : {}",
        [vec![files], words(options)]
            .concat()
            .join(" ")
            .trim_start()
    ));
    console::line("");
    if accepted && options.destination.is_some() {
        console::line(RULE);
        console::line("");
    }
}

/// What stands for one name comes before what stands for many.
fn list(title: &str, words: &[String]) {
    let (many, one): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| has_wildcard(word));
    for (i, word) in one.into_iter().chain(many).enumerate() {
        if i == 0 {
            console::line("");
            console::line(&format!("{title} : {word}"));
        } else {
            console::line(&format!("\t    {word}"));
        }
    }
}

fn words(options: &Options) -> Vec<String> {
    let mut words = Vec::new();
    for (given, word) in [
        (options.coarse_times, "/FFT"),
        (options.no_directory_list, "/NDL"),
        (options.no_file_list, "/NFL"),
        (options.subdirectories, "/S"),
        (options.empty_directories, "/E"),
    ] {
        if given {
            words.push(word.to_owned());
        }
    }
    if options.levels > 0 {
        words.push(format!("/LEV:{}", options.levels));
    }
    words.extend(
        options
            .copy_directories
            .iter()
            .map(|what| format!("/DCOPY:{what}")),
    );
    words.push(format!("/COPY:{}", options.copy));
    for (given, word) in [
        // Its place in the line is not known.
        (options.fix_security, "/SECFIX"),
        (options.no_progress, "/NP"),
        (options.without_junctions, "/XJ"),
    ] {
        if given {
            words.push(word.to_owned());
        }
    }
    words.push(format!("/R:{}", options.retries));
    words.push(format!("/W:{}", options.wait));
    words
}

/// What follows the header of a refused command line.
pub fn print_usage(refusal: &Refusal) {
    match refusal {
        Refusal::Invalid(place, word) => {
            console::line(&format!("ERROR : Invalid Parameter #{place} : \"{word}\""))
        }
        Refusal::Missing(what) => console::line(&format!("ERROR : No {what} Directory Specified.")),
        Refusal::Unable(_) => {}
    }
    for text in [
        "",
        "       Simple Usage :: ROBOCOPY source destination /MIR",
        "",
        "             source :: Source Directory (drive:\\path or \\\\server\\share\\path).",
        "        destination :: Destination Dir  (drive:\\path or \\\\server\\share\\path).",
        "               /MIR :: Mirror a complete directory tree.",
        "",
        "    For more usage information run ROBOCOPY /?",
        "",
        "",
        "****  /MIR can DELETE files as well as copy them !",
    ] {
        console::line(text);
    }
}

/// The time of day in UTC, as in `Sat Nov 28 16:30:29 2020`.
pub fn clock() -> String {
    let (days, time) = now();
    let week_day =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap_or(0)];
    let (year, month, day) = date(days);
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    format!(
        "{week_day} {} {day:02} {} {year}",
        months[month],
        clock_face(time)
    )
}

/// The same as in `2020/11/28 16:30:29`.
pub fn short_clock() -> String {
    let (days, time) = now();
    let (year, month, day) = date(days);
    format!("{year}/{:02}/{day:02} {}", month + 1, clock_face(time))
}

fn clock_face(seconds: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Days since 1970, and seconds of this day.
fn now() -> (u64, u64) {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    (seconds / 86400, seconds % 86400)
}

/// Year, month from 0, day from 1, of a day counted from 1970.
fn date(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month, days + 1)
}
