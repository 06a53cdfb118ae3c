//! What nights cost on which nothing or little changes, and that deltas give back what was there.

use std::fs;

use crate::support::look::{differences, look};
use crate::support::machine::{Machine, below};

/// Bytes of the objects of the newest backup, and the marker of its first mount.
fn newest(machine: &Machine) -> (u64, serde_json::Value) {
    let stamp = machine.backups().pop().unwrap().stamp;
    let names = machine
        .stored()
        .into_iter()
        .filter(|name| name.contains(&stamp));
    let (mut bytes, mut marker) = (0, serde_json::Value::Null);
    for name in names {
        let content = fs::read(machine.path("store").join(&name)).unwrap();
        bytes += content.len() as u64;
        if name.contains("_yes_") {
            marker = serde_json::from_slice(&content).unwrap();
        }
    }
    (bytes, marker)
}

#[test]
fn a_night_without_changes_uploads_some_kilobytes() {
    for format in ["zip", "7z"] {
        let mut machine = Machine::new();
        machine.profile.format = format;
        machine.profile.mirror.clear();
        for number in 0..1500 {
            machine.write(&format!("docs/many/{:02}/{number}", number % 30), "x");
        }
        machine.run(&[]).exit(0);
        let (_, marker) = newest(&machine);
        assert_eq!(marker["manifest"]["kind"], "whole", "{marker}");

        let mut base = marker["backup"]["full"].clone();
        for (chain, change) in (1..).zip([None, None, Some("docs/many/07/7")]) {
            if let Some(path) = change {
                machine.write(path, "changed");
                fs::remove_dir_all(machine.home().join("docs/many/08")).unwrap();
            }
            machine.run(&[]).exit(0);
            let (bytes, marker) = newest(&machine);
            assert!(bytes <= 10_000, "{format}: {bytes} bytes");
            assert_eq!(marker["manifest"]["kind"], "delta");
            assert_eq!(marker["manifest"]["chain"], chain);
            assert_eq!(marker["manifest"]["base"], base);
            assert_eq!(marker["base"], base);
            assert_eq!(marker["sources"][0]["looked-at"], true);
            base = marker["backup"]["incremental"].clone();
        }
        let (profile, target) = (machine.path("profile.yaml"), machine.path("back"));
        let (profile, to) = (profile.to_str().unwrap(), target.to_str().unwrap());
        let restore = [
            "restore", profile, "--exact", "--layout", "original", "--to", to,
        ];
        machine.ended(&restore).exit(0);
        let found = look(&below(&target, &machine.home()));
        let times = |mut seen: crate::support::look::Seen| {
            seen.values_mut().for_each(|one| one.modified /= 100);
            seen
        };
        let lines = differences(&times(look(&machine.home())), &times(found));
        assert_eq!(lines, Vec::<String>::new(), "{format}");
    }
}
