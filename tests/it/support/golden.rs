//! Golden files: checked-in files that are compared with what the program makes.

use std::fs;
use std::path::Path;

/// If it is set, golden files are written instead of compared: `tests/accept.sh` sets it.
const ACCEPT: &str = "AAM_TEST_ACCEPT";

/// Compares a golden file with what it should be.
#[track_caller]
pub fn compare(path: &Path, found: impl AsRef<[u8]>) {
    let found = found.as_ref();
    if std::env::var_os(ACCEPT).is_some() {
        // What is expected to be empty need not exist.
        if !found.is_empty() || path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, found).unwrap();
        }
        return;
    }
    let expected = fs::read(path).unwrap_or_default();
    if expected == found {
        return;
    }
    let (expected, found) = (lines(&expected), lines(found));
    let both = expected.iter().zip(&found);
    let line = both.take_while(|(expected, found)| expected == found);
    let at = line.count();
    let show = |lines: &[String]| lines.get(at).cloned().unwrap_or("nothing".to_owned());
    panic!(
        "{}, line {}\n  expected: {}\n  found:    {}\nto accept it, run tests/accept.sh and look at the difference",
        path.display(),
        at + 1,
        show(&expected),
        show(&found)
    );
}

/// Each with its end; lists of rsync end entries with a zero byte.
fn lines(bytes: &[u8]) -> Vec<String> {
    bytes
        .split_inclusive(|b| matches!(b, b'\n' | b'\0'))
        .map(|line| String::from_utf8_lossy(line).escape_debug().to_string())
        .collect()
}
