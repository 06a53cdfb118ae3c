//! The first test case of the v1.0 design, which is `examples/windows-documents.yaml`:
//! nine sources on two mounts, one of them excluded too, and `~WRL*.tmp`. Run under Wine with other
//! destinations when the lab is asked for; what it renders is golden.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{golden, root};
use crate::support::lab;
use crate::support::look::look;
use crate::support::machine::Machine;

/// What lies below `C:\`, and whether it is selected.
const FILES: &[(&str, bool)] = &[
    ("users/allen/documents/folder1/folder1-1/other.txt", false),
    ("users/allen/documents/folder1/folder1-2/letter.txt", true),
    (
        "users/allen/documents/folder1/folder1-2/~WRL0001.tmp",
        false,
    ),
    (
        "users/allen/documents/folder1/folder1-2/deeper/~wrl2.TMP",
        false,
    ),
    (
        "users/allen/documents/folder1/folder1-2/deeper/~WRL.txt",
        true,
    ),
    ("users/allen/documents/folder1/folder1-4/table.ods", true),
    ("users/allen/documents/folder1/beside.txt", false),
    ("users/allen/documents/folder2/plan.txt", true),
    ("users/allen/documents/folder2/folder2-1/more.txt", true),
    ("users/allen/documents/folder2-1-1/beside.txt", false),
    ("users/allen/documents/folder2/folder2-1-1/most.txt", true),
    ("users/allen/documents/folder3/left out.txt", false),
    ("users/allen/documents/folder3/deeper/left out.txt", false),
    (
        "users/allen/AAM posting/stock linked files/100% & (more) ^!.txt",
        true,
    ),
    ("users/allen/AAM posting/beside.txt", false),
    ("temp/test/a.txt", true),
    ("temp/test2/film.mkv", true),
    ("temp/test2/~WRL9.tmp", false),
    ("temp/test3/beside.txt", false),
];

/// The directories of the case, which are not the test machine's own: removed in the end.
struct Placed(Vec<PathBuf>);

impl Drop for Placed {
    fn drop(&mut self) {
        for path in &self.0 {
            // The next run says so if it stays.
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn place(drive: &Path) -> Placed {
    let tops = ["users/allen", "temp/test", "temp/test2", "temp/test3"].map(|top| drive.join(top));
    for (path, _) in FILES {
        let path = drive.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.to_str().unwrap()).unwrap();
    }
    // A source of its own that is below another.
    fs::create_dir_all(drive.join("users/allen/documents/folder2/folder2-1/empty")).unwrap();
    Placed(tops.to_vec())
}

/// The example with destinations on the test machine.
fn profile(machine: &Machine) -> String {
    let example = fs::read_to_string(root().join("examples/windows-documents.yaml")).unwrap();
    let (selection, _) = example.split_once("destinations:").unwrap();
    let at = |name| machine.profile.said(&machine.path(name));
    [
        selection,
        "snapshot: {program: shadowspawn, mount: 'Q:'}\n",
        "destinations:\n",
        &format!(
            "  mirror: {{path: '{}', extra-files: delete}}\n  directory: {{path: '{}'}}\n",
            at("mirror"),
            at("store")
        ),
        "archive:\n  encryption-key: {env: AAM_TEST_KEY}\n",
        &format!(
            "  work-directory: '{}'\nlog: {{directory: '{}'}}\n",
            at("work"),
            at("logs")
        ),
        "tools: {7z: 'C:\\Program Files\\7-Zip\\7z.exe'}\n",
    ]
    .concat()
}

#[test]
fn the_first_documented_test_case() {
    if !lab::is_asked_for() {
        println!("the Windows lab is not asked for");
        return;
    }
    let mut machine = Machine::of_either_system();
    machine.profile.location = "main-work-computer".to_owned();
    let drive = machine.drive();
    let _placed = place(&drive);
    fs::write(machine.path("case.yaml"), profile(&machine)).unwrap();
    let case = machine.profile.said(&machine.path("case.yaml"));
    let run = |arguments: &[&str]| machine.ended(arguments);
    run(&["run", &case]).exit(0).says(" full backup!");

    let selected: BTreeSet<&str> = FILES
        .iter()
        .filter(|(_, selected)| *selected)
        .map(|(path, _)| *path)
        .collect();
    let files = |path: &Path| -> BTreeSet<String> {
        let seen = look(path)
            .into_iter()
            .filter(|(_, found)| found.kind == "file");
        seen.map(|(path, _)| String::from_utf8(path).unwrap().to_lowercase())
            .collect()
    };
    // The mirror spells directories as the profile does.
    assert_eq!(
        files(&machine.path("mirror/c")),
        selected.iter().map(|path| path.to_lowercase()).collect()
    );
    let mut archived: Vec<Vec<String>> = machine
        .extracted()
        .into_iter()
        .map(|(_, seen)| seen.into_iter().filter(|(_, found)| found.kind == "file"))
        .map(|files| {
            files
                .map(|(path, _)| String::from_utf8(path).unwrap())
                .collect()
        })
        .collect();
    archived.sort();
    let below = |top: &str| {
        selected
            .iter()
            .filter_map(|path| path.strip_prefix(top))
            .map(str::to_owned)
            .collect()
    };
    let mut expected: Vec<Vec<String>> = vec![below("users/allen/"), below("temp/")];
    expected.sort();
    assert_eq!(archived, expected);

    // A second run does nothing; what a full one would run is golden.
    run(&["run", &case])
        .exit(0)
        .says("Archived: no new or changed files");
    let rendered = machine.profile.said(&machine.path("rendered"));
    let plan = run(&["plan", &case, "--force-full", "--render", &rendered]);
    let first = plan.exit(0).stdout.lines().next().unwrap();
    let (_, stamp) = first.rsplit_once(' ').unwrap();
    for (number, name) in [
        (1, "mount.bat"),
        (1, "archive.list"),
        (2, "mount.bat"),
        (2, "archive.list"),
    ] {
        let text = fs::read_to_string(machine.path("rendered").join(number.to_string()).join(name))
            .unwrap();
        golden(
            &format!("windows-case-one/{number}-{name}"),
            &without_chance(&text, &machine, stamp),
        );
    }
}

/// The text without what differs from run to run: the machine's directories and the stamp.
fn without_chance(text: &str, machine: &Machine, stamp: &str) -> String {
    let said = |name| machine.profile.said(&machine.path(name));
    let text = text
        .replace(&said("work"), r"C:\work")
        .replace(&said("mirror"), r"C:\mirror");
    text.replace(stamp, "20201221_134337.851361")
}
