//! The program for Windows, whose tools are started by a batch file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::forms::{ACCESS_KEY, SECRET_KEY, assert_secretless};
use super::{assert_tree_secretless, look_at_arguments};
use crate::support::lab;
use crate::support::machine::{Machine, Ran};
use crate::support::moto;

/// What is in a directory while a run works, as far as it can be read: files come and go. Returns
/// the names that were seen.
fn glance(root: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        match kind {
            Ok(kind) if kind.is_dir() => glance(&path, names),
            Ok(kind) if kind.is_file() => {
                let content = fs::read(&path).unwrap_or_default();
                assert_secretless(&path.display().to_string(), &content);
                names.insert(entry.file_name().to_string_lossy().into_owned());
            }
            _ => {}
        }
    }
}

/// The same with the program for Windows: its tools are started by a batch file that the snapshot
/// program starts.
#[test]
fn nowhere_on_windows() {
    if lab::is_asked_for() {
        lab::unless_wine_dies(nowhere_under_wine);
    }
}

fn nowhere_under_wine() {
    let mut machine = Machine::of_either_system();
    machine.add_other();
    let moto = moto::shared();
    machine.profile.more_destinations = format!(
        "  s3: {{bucket: {}, region: us-east-1, endpoint: '{}', storage-class: STANDARD, credentials: {{access-key-id: {{env: AAM_TEST_ID}}, secret-access-key: {{env: AAM_TEST_SECRET}}}}}}",
        moto.bucket(),
        moto.endpoint(),
    );
    let (of_hook, of_tool) = (machine.path("hook.txt"), machine.path("tool.txt"));
    let hook = machine.path("hook.bat");
    let text = format!("@set >{}\r\n", machine.profile.said(&of_hook));
    fs::write(&hook, text).unwrap();
    let metrics = machine.profile.said(&machine.path("metrics.prom"));
    machine.profile.more = format!("hooks: {{before: ['{}']}}\n", machine.profile.said(&hook));
    let profile = machine.profile.said(&machine.path("profile.yaml"));
    let to = machine.profile.said(&machine.path("restored"));
    let rendered = machine.profile.said(&machine.path("rendered"));
    let mut names = BTreeSet::new();
    for arguments in [
        &["run", &profile, "--verbose", "--metrics", &metrics][..],
        &["run", &profile, "--log-format", "json"],
        &["plan", &profile, "--force-full", "--render", &rendered],
        &["plan", &profile, "--format", "json"],
        &["sets", &profile, "--format", "json"],
        &["status", "--format", "json"],
        &["restore", &profile, "--to", &to],
    ] {
        let mut command = machine.command(arguments);
        command
            .env("AAM_TEST_ID", ACCESS_KEY)
            .env("AAM_TEST_SECRET", SECRET_KEY)
            .env("AAM_STANDIN_ENVIRONMENT", machine.profile.said(&of_tool));
        let mut child = command.spawn().unwrap();
        let mut seen = BTreeMap::new();
        while child.try_wait().unwrap().is_none() {
            look_at_arguments(&mut seen);
            glance(&machine.profile.work, &mut names);
            glance(&machine.path("state"), &mut names);
        }
        let ours = format!("aam-backup.exe {}", arguments[0]);
        assert!(seen.keys().any(|line| line.contains(&ours)), "{seen:?}");
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.exit(0);
        assert_secretless("the output", ran.to_string().as_bytes());
    }
    let seen = assert_tree_secretless(&machine.path("."));
    for part in [
        "state/state/",
        "store/pc_",
        "mirror/",
        "logs/",
        "rendered/1/",
        "metrics",
    ] {
        let is_there = seen.keys().any(|path| path.starts_with(part.as_bytes()));
        assert!(is_there, "{part} was looked at");
    }
    assert!(names.iter().any(|name| name == "mount.bat"), "{names:?}");
    for (file, sure) in [(of_hook, "hook"), (of_tool, "tool")] {
        let variables = fs::read_to_string(&file).unwrap();
        assert!(
            variables.to_lowercase().contains("path="),
            "{sure}: {variables}"
        );
    }
}
