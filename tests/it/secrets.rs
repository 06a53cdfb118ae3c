//! No secret in any file, argument list, log or output (SPEC#credentials).

mod forms;
mod on_windows;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use forms::{ACCESS_KEY, SECRET_KEY, WEBHOOK, assert_secretless};

use crate::support::look::{Seen, look};
use crate::support::machine::{Machine, Ran};
use crate::support::moto;
use crate::support::recorder::Recorder;
use crate::support::smtp::{MailServer, PASSWORD, USER};

fn assert_tree_secretless(root: &Path) -> Seen {
    let seen = look(root);
    for (path, found) in &seen {
        let name = String::from_utf8_lossy(path);
        assert_secretless(&format!("the name {name}"), path);
        assert_secretless(&format!("{}/{name}", root.display()), &found.content);
    }
    seen
}

/// Argument lists of all processes, as often as can be until the program ends.
fn sample(child: &mut Child) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    while child.try_wait().unwrap().is_none() {
        look_at_arguments(&mut seen);
    }
    seen
}

fn look_at_arguments(seen: &mut BTreeMap<String, u64>) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // A process may end while it is looked at.
        if let Ok(bytes) = fs::read(entry.path().join("cmdline")) {
            // The mail servers of the tests are given what they have to know.
            if bytes.windows(9).any(|part| part == b"aiosmtpd.") {
                continue;
            }
            assert_secretless("an argument list", &bytes);
            let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
            *seen.entry(line).or_default() += 1;
        }
    }
}

/// A machine and what it reports to.
struct Watched {
    machine: Machine,
    /// What tools and hooks have seen.
    kept: PathBuf,
    mail: MailServer,
    recorder: Recorder,
}

/// A machine with both stores, whose tools keep what they were called with and what lay in the work
/// directory.
fn watched() -> Watched {
    let mut machine = Machine::new();
    let (mail, recorder) = (MailServer::start("tls"), Recorder::answering(200));
    machine.add_other();
    let kept = machine.path("kept");
    fs::create_dir(&kept).unwrap();
    let moto = moto::shared();
    let s3 = format!(
        "{{bucket: {}, region: us-east-1, endpoint: '{}', storage-class: STANDARD, credentials: {{access-key-id: {{env: AAM_TEST_ID}}, secret-access-key: {{env: AAM_TEST_SECRET}}}}}}",
        moto.bucket(),
        moto.endpoint(),
    );
    machine.profile.more_destinations = format!("  s3: {s3}\n");
    let hook = format!(
        "place=$(mktemp -d '{0}/XXXXXX'); tr '\\0' '\\n' </proc/$$/environ >\"$place/environment\"; tr '\\0' '\\n' </proc/$$/cmdline >\"$place/arguments\"; cp -r '{1}/.' \"$place\"",
        kept.display(),
        machine.profile.work.display()
    );
    machine.hook_seven_zip(&hook);
    machine.hook_rsync(&hook);
    let script = machine.script("hook", &hook);
    // A file in the scratch directory would be found by the search.
    let shell = machine.other().parent().unwrap().join("address");
    fs::write(&shell, format!("{}/{WEBHOOK}\n", recorder.endpoint())).unwrap();
    machine.profile.more = format!(
        "hooks: {{before: ['{0}'], after: ['{0}']}}\n\
         smtp: {{host: localhost, port: {1}, security: tls, from: a@example.com, to: [b@example.com], \
         login: {{user: {USER}, password: {{env: AAM_TEST_PASSWORD}}}}}}\n\
         notify: [{{url: {{file: '{2}'}}}}]\n",
        script.display(),
        mail.port,
        shell.display()
    );
    Watched {
        machine,
        kept,
        mail,
        recorder,
    }
}

fn start(watched: &Watched, arguments: &[&str]) -> Child {
    let machine = &watched.machine;
    let profile = machine.path("profile.yaml");
    // `key-check` is a command of two words.
    let words: Vec<&str> = arguments[0].split('-').collect();
    let profile = [profile.to_str().unwrap()];
    let arguments = [&words, &profile[..], &arguments[1..]].concat();
    machine
        .command(&arguments)
        .env("AAM_TEST_ID", ACCESS_KEY)
        .env("AAM_TEST_SECRET", SECRET_KEY)
        .env("AAM_TEST_PASSWORD", PASSWORD)
        .env("SSL_CERT_FILE", watched.mail.certificate())
        .spawn()
        .unwrap()
}

fn run_and_look(watched: &Watched) {
    let Watched { machine, kept, .. } = watched;
    let metrics = machine.path("metrics.prom");
    let more = [
        "run",
        "--metrics",
        metrics.to_str().unwrap(),
        "--log-format",
        "json",
    ];
    for arguments in [&["run", "--verbose"][..], &more] {
        let mut child = start(watched, arguments);
        let sampled = sample(&mut child);
        assert!(
            sampled.keys().any(|line| line.contains("aam-backup run")),
            "{sampled:?}"
        );
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.exit(0);
        assert_secretless("the output", ran.to_string().as_bytes());
    }
    for format in ["text", "json"] {
        let rendered = machine.path("rendered");
        let child = start(
            watched,
            &[
                "plan",
                "--force-full",
                "--format",
                format,
                "--render",
                rendered.to_str().unwrap(),
            ],
        );
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.exit(0);
        assert_secretless("the plan", ran.to_string().as_bytes());
    }
    for arguments in [
        &["status", "--format", "json"][..],
        &["sets", "--format", "json"],
        &["find", "a", "--format", "json"],
        &["doctor"],
        &["verify", "--yes"],
        &["key-check"],
        &["schedule-show"],
        &["notify-test"],
    ] {
        let ran = Ran::of(start(watched, arguments).wait_with_output().unwrap());
        assert_ne!(ran.code, Some(2), "{arguments:?} {ran}");
        assert_secretless(&format!("{arguments:?}"), ran.to_string().as_bytes());
    }
    let to = machine.path("restored");
    let child = start(watched, &["restore", "--to", to.to_str().unwrap()]);
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.exit(0);
    assert_secretless("the output of a restore", ran.to_string().as_bytes());
    // State, log, store, mirror, work directory, rendered and restored files, and what the tools saw.
    let seen = assert_tree_secretless(&machine.path("."));
    for part in [
        "state/logs/",
        "state/state/",
        "store/pc_",
        "rendered/1/mount.sh",
        "mirror/",
    ] {
        assert!(
            seen.keys().any(|path| path.starts_with(part.as_bytes())),
            "{part} was looked at"
        );
    }
    let kept_files = look(kept);
    for name in [
        "arguments",
        "environment",
        "1/mount.sh",
        "2/archive.list",
        "1/manifest.v2",
    ] {
        assert!(
            kept_files
                .keys()
                .any(|path| path.ends_with(name.as_bytes())),
            "{name} was kept: {:?}",
            kept_files.keys()
        );
    }
    assert_secretless("the manifest", machine.manifests().as_bytes());
    let (mails, messages) = (watched.mail.taken(), watched.recorder.taken());
    assert!(mails.len() >= 3 && messages.len() >= 3, "{}", mails.len());
    for mail in mails {
        assert_secretless("a mail", mail.as_bytes());
    }
    for message in messages {
        assert!(message.what.contains("/post-box/"), "{}", message.what);
        assert_secretless("a message", message.body.as_bytes());
    }
}

#[test]
fn nowhere() {
    run_and_look(&watched());
}

/// The snapshot program and what it starts are more processes, and there is an order file.
#[test]
fn nowhere_under_a_snapshot_program() {
    let mut watched = watched();
    let (machine, kept) = (&mut watched.machine, watched.kept.clone());
    let mount = machine.path("snapshot");
    fs::create_dir(&mount).unwrap();
    let text = format!(
        "tr '\\0' '\\n' </proc/$$/cmdline >'{}/snapshot-arguments'\ncp -a \"$1/.\" \"$2\"; mount=$2; shift 2; \"$@\"; code=$?; find \"$mount\" -mindepth 1 -delete; exit $code",
        kept.display()
    );
    machine.profile.snapshot = Some((machine.script("snap", &text), mount));
    run_and_look(&watched);
    let arguments = fs::read_to_string(kept.join("snapshot-arguments")).unwrap();
    assert!(arguments.contains("shadow-stage"), "{arguments}");
    assert!(
        look(&kept)
            .keys()
            .any(|path| path.ends_with(b"1/order.json"))
    );
}

/// Work files and state are nobody else's business.
#[test]
fn names_are_for_the_owner_only() {
    let watched = watched();
    let (machine, kept) = (&watched.machine, &watched.kept);
    let mut open = vec![machine.path("state/state"), machine.path("state/logs")];
    let mut child = start(&watched, &["run"]);
    child.wait().unwrap();
    open.extend(
        fs::read_dir(kept)
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.join("1").exists()),
    );
    for place in open {
        for entry in fs::read_dir(&place).unwrap().flatten() {
            let mode = entry.metadata().unwrap().mode();
            assert!(
                mode & 0o077 == 0
                    || entry.path().ends_with("arguments")
                    || entry.path().ends_with("environment"),
                "{:o} {}",
                mode,
                entry.path().display()
            );
        }
    }
}

/// A key that was copied wrongly is noticed before it is needed.
#[test]
fn a_key_is_compared_with_the_backups() {
    let mut machine = Machine::new();
    let profile = machine.path("profile.yaml");
    let check = ["key", "check", profile.to_str().unwrap()];
    machine.ended(&check).exit(1).says("no complete backup");
    machine.run(&[]).exit(0);
    machine
        .ended(&check)
        .exit(0)
        .says("is encrypted with the key");
    machine.key = "another key";
    machine.ended(&check).exit(1).says("ANOTHER key");
}

/// Neither the program nor its tools leave their memory on a disk.
#[test]
fn no_core_dumps() {
    let mut machine = Machine::new();
    let kept = machine.path("limits");
    machine.hook_seven_zip(&format!("ulimit -c >>'{}'", kept.display()));
    machine.run(&[]).exit(0);
    let limits = fs::read_to_string(&kept).unwrap();
    assert!(limits.lines().all(|limit| limit == "0"), "{limits}");
}
