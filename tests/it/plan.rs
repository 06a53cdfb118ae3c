//! `plan` shows what `run` will do, and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use aam_auto_backup::parts::Reader;

use crate::scenarios::list::noise;
use crate::support::look::{Seen, look};
use crate::support::machine::{Machine, Ran};

/// Everything below a directory that a change would change.
fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(path) = open.pop() {
        let m = fs::symlink_metadata(&path).unwrap();
        if m.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let times = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        found.insert(
            path,
            format!("{} {:o} {} {times:?}", m.ino(), m.mode(), m.size()),
        );
    }
    found
}

fn plan(machine: &Machine, arguments: &[&str]) -> Ran {
    let profile = machine.path("profile.yaml");
    let arguments = [&["plan", profile.to_str().unwrap()], arguments].concat();
    machine.ended(&arguments)
}

/// A machine with a backup, and much to do for the next.
fn busy() -> Machine {
    let mut machine = Machine::new();
    machine.add_other();
    machine.profile.mirror_extra("delete", "100%");
    machine.run(&[]).exit(0);
    fs::remove_file(machine.home().join("docs/b.txt")).unwrap();
    machine.write("docs/new 'file'.txt", "new");
    machine.write("docs/line\nbreak", "not for 7-Zip");
    fs::write(machine.other().join("near.txt"), "near").unwrap();
    machine
}

#[test]
fn it_changes_nothing() {
    let machine = busy();
    let work = machine.path("work/pc_20200101_000000.000001");
    fs::create_dir(&work).unwrap();
    machine.command(&[]);
    let before = listing(&machine.path("."));
    for arguments in [
        &[][..],
        &["--force-full"],
        &["--mode", "incremental-only"],
        &["--format", "json"],
    ] {
        plan(&machine, arguments).exit(3);
        assert_eq!(listing(&machine.path(".")), before, "{arguments:?}");
    }
    fs::remove_dir(work).unwrap();
}

#[test]
fn it_says_what_and_why() {
    let machine = busy();
    let ran = plan(&machine, &[]);
    for phrase in [
        "An incremental backup on the full backup",
        "are found by its manifest",
        "Mount 1: ",
        "Mount 2: ",
        "archived 1 file, 3 bytes",
        "deleted  1 of 3 files in the mirror",
        "1 entry cannot be backed up",
        "upload the markers of all mounts to directory, which makes the backup complete",
        "remove the work files in ",
    ] {
        ran.says(phrase);
    }
    plan(&machine, &["--force-full"])
        .says("A full backup:")
        .says("--force-full asks for it");
}

#[test]
fn it_fails_as_the_run_would() {
    let mut machine = busy();
    machine.profile.mirror_extra("delete", "0");
    plan(&machine, &[])
        .exit(1)
        .says("more than max-delete allows: the mirror is not changed");
    machine.run(&[]).exit(1);
    machine.profile.mirror_extra("keep", "0");
    fs::remove_dir_all(machine.home().join("pics")).unwrap();
    plan(&machine, &[])
        .exit(1)
        .says("(missing)")
        .says("/pics' is not backed up: it does not exist");
    machine.profile.store = Some(machine.path("no-store"));
    plan(&machine, &[])
        .exit(1)
        .says("no store can be reached")
        .says("No archives:");
    let mut machine = busy();
    machine.key = "";
    plan(&machine, &[])
        .exit(1)
        .says("a run in this environment would archive nothing");
    machine.run(&[]).exit(1);
}

/// What is not stored is named, with the reason.
#[test]
fn it_names_what_is_not_stored() {
    let machine = Machine::new();
    let docs = machine.home().join("docs");
    for number in 1..=7 {
        let pipe = docs.join(format!("pipe{number}"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    }
    plan(&machine, &[])
        .exit(0)
        .says("7 entries not backed up: special files")
        .says(&format!(
            "ignored  '{}/pipe1': special file",
            docs.display()
        ))
        .says("ignored  2 more");
}

#[test]
fn it_fails_without_a_mirror_as_the_run_would() {
    let machine = Machine::new();
    fs::remove_dir(machine.path("mirror")).unwrap();
    let missing = format!(
        "error: the mirror '{}' does not exist",
        machine.path("mirror").display()
    );
    machine.run(&[]).exit(1).says(&missing);
    plan(&machine, &[]).exit(1).says(&missing);
    fs::create_dir(machine.path("mirror")).unwrap();
    plan(&machine, &[]).exit(0).never_says("error:");
}

/// What a manifest says, if these are the bytes of one.
fn manifest_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let reader = Reader::new(bytes).ok()?;
    if reader.header().delta.is_some() {
        return None;
    }
    let mut text = format!("{:?}", reader.header());
    for entry in reader {
        text.push_str(&format!("\n{:?}", entry.unwrap()));
    }
    Some(text.into_bytes())
}

/// What `plan --render` wrote, and what the following run wrote, byte for byte but for their
/// stamps.
#[test]
fn it_renders_the_files_of_the_run() {
    // The directory of a run ends with digits that nobody can know before.
    let work = regex::Regex::new("(pc_STAMP)_[0-9a-f]{8}/").unwrap();
    let mount = regex::Regex::new(r"cd -- \\'.*?\\'").unwrap();
    for arguments in [&[][..], &["--force-full"]] {
        let mut machine = busy();
        let kept = machine.path("kept");
        fs::create_dir(&kept).unwrap();
        // Both mounts are there when the second is archived; the tools have not run yet when a copy
        // is made.
        let hook = format!(
            "cp -r '{}'/*/[0-9] '{}'",
            machine.profile.work.display(),
            kept.display()
        );
        machine.hook_rsync(&hook);
        let rendered = machine.path("rendered");
        let rendering = [
            arguments,
            &["--format", "json", "--render", rendered.to_str().unwrap()],
        ]
        .concat();
        let planned = plan(&machine, &rendering);
        planned.exit(3);
        let preview: Value = serde_json::from_str(&planned.stdout).unwrap();
        let stamp = preview["plan"]["stamp"].as_str().unwrap().to_owned();
        machine.run(arguments).exit(3);
        let of_run = machine.backups().pop().unwrap().stamp;

        let plain = |seen: Seen, stamp: &str| -> BTreeMap<String, String> {
            let text = |bytes: Vec<u8>| {
                let bytes = manifest_text(&bytes).unwrap_or(bytes);
                bytes.escape_ascii().to_string().replace(stamp, "STAMP")
            };
            seen.into_iter()
                .filter(|(_, f)| f.kind == "file")
                .map(|(p, f)| (text(p), text(f.content)))
                .collect()
        };
        let (mut expected, mut found) =
            (plain(look(&kept), &of_run), plain(look(&rendered), &stamp));
        for text in expected.values_mut() {
            *text = work.replace_all(text, "$1/").into_owned();
        }
        // A run of root's goes through a view of the mount.
        for text in expected.values_mut().chain(found.values_mut()) {
            *text = mount.replace(text, "cd -- MOUNT").into_owned();
        }
        // The manifest of a run says more once its archive is made, which the second copy sees of
        // the first mount.
        for name in [
            "archive.list",
            "mirror.list",
            "extra.list",
            "content.list",
            "manifest.v2",
            "mount.sh",
        ] {
            for mount in ["1", "2"] {
                let name = format!("{mount}/{name}");
                let text = found
                    .remove(&name)
                    .unwrap_or_else(|| panic!("{name} is rendered"));
                assert_eq!(Some(&text), expected.get(&name), "{name}");
            }
        }
        assert!(
            found.is_empty(),
            "rendered, but no file of the run: {found:?}"
        );
    }
}

/// A directory takes no time worth a word and asks no money.
#[test]
fn it_forecasts_the_upload_to_s3_alone() {
    let mut machine = Machine::new();
    fs::write(machine.home().join("docs/noise"), noise(20_000_000)).unwrap();
    let json = |machine: &Machine, arguments: &[&str]| -> Value {
        let ran = machine.aam("plan", &[&["--format", "json"], arguments].concat());
        serde_json::from_str(&ran.exit(0).stdout).unwrap()
    };
    machine
        .aam("plan", &[])
        .exit(0)
        .never_says("Upload to")
        .never_says("Mbit/s")
        .never_says("$");
    assert_eq!(json(&machine, &[]).get("upload"), None);

    machine.add_bucket("DEEP_ARCHIVE");
    let prices = machine.path("prices.yaml");
    let dear = "date: 2031-01-02\nclasses: {DEEP_ARCHIVE: {per-gb-month: 100, put-per-thousand: 1000, minimum-days: 60}}";
    fs::write(&prices, dear).unwrap();
    let prices = ["--prices", prices.to_str().unwrap()];
    let ran = machine.aam("plan", &prices);
    for phrase in [
        &format!(
            "Upload to s3://{}, at most",
            machine.bucket.as_ref().unwrap().name
        ),
        "sends    20.0 MB in 3 volumes, 2 small objects",
        "takes    less than a minute (assuming 20 Mbit/s; --upload-speed sets another speed)",
        "costs    $7.00 at Amazon's prices of 2031-01-02 ",
        "for us-east-1: 60 days in DEEP_ARCHIVE $4.00, requests $3.00",
    ] {
        ran.says(phrase);
    }
    machine
        .aam("plan", &["--upload-speed", "0.5"])
        .says("takes    about 6 min (at 0.5 Mbit/s)\n")
        .says(" of 2026-06 ");
    let upload = &json(&machine, &["--upload-speed", "0.5"])["upload"];
    let expected = serde_json::json!({"mbit": 0.5, "from": "given"});
    assert_eq!(
        (&upload["speed"], &upload["seconds"]),
        (&expected, &Value::from(321)),
        "{upload:#}"
    );
    assert_eq!(
        (&upload["bytes"], &upload["volumes"], &upload["days"]),
        (&20_000_011.into(), &3.into(), &180.into())
    );
    let dollars = &upload["dollars"];
    let added = ["storage", "requests"].map(|item| dollars[item].as_f64().unwrap());
    assert!(
        added.iter().all(|item| *item > 0.0) && dollars["total"] == added[0] + added[1],
        "{dollars}"
    );

    // What a run measured is better than an assumption, and worse than an option.
    machine.run(&[]).exit(0);
    machine.write("docs/a.txt", "changed");
    machine
        .aam("plan", &[])
        .says("sends    7 bytes in 1 volume, ")
        .says(" Mbit/s, as in the run of 2");
    let speed = &json(&machine, &[])["upload"]["speed"];
    assert!(
        speed["from"] == "run" && speed["mbit"].as_f64().unwrap() > 0.0,
        "{speed}"
    );
    assert_eq!(
        json(&machine, &["--upload-speed", "0.5"])["upload"]["speed"],
        expected
    );
}

#[test]
fn it_refuses_what_is_no_speed_and_no_price() {
    let machine = Machine::new();
    for speed in ["0", "-1", "fast", "nan", "inf", ""] {
        machine
            .aam("plan", &["--upload-speed", speed])
            .exit(2)
            .says("write a number of Mbit/s, such as 20 or 0.5");
    }
    let prices = machine.path("prices.yaml");
    let given = ["--prices", prices.to_str().unwrap()];
    machine
        .aam("plan", &given)
        .exit(2)
        .says(&format!("error: the price file '{}': ", prices.display()));
    fs::write(
        &prices,
        "classes: {DEEP_ARCHIVE: {per-gb-month: -1, put-per-thousand: 1, minimum-days: 1}}",
    )
    .unwrap();
    machine
        .aam("plan", &given)
        .exit(2)
        .says("a price is negative or not a number");
    for option in [&["--upload-speed", "20"], &given] {
        machine
            .aam("plan", &[&["--facts", "facts.json"][..], option].concat())
            .exit(2)
            .says("cannot be used with");
    }
}

#[test]
fn its_json_has_everything() {
    let machine = busy();
    let preview: Value =
        serde_json::from_str(&plan(&machine, &["--format", "json"]).stdout).unwrap();
    let plan = &preview["plan"];
    assert_eq!(
        plan["archive"]["scope"]["kind"], "incremental",
        "{preview:#}"
    );
    assert_eq!(plan["stages"].as_array().unwrap().len(), 2);
    assert_eq!(
        plan["steps"].as_array().unwrap().last().unwrap()["step"],
        "clean-up"
    );
    assert_eq!(preview["mounts"][0]["counts"]["archived-files"], 1);
    assert_eq!(
        preview["mounts"][0]["extra"],
        serde_json::json!({"extra": 1, "present": 3})
    );
}

/// What takes the space, and what is left out by which rule.
#[test]
fn a_plan_shows_the_biggest_directories_and_every_rule() {
    let mut machine = Machine::new();
    machine.write("docs/films/a.mkv", &"film ".repeat(10_000));
    machine.write("docs/films/old/b.mkv", "film");
    machine.write("docs/cache/x", "x");
    machine.write("docs/one.tmp", "x");
    machine.write("docs/films/two.tmp", "x");
    machine.profile.exclude_directories.push("cache".to_owned());
    machine.profile.exclude_files.push("*.tmp".to_owned());
    let shown = machine.aam("plan", &[]);
    let text = shown.exit(0).stdout.clone();
    for part in [
        "├─ docs ",
        "│  └─ films ",
        "50.0 kB  2 files",
        "  excluded 1 entry by 'cache'\n",
        "  excluded 2 entries by '*.tmp'\n",
        "for its work files",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
