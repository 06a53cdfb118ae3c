//! No secret in any file, argument list, log or output (SPEC#credentials).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::support::look::{Seen, look};
use crate::support::machine::{KEY, Machine, Ran};
use crate::support::moto;

const ACCESS_KEY: &str = "AKIA-NOBODY-MUST-SEE-ME";
const SECRET_KEY: &str = "secret/access+key=nobody-must-see";

/// Every form a secret could have been written in.
fn forms() -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    for secret in [KEY, ACCESS_KEY, SECRET_KEY] {
        let bytes = secret.as_bytes();
        let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // Base64 of the middle, at each of its three offsets.
        let plain = [
            (secret.to_owned(), bytes.to_vec()),
            (format!("hex of {secret}"), hex::encode(bytes).into_bytes()),
        ];
        forms.extend(
            plain
                .into_iter()
                .chain([(format!("UTF-16 of {secret}"), utf16)]),
        );
        forms.extend((0..3).map(|skip| {
            let whole = (bytes.len() - skip) / 3 * 3;
            (
                format!("base64 of {secret}"),
                base64(&bytes[skip..skip + whole]),
            )
        }));
    }
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
        [18, 12, 6, 0].map(|shift| LETTERS[number >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

fn assert_secretless(what: &str, bytes: &[u8]) {
    for (form, secret) in forms() {
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret),
            "{what} holds the {form}"
        );
    }
}

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
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            // A process may end while it is looked at.
            if let Ok(bytes) = fs::read(entry.path().join("cmdline")) {
                assert_secretless("an argument list", &bytes);
                *seen
                    .entry(String::from_utf8_lossy(&bytes).replace('\0', " "))
                    .or_default() += 1;
            }
        }
    }
    seen
}

/// A machine with both stores, whose tools keep what they were called with and what lay in the work
/// directory.
fn watched() -> (Machine, PathBuf) {
    let mut machine = Machine::new();
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
        "place=$(mktemp -d '{0}/XXXXXX'); tr '\\0' '\\n' </proc/$$/cmdline >\"$place/arguments\"; cp -r '{1}/.' \"$place\"",
        kept.display(),
        machine.profile.work.display()
    );
    machine.hook_seven_zip(&hook);
    machine.hook_rsync(&hook);
    (machine, kept)
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    let profile = machine.path("profile.yaml");
    let arguments = [
        &arguments[..1],
        &[profile.to_str().unwrap()],
        &arguments[1..],
    ]
    .concat();
    machine
        .command(&arguments)
        .env("AAM_TEST_ID", ACCESS_KEY)
        .env("AAM_TEST_SECRET", SECRET_KEY)
        .spawn()
        .unwrap()
}

fn run_and_look(machine: &Machine, kept: &Path) {
    for arguments in [&["run", "--verbose"][..], &["run"]] {
        let mut child = start(machine, arguments);
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
            machine,
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
    // State, log, store, mirror, work directory, rendered files, and what the tools saw.
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
    for name in ["arguments", "1/mount.sh", "2/archive.list", "1/manifest.v2"] {
        assert!(
            kept_files
                .keys()
                .any(|path| path.ends_with(name.as_bytes())),
            "{name} was kept: {:?}",
            kept_files.keys()
        );
    }
    assert_secretless("the manifest", machine.manifests().as_bytes());
}

#[test]
fn nowhere() {
    let (machine, kept) = watched();
    run_and_look(&machine, &kept);
}

/// The snapshot program and what it starts are more processes, and there is an order file.
#[test]
fn nowhere_under_a_snapshot_program() {
    let (mut machine, kept) = watched();
    let mount = machine.path("snapshot");
    fs::create_dir(&mount).unwrap();
    let text = format!(
        "tr '\\0' '\\n' </proc/$$/cmdline >'{}/snapshot-arguments'\ncp -a \"$1/.\" \"$2\"; mount=$2; shift 2; \"$@\"; code=$?; find \"$mount\" -mindepth 1 -delete; exit $code",
        kept.display()
    );
    machine.profile.snapshot = Some((machine.script("snap", &text), mount));
    run_and_look(&machine, &kept);
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
    let (machine, kept) = watched();
    let mut open = vec![machine.path("state/state"), machine.path("state/logs")];
    let mut child = start(&machine, &["run"]);
    child.wait().unwrap();
    open.extend(
        fs::read_dir(&kept)
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.join("1").exists()),
    );
    for place in open {
        for entry in fs::read_dir(&place).unwrap().flatten() {
            let mode = entry.metadata().unwrap().mode();
            assert!(
                mode & 0o077 == 0 || entry.path().ends_with("arguments"),
                "{:o} {}",
                mode,
                entry.path().display()
            );
        }
    }
}
