//! Markers and manifests of other archives.

use super::*;

#[test]
fn a_marker_of_another_archive_is_refused() {
    let pc = history(Format::Zip);
    fs::copy(
        object(&pc, FULL, "yes_-srv-data-"),
        object(&pc, FULL, "yes_-home-allen-"),
    )
    .unwrap();
    assert!(
        restore(&pc, &options())
            .error()
            .contains("describes a different archive than its name")
    );
    fs::write(object(&pc, FULL, "yes_-home-allen-"), "{ nonsense").unwrap();
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure);
    assert!(done.text().contains("cannot be read"), "{}", done.text());
    fs::remove_dir_all(pc.target()).unwrap();
    fs::write(object(&pc, FULL, "yes_-home-allen-"), r#"{"version": 3}"#).unwrap();
    assert!(
        restore(&pc, &options())
            .error()
            .contains("use a newer aam-backup")
    );
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
        let error = restore(&pc, &at(FULL)).error();
        assert!(
            error.contains("it describes a different backup than its name"),
            "{error}"
        );
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
