//! The Windows lab (`tests/windows`): the program for Windows under Wine in place of the one built
//! here. What differs between the two platforms of a test machine is here.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names the lab's directory.
const VARIABLE: &str = "AAM_TEST_WINDOWS";

/// How long one run of a program may take, in seconds.
const LIMIT: &str = "180";

/// What `timeout` says when that was not enough.
pub const OUT_OF_TIME: i32 = 124;

/// A Wine prefix has one letter for snapshots, so one machine at a time.
static TURN: Mutex<()> = Mutex::new(());

pub struct Lab {
    root: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// Whether tests that can run on either platform are to run on Windows.
pub fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Wine itself failed, in these words: a signal ended it, which never ends a program for Windows (seen
/// once, after the last line of a restore that had succeeded), or it could not start a program for an
/// error of its own (seen once). What such a start did or left undone proves nothing.
pub struct WineDied(String);

/// What Wine says of a start that failed inside of it: `ERROR_INTERNAL_ERROR`.
const INTERNAL_ERROR: &str = "could not be started: Internal error. (os error 1359)";

/// Runs the program to its end. Once, among some thousand starts, Wine ended with 1 and the program
/// had said nothing, which it never does by itself: such a start is tried once more. Panics with
/// [`WineDied`] if a signal ended Wine, or if it could not start a program.
pub fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    if !is_asked_for() {
        return output;
    }
    if let Some(signal) = output.status.signal() {
        eprintln!("signal {signal} ended Wine: {command:?}");
        std::panic::panic_any(WineDied(format!("signal {signal} ended Wine")));
    }
    if String::from_utf8_lossy(&output.stderr).contains(INTERNAL_ERROR) {
        eprintln!("Wine could not start a program: {command:?}");
        std::panic::panic_any(WineDied("Wine could not start a program".to_owned()));
    }
    if !is_silent_failure(&output) {
        return output;
    }
    eprintln!("once more: Wine ended with 1 and nothing was said: {command:?}");
    command.output().unwrap()
}

/// Runs a test from its beginning, and once more if Wine died in it.
pub fn unless_wine_dies(test: impl Fn()) {
    let attempt = || std::panic::catch_unwind(AssertUnwindSafe(&test));
    let Err(panic) = attempt() else { return };
    let Some(WineDied(how)) = panic.downcast_ref() else {
        std::panic::resume_unwind(panic)
    };
    eprintln!("once more from the beginning: {how}");
    test();
}

fn is_silent_failure(output: &Output) -> bool {
    output.status.code() == Some(1) && output.stdout.is_empty() && output.stderr.is_empty()
}

impl Lab {
    /// The lab, once nobody else uses it, with nothing mounted.
    pub fn enter() -> Lab {
        let root = PathBuf::from(std::env::var_os(VARIABLE).expect(VARIABLE));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let ready = [
            "bin/aam-backup.exe",
            "bin/shadowspawn.exe",
            "bin/hold.exe",
            "bin/look.exe",
            "prefix/drive_c",
            "bin/vssapi.dll",
            "locale",
        ];
        for name in ready {
            assert!(
                root.join(name).exists(),
                "{}/{name} is missing; tests/windows/run.sh makes it",
                root.display()
            );
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Lab { root, _turn: turn };
        lab.dismount();
        // However it was spelt when it was made.
        let other = lab.drive().join("Temp");
        if other.is_dir() {
            fs::rename(other, lab.temporary()).unwrap();
        }
        fs::create_dir_all(lab.temporary()).unwrap();
        lab
    }

    /// Nothing is at Q:.
    fn dismount(&self) {
        // It may be missing.
        let _ = fs::remove_file(self.letter());
    }

    /// The link that is the letter Q:, while something is mounted.
    pub fn letter(&self) -> PathBuf {
        self.root.join("prefix/dosdevices/q:")
    }

    /// The programs under test and the stand-ins.
    pub fn programs(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// What Windows calls `C:\`.
    pub fn drive(&self) -> PathBuf {
        self.root.join("prefix/drive_c")
    }

    /// `C:\temp`, where archives are made unless a profile says otherwise.
    pub fn temporary(&self) -> PathBuf {
        self.drive().join("temp")
    }

    /// A program for Windows, ready to start; it ends within its time.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", LIMIT, "wine", program])
            .env_clear()
            .current_dir(self.drive());
        for name in ["PATH", "HOME"] {
            command.env(name, std::env::var_os(name).unwrap_or_default());
        }
        // As in lab.sh, where it says why.
        command
            .env("WINEPREFIX", self.root.join("prefix"))
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all");
        command.env(
            "WINEDLLOVERRIDES",
            "mscoree,mshtml=;winemenubuilder.exe=d;robocopy.exe=n;vssapi=n",
        );
        command
            .env("LOCPATH", self.root.join("locale"))
            .env("LC_ALL", "hi_IN.UTF-8");
        command.env("WINEPATH", outside(&self.root.join("bin")));
        // The letter leads to the source itself: a copy of it would have changed since.
        let drive = self.drive().to_str().unwrap().to_owned();
        command.env(
            "AAM_STANDIN_LIVE",
            format!("{}|{drive}", self.letter().display()),
        );
        command
    }

    /// The program under test.
    pub fn aam(&self) -> Command {
        self.command(&outside(&self.root.join("bin/aam-backup.exe")))
    }

    /// A program that is there for the tests only.
    pub fn stand_in(&self, name: &str) -> String {
        outside(&self.root.join(format!("bin/{name}.exe")))
    }

    /// Ends everything that runs in the prefix, as a crash of the computer would.
    pub fn crash(&self) {
        let server = |argument| {
            let mut command = Command::new("timeout");
            command
                .args(["60", "wineserver", argument])
                .env("WINEPREFIX", self.root.join("prefix"));
            // There may be none.
            let _ = command.status();
        };
        server("-k");
        server("-w");
        self.dismount();
    }
}

/// A path on `drive`, as Windows says it.
pub fn inside(drive: &Path, path: &Path) -> String {
    match path.strip_prefix(drive) {
        Ok(below) => format!("C:\\{}", below.to_str().unwrap().replace('/', "\\")),
        Err(_) if path.is_absolute() => outside(path),
        Err(_) => path.to_str().unwrap().to_owned(),
    }
}

/// A path of the system around Wine, as Windows says it.
pub fn outside(path: &Path) -> String {
    format!("Z:{}", path.to_str().unwrap().replace('/', "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_test_in_which_wine_died_is_run_once_more_and_no_other() {
        let times = Cell::new(0);
        let dies = |starts: i32, with: fn()| {
            times.set(0);
            std::panic::catch_unwind(AssertUnwindSafe(|| {
                unless_wine_dies(|| {
                    times.set(times.get() + 1);
                    if times.get() <= starts {
                        with();
                    }
                })
            }))
        };
        let wine: fn() = || std::panic::panic_any(WineDied("Wine died".to_owned()));
        assert!(dies(0, wine).is_ok() && times.get() == 1);
        assert!(dies(1, wine).is_ok() && times.get() == 2);
        assert!(dies(2, wine).is_err() && times.get() == 2);
        assert!(dies(1, || panic!("wrong")).is_err() && times.get() == 1);
    }
}
