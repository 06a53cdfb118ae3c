//! The page of `report --html`, opened in a real browser (`tests/programs.sh` gets it), and
//! `sets --timeline`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::machine::Machine;

/// A full backup, two incremental ones, and one that fails because a source is missing.
fn history() -> Machine {
    let mut machine = Machine::new();
    for number in 0..3 {
        machine.write(
            &format!("docs/new-{number}.txt"),
            &"text ".repeat(1000 * number),
        );
        machine.run(&[]).exit(0);
    }
    machine.profile.source("/tmp/<no & such>".as_ref());
    machine.aam("run", &[]).exit(1);
    machine
}

/// A file to look at after the tests, if a directory is named.
fn picture(machine: &Machine, name: &str) -> PathBuf {
    match std::env::var_os("AAM_TEST_PICTURES") {
        Some(directory) => PathBuf::from(directory).join(name),
        None => machine.path(name),
    }
}

/// Runs the browser on a page.
fn browse(machine: &Machine, page: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "300", "chromium", "--headless", "--no-sandbox"]);
    command.args([
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
    ]);
    command.arg(format!(
        "--user-data-dir={}",
        machine.path("browser").display()
    ));
    command
        .args(arguments)
        .arg(format!("file://{}", page.display()));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "run tests/programs.sh: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Width, height, and the red of the first pixel: no filter of PNG changes that one.
const LOOK: &str = "
import struct, sys, zlib
data = open(sys.argv[1], 'rb').read()
width, height, depth, color = struct.unpack('>IIBB', data[16:26])
at, packed = 8, b''
while at < len(data):
    size, kind = struct.unpack('>I4s', data[at:at + 8])
    packed += data[at + 8:at + 8 + size] if kind == b'IDAT' else b''
    at += size + 12
print(width, height, zlib.decompress(packed)[1])
";

fn look(file: &Path) -> (u32, u32, u32) {
    let output = Command::new("python3")
        .args(["-c", LOOK])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut numbers = said.split_whitespace().map(|word| word.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    (next(), next(), next())
}

#[test]
fn the_page_shows_what_there_is_in_light_and_dark() {
    let machine = history();
    let page = machine.path("page.html");
    let html = page.to_str().unwrap();
    machine
        .aam("report", &["--html", html, "--all-locations"])
        .exit(0)
        .says("page.html");
    let text = fs::read_to_string(&page).unwrap();
    // One file: nothing is fetched, and nothing runs.
    for foreign in [
        "://",
        "src=",
        "href=",
        "<script",
        "@import",
        "url(",
        "javascript:",
    ] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    // The name of a file is never markup.
    assert!(text.contains("&lt;no &amp; such&gt;") && !text.contains("<no &"));
    let shown = browse(&machine, &page, &["--dump-dom"]);
    assert_eq!(
        shown.matches("class=\"day full\"").count(),
        2,
        "one of them is the key"
    );
    assert_eq!(shown.matches(">success</td>").count(), 3);
    assert_eq!(shown.matches(">failure</td>").count(), 1);
    for word in ["not scheduled", "All computers in", "newest state"] {
        assert!(shown.contains(word), "{word}\n{shown}");
    }
    let (light, dark) = (
        picture(&machine, "light.png"),
        picture(&machine, "dark.png"),
    );
    for (file, scheme, is_bright) in [(&light, "1", true), (&dark, "0", false)] {
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        let file_option = format!("--screenshot={}", file.display());
        browse(
            &machine,
            &page,
            &[&scheme, &file_option, "--window-size=1000,1400"],
        );
        let (width, height, red) = look(file);
        assert_eq!((width, height), (1000, 1400));
        assert_eq!(red > 200, is_bright, "{}: {red}", file.display());
        assert!(is_bright || red < 60, "{}: {red}", file.display());
    }
    // On a phone nothing is wider than the page; a table scrolls in its card.
    let narrow = picture(&machine, "narrow.png");
    let file_option = format!("--screenshot={}", narrow.display());
    browse(&machine, &page, &[&file_option, "--window-size=500,1400"]);
    assert_eq!(look(&narrow).0, 500);
}

#[test]
fn a_page_says_what_could_not_be_learned() {
    let machine = Machine::new();
    let page = machine.path("page.html");
    let arguments = ["--html", page.to_str().unwrap()];
    machine.aam("report", &arguments).exit(0);
    let text = fs::read_to_string(&page).unwrap();
    for word in [
        "never",
        "No run is known",
        "There is no backup of this location",
    ] {
        assert!(text.contains(word), "{word}");
    }
    fs::remove_dir(machine.path("store")).unwrap();
    machine.aam("report", &arguments).exit(1);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("It could not be listed"), "{text}");
    let nowhere = ["--html", "/no/such/directory/page.html"];
    machine
        .aam("report", &nowhere)
        .exit(1)
        .says("cannot be written");
}

#[test]
fn a_timeline_has_a_mark_for_each_day() {
    let machine = history();
    let shown = machine.aam("sets", &["--timeline"]);
    let text = shown.exit(0).stdout.clone();
    let month = text.lines().nth(2).unwrap();
    let (_, days) = month.split_once("  ").unwrap();
    let (days, backups) = days.split_once(' ').unwrap();
    // They were all made today.
    assert!(backups.ends_with(" backups, up to 4 a day"), "{text}");
    // Today, and the days of the month before it.
    assert!(
        days.ends_with('F') && days[..days.len() - 1].chars().all(|c| c == '.'),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    machine
        .aam("sets", &["--timeline", "--all-locations"])
        .exit(2);
}
