//! `aam-backup shadow` against a stand-in for vssapi.dll (`tests/windows/standins/vssapi.c`): what
//! is called, with what, in which order, and what is left behind when a call fails.

use std::fs;
use std::path::PathBuf;

use crate::support::lab::{self, Lab};
use crate::support::machine::Ran;

const JOURNAL: &str = r"C:\aam-shadow\journal";

/// Everything that VSS is asked, when nothing goes wrong.
const CALLS: &[&str] = &[
    "CreateVssBackupComponents",
    "InitializeForBackup(null)",
    "SetContext(BACKUP)",
    "GatherWriterMetadata",
    "GatherWriterMetadata: released",
    "FreeWriterMetadata",
    r"IsVolumeSupported(any, C:\)",
    "StartSnapshotSet",
    r"AddToSnapshotSet(C:\, any)",
    "SetBackupState(0, 0, COPY, 0)",
    "PrepareForBackup",
    "PrepareForBackup: released",
    "DoSnapshotSet",
    "DoSnapshotSet: released",
    "GatherWriterStatus",
    "GatherWriterStatus: released",
    "FreeWriterStatus",
    "GetSnapshotProperties(the snapshot)",
    "VssFreeSnapshotProperties",
    r"DefineDosDevice(0, Q:, \\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy7\aam-shadow)",
    r"DefineDosDevice(6, Q:, \\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy7\aam-shadow)",
    "BackupComplete",
    "BackupComplete: released",
    "DeleteSnapshots(the set, SNAPSHOT_SET, 1)",
    "Release",
];

struct Shadows {
    lab: Lab,
    at: PathBuf,
}

impl Shadows {
    fn new() -> Shadows {
        let lab = Lab::enter();
        let at = lab.drive().join("aam-shadow");
        let _ = fs::remove_dir_all(&at);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("a.txt"), "seen").unwrap();
        Shadows { lab, at }
    }

    /// Copies a file from the shadow copy, and ends with 5.
    fn run(&self, variables: &[(&str, &str)]) -> (Ran, Vec<String>) {
        let _ = fs::remove_file(self.at.join("journal"));
        let _ = fs::remove_file(self.at.join("out.txt"));
        let mut command = self.lab.aam();
        command.args(["shadow", r"C:\aam-shadow", "Q:", "cmd", "/c"]);
        command.arg(r"copy Q:\a.txt C:\aam-shadow\out.txt >nul & exit 5");
        command.env("AAM_MOCK_VSS_JOURNAL", JOURNAL);
        command.envs(variables.iter().copied());
        let ran = Ran::of(lab::output(&mut command));
        let journal = fs::read_to_string(self.at.join("journal")).unwrap_or_default();
        (ran, journal.lines().map(str::to_owned).collect())
    }

    fn has_run(&self) -> bool {
        fs::read_to_string(self.at.join("out.txt")).is_ok_and(|text| text == "seen")
    }

    fn letter_is_gone(&self) -> bool {
        fs::symlink_metadata(self.lab.letter()).is_err()
    }
}

#[test]
fn calls_arguments_and_exit_codes() {
    if !lab::is_asked_for() {
        return;
    }
    let shadows = Shadows::new();
    let (ran, journal) = shadows.run(&[]);
    // 0x8005; the system outside Wine sees eight bits.
    ran.exit(5);
    assert!(shadows.has_run() && shadows.letter_is_gone());
    assert_eq!(journal, CALLS);
    let writers = "System Writer:1:0;SqlServerWriter:9:0x800423f4";
    let (ran, _) = shadows.run(&[("AAM_MOCK_VSS_WRITERS", writers)]);
    ran.exit(5)
        .says("'SqlServerWriter' failed when it was to stop writing (0x800423f4)");
    assert!(!ran.to_string().contains("System Writer"));
}

/// Whatever fails, nothing stays: neither letter nor shadow copy.
#[test]
fn each_call_fails_once() {
    if !lab::is_asked_for() {
        return;
    }
    let shadows = Shadows::new();
    let (abort, delete) = ("AbortBackup", "DeleteSnapshots(the set, SNAPSHOT_SET, 1)");
    for (call, takes_down) in [
        ("CreateVssBackupComponents", None),
        ("InitializeForBackup", None),
        ("SetContext", None),
        ("GatherWriterMetadata", None),
        ("GatherWriterMetadata.end", None),
        ("FreeWriterMetadata", None),
        ("IsVolumeSupported", None),
        ("StartSnapshotSet", None),
        ("AddToSnapshotSet", Some(abort)),
        ("SetBackupState", Some(abort)),
        ("PrepareForBackup", Some(abort)),
        ("PrepareForBackup.end", Some(abort)),
        ("DoSnapshotSet", Some(abort)),
        ("DoSnapshotSet.end", Some(abort)),
        ("GatherWriterStatus.end", Some(delete)),
        ("GetWriterStatusCount", Some(delete)),
        ("GetSnapshotProperties", Some(delete)),
        ("DefineDosDevice", Some(delete)),
    ] {
        let (ran, journal) = shadows.run(&[("AAM_MOCK_VSS", &format!("{call}=0x80042316"))]);
        ran.exit(1);
        if call != "DefineDosDevice" {
            ran.says("another program is making a shadow copy");
            ran.says(&format!("({}: 0x80042316)", call.trim_end_matches(".end")));
        }
        assert!(!shadows.has_run() && shadows.letter_is_gone(), "{call}");
        let last = if call == "CreateVssBackupComponents" {
            call
        } else {
            "Release"
        };
        assert_eq!(journal.last().map(String::as_str), Some(last), "{call}");
        for what in [abort, delete] {
            let is_there = journal.iter().any(|line| line == what);
            assert_eq!(
                is_there,
                takes_down == Some(what),
                "{call}: {what} in {journal:?}"
            );
        }
    }
    // The command has run by then.
    for call in ["BackupComplete", "BackupComplete.end", "DeleteSnapshots"] {
        let (ran, journal) = shadows.run(&[("AAM_MOCK_VSS", &format!("{call}=0x80042316"))]);
        ran.exit(5);
        assert!(shadows.has_run() && shadows.letter_is_gone(), "{call}");
        assert!(journal.iter().any(|line| line == delete), "{call}");
    }
    let (ran, _) = shadows.run(&[("AAM_MOCK_VSS", "unsupported=1")]);
    ran.exit(1)
        .says("the volume does not support shadow copies");
}

#[test]
fn a_letter_in_use_and_one_that_a_killed_run_left() {
    if !lab::is_asked_for() {
        return;
    }
    let shadows = Shadows::new();
    let leads = |to| [("AAM_MOCK_VSS_LETTER", to)];
    let (ran, journal) = shadows.run(&leads(r"\??\C:\Windows"));
    ran.exit(2).says("the letter Q: is in use");
    assert_eq!(journal, ["CreateVssBackupComponents", "Release"]);
    let gone = r"\Device\HarddiskVolumeShadowCopy3\Users";
    let removed = format!("DefineDosDevice(7, Q:, {gone})");
    let (ran, journal) = shadows.run(&leads(gone));
    ran.exit(5);
    assert_eq!(journal[1], removed);
    // Another program takes the letter over between the look and the removal: it keeps it.
    let newer = r"\??\C:\of another program";
    let (ran, journal) = shadows.run(&leads(&format!("{gone}|{newer}")));
    ran.exit(2).says("the letter Q: is in use");
    let expected = ["CreateVssBackupComponents", &removed, "Release"];
    assert_eq!(journal, expected);
    // Killed when the letter is gone and the shadow copy is not: it goes with the process.
    let (ran, _) = shadows.run(&[("AAM_MOCK_VSS", "BackupComplete.exit=9")]);
    ran.exit(9);
    let (ran, journal) = shadows.run(&[]);
    ran.exit(5);
    assert_eq!(journal, CALLS);
}

#[test]
fn a_wrong_command_line_is_refused() {
    if !lab::is_asked_for() {
        return;
    }
    let shadows = Shadows::new();
    for arguments in [
        &[r"C:\aam-shadow", "Q"][..],
        &[r"C:\aam-shadow", "Q", "cmd"],
        &[r"\\server\share", "Q:", "cmd"],
    ] {
        let mut command = shadows.lab.aam();
        command.arg("shadow").args(arguments);
        Ran::of(lab::output(&mut command)).exit(2);
    }
}
