//! Markers and manifests of other archives.

use super::*;

/// A marker of another mount, of a newer program, or no marker at all costs its mount; a state is
/// named that needs nothing of it. When the marker is there again, the same command goes on.
#[test]
fn a_marker_that_is_none_costs_its_mount() {
    let of_other = |pc: &Pc| fs::read(object(pc, INC2, "yes_-srv-data-")).unwrap();
    let nonsense = |_: &Pc| b"{ nonsense".to_vec();
    let newer = |_: &Pc| br#"{"version": 3}"#.to_vec();
    type Content<'a> = &'a dyn Fn(&Pc) -> Vec<u8>;
    let cases: [(Content<'_>, &str); 3] = [
        (&of_other, "describes a different archive than its name"),
        (&nonsense, "cannot be read"),
        (&newer, "use a newer aam-backup"),
    ];
    for (content, said) in cases {
        let pc = history(Format::Zip);
        let place = object(&pc, INC2, "yes_-home-allen-");
        let marker = fs::read(&place).unwrap();
        fs::write(&place, content(&pc)).unwrap();
        let done = restore(&pc, &options());
        let text = done.text();
        assert_eq!(done.outcome, Outcome::Failure, "{text}");
        assert!(text.contains(said), "{text}");
        assert!(text.contains("is NOT restored"), "{text}");
        assert!(
            text.contains(&format!("the state {INC1} is unaffected by the damage")),
            "{text}"
        );
        assert!(pc.target().join("2/sub/later").exists(), "{text}");
        assert!(!pc.target().join("1").exists(), "{text}");
        let found = fs::read(&place).unwrap();
        fs::write(&place, marker).unwrap();
        let again = restore(&pc, &options());
        assert_eq!(again.outcome, Outcome::Success, "{}", again.text());
        assert!(pc.target().join("1").exists(), "{}", again.text());
        assert!(!pc.target().join(".aam-restore").exists());
        fs::write(&place, found).unwrap();
        fs::remove_dir_all(pc.target()).unwrap();
        let whole = restore(&pc, &at(INC1));
        assert_eq!(whole.outcome, Outcome::Success, "{}", whole.text());
    }
}

/// What somebody did in the target since then is neither overwritten nor deleted.
#[test]
fn what_was_changed_after_a_restore_without_a_mount_stays() {
    let pc = history(Format::Zip);
    let place = object(&pc, INC2, "yes_-home-allen-");
    let marker = fs::read(&place).unwrap();
    fs::write(&place, b"{ nonsense").unwrap();
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure, "{}", done.text());
    fs::write(&place, marker).unwrap();
    let new = pc.target().join("2/sub/new");
    // A step of the clock of change times.
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&new, "of today").unwrap();
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains("was changed after the restore ended"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(new).unwrap(), "of today");
}

/// Its marker vouches for it: of another mount, and of another backup of the same mount.
#[test]
fn a_manifest_of_another_archive_is_refused() {
    for other in ["-srv-data-", "-home-allen-"] {
        let pc = history(Format::Zip);
        let of_other = if other == "-srv-data-" { FULL } else { INC1 };
        let place = object(&pc, FULL, "yes_-home-allen-");
        let marker = |path: PathBuf| -> serde_json::Value {
            serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
        };
        let (mut own, theirs) = (
            marker(place.clone()),
            marker(object(&pc, of_other, &format!("yes_{other}"))),
        );
        for key in ["size", "sha256"] {
            own["manifest"][key] = theirs["manifest"][key].clone();
        }
        fs::write(place, own.to_string()).unwrap();
        let [theirs, own] = [(of_other, other), (FULL, "-home-allen-")]
            .map(|(stamp, mount)| object(&pc, stamp, &format!("manifest_{mount}.zip")));
        fs::copy(theirs, own).unwrap();
        let exact = RestoreOptions {
            exact: true,
            ..at(FULL)
        };
        let done = restore(&pc, &exact);
        let text = done.text();
        assert_eq!(done.outcome, Outcome::Failure, "{text}");
        assert!(
            text.contains("it describes a different backup than its name"),
            "{text}"
        );
        assert!(!pc.target().join("1").exists() && pc.target().join("2").exists());
    }
}

/// A damaged marker or manifest of one mount costs that mount, and a state is named that needs
/// nothing of it.
#[test]
fn what_is_damaged_of_one_mount_leaves_the_other() {
    for (stamp, tail) in [
        (FULL, "yes_-home-allen-"),
        (INC2, "yes_-home-allen-"),
        (INC2, "manifest_-home-allen-.zip"),
    ] {
        let pc = history(Format::Zip);
        let place = object(&pc, stamp, tail);
        let mut bytes = fs::read(&place).unwrap();
        bytes[1..60].fill(b'?');
        fs::write(&place, bytes).unwrap();
        let options = RestoreOptions {
            exact: true,
            ..options()
        };
        let done = restore(&pc, &options);
        let text = done.text();
        assert_eq!(done.outcome, Outcome::Failure, "{text}");
        assert!(text.contains("is NOT restored"), "{text}");
        assert!(pc.target().join("2/sub/later").exists(), "{tail}: {text}");
        assert!(!pc.target().join("1").exists(), "{tail}: {text}");
        if (stamp, tail) == (INC2, "yes_-home-allen-") {
            let hint = format!("the state {INC1} is unaffected by the damage: --at {INC1}");
            assert!(text.contains(&hint), "{text}");
        }
    }
}

/// A manifest that opens, and is none.
#[test]
fn a_manifest_that_is_none_costs_its_mount() {
    for content in ["", "no manifest", r#"{"version": 9}"#] {
        let pc = history(Format::Zip);
        let key = "manifest_-home-allen-.zip";
        let (place, file) = (
            object(&pc, INC2, key),
            pc.scratch.path().join("manifest.v2"),
        );
        fs::write(&file, content).unwrap();
        fs::remove_file(&place).unwrap();
        let mut packed = std::process::Command::new("7zz");
        packed.args(["a", "-tzip", "-mem=AES256", &format!("-p{KEY}")]);
        let made = packed.arg(&place).arg(&file).output().unwrap();
        assert!(made.status.success());
        let bytes = fs::read(&place).unwrap();
        let marker = object(&pc, INC2, "yes_-home-allen-");
        let mut said: serde_json::Value =
            serde_json::from_slice(&fs::read(&marker).unwrap()).unwrap();
        said["manifest"]["size"] = bytes.len().into();
        said["manifest"]["sha256"] = crate::stores::sha256(&place).into();
        fs::write(&marker, said.to_string()).unwrap();
        let options = RestoreOptions {
            exact: true,
            ..options()
        };
        let done = restore(&pc, &options);
        let text = done.text();
        assert_eq!(done.outcome, Outcome::Failure, "{content}: {text}");
        assert!(text.contains("is NOT restored"), "{content}: {text}");
        assert!(
            text.contains(&format!("the state {INC1} may be unaffected")),
            "{content}: {text}"
        );
        assert!(
            pc.target().join("2/sub/later").exists(),
            "{content}: {text}"
        );
        assert!(!pc.target().join("1").exists(), "{content}: {text}");
    }
}
