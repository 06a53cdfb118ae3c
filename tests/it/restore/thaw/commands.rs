//! The commands, buckets of v1.0, drills, and archived markers.

use super::*;

pub(super) fn aam(cold: &Cold, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    let bare = [
        "--location",
        "pc",
        "--bucket",
        &cold.bucket,
        "--region",
        "us-east-1",
        "--endpoint",
    ];
    command
        .args(args)
        .args(bare)
        .arg(slow().endpoint())
        .current_dir(cold.pc.scratch.path());
    command
        .env("AAM_KEY", KEY)
        .env("AAM_BACKUP_STATE_DIR", cold.pc.scratch.path().join("state"));
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "hidden-secret")
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        ![&out, &err]
            .iter()
            .any(|t| t.contains(KEY) || t.contains("hidden-secret")),
        "{out}{err}"
    );
    (output.status.code().unwrap(), out, err)
}

#[test]
fn the_commands_and_their_exit_codes() {
    let cold = cold();
    let (code, _, err) = aam(&cold, &["restore", "--to", "t", "--key-env", "AAM_KEY"]);
    assert!(
        code == 2 && err.contains("not confirmed") && err.contains("add --yes to confirm"),
        "{err}"
    );
    assert!(
        err.contains("costs about $0.00 at Amazon's prices") && err.contains("5 objects"),
        "{err}"
    );
    assert!(!cold.pc.scratch.path().join("t").exists());
    let (code, out, _) = aam(
        &cold,
        &["restore", "status", "--format", "json", "--to", "t"],
    );
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &json["estimate"]["frozen"]["objects"]),
        (0, &5.into()),
        "{out}"
    );
    assert_eq!(json["volumes"][0]["state"], "frozen");
    fs::write(
        cold.pc.scratch.path().join("prices.yaml"),
        "date: 2026-11-01\ntransfer-per-gb: 9000000\n",
    )
    .unwrap();
    let (code, out, _) = aam(&cold, &["restore", "status", "--prices", "prices.yaml"]);
    assert!(
        code == 0 && out.contains("Amazon's prices of 2026-11-01") && out.contains("transfer $9."),
        "{out}"
    );
    let (code, _, err) = aam(
        &cold,
        &["restore", "request", "--to", "t", "--prices", "none"],
    );
    assert!(code == 2 && err.contains("the price file 'none'"), "{err}");
    assert_eq!(aam(&cold, &["restore", "request", "--to", "t"]).0, 2);
    fs::remove_dir_all(cold.pc.scratch.path().join("state")).unwrap();
    let (code, _, err) = aam(
        &cold,
        &[
            "restore", "request", "--to", "t", "--yes", "--tier", "standard",
        ],
    );
    assert!(
        code == 0 && err.contains("5 objects requested (Standard)"),
        "{err}"
    );
    assert!(
        !cold.pc.scratch.path().join("state/logs").exists(),
        "the steps keep no log"
    );
    wait_until("all of it is readable", || {
        aam(&cold, &["restore", "download", "--to", "t"]).0 == 0
    });
    let (code, _, err) = aam(
        &cold,
        &["restore", "download", "--to", "t", "--with-deleted"],
    );
    assert!(
        code == 1 && err.contains("another restore was started"),
        "{err}"
    );
    let (code, out, err) = aam(
        &cold,
        &["restore", "extract", "--to", "t", "--key-env", "AAM_KEY"],
    );
    assert!(
        code == 0 && out.contains("t/1  <-  /home/allen"),
        "{out}{err}"
    );
    assert_eq!(
        tree(&cold.pc.scratch.path().join("t"))["1/docs/a.txt"],
        "second"
    );
}

/// A bucket of v1.0: empty markers, no manifests, two fulls in a month, an unfinished one, names of
/// the oldest form.
#[test]
fn a_bucket_of_v1() {
    let mut cold = empty(&["/home/allen"]);
    cold.pc.v1 = true;
    cold.pc
        .write(1, "old", "of the first full")
        .full("20201203_080000.000001");
    cold.pc
        .remove(1, "old")
        .write(1, "a", "first")
        .write(1, "b", "b")
        .full(FULL);
    cold.pc.write(1, "a", "second").incremental(INC1);
    cold.pc.markers = 0;
    cold.pc
        .write(1, "a", "unfinished")
        .full("20201230_080000.000001");
    for key in [
        "pc:20201201:134337.851361:0:0:0:no:pc.zip.001",
        "pc:20201201:134337.851361:0:0.0:yes:pc",
    ] {
        cold.pc.store.put_bytes(key, b"x", Purpose::Index).unwrap();
    }
    let (code, out, _) = aam(&cold, &["sets"]);
    assert!(
        code == 0 && out.contains("2 objects have names of the old form with colons"),
        "{out}"
    );
    assert!(
        out.contains("not complete: the upload of '-home-allen-' was not finished"),
        "{out}"
    );
    let (code, listed, _) = aam(&cold, &["restore", "--list"]);
    assert_eq!((code, listed), (0, out));
    let (code, out, err) = aam(
        &cold,
        &[
            "restore",
            "--to",
            "t",
            "--key-env",
            "AAM_KEY",
            "--yes",
            "--poll-every",
            "20ms",
        ],
    );
    assert!(
        code == 0
            && err.contains("written by v1.0")
            && err.contains("20201230_080000.000001 is not used"),
        "{out}{err}"
    );
    let found = tree(&cold.pc.scratch.path().join("t"));
    assert_eq!(
        (
            found["1/a"].as_str(),
            found["1/b"].as_str(),
            found.contains_key("1/old")
        ),
        ("second", "b", false)
    );
    let (code, _, err) = aam(
        &cold,
        &[
            "restore",
            "--to",
            "u",
            "--key-env",
            "AAM_KEY",
            "--yes",
            "--at",
            "20201203",
            "--poll-every",
            "20ms",
        ],
    );
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        tree(&cold.pc.scratch.path().join("u"))["1/old"],
        "of the first full"
    );
}

#[test]
fn a_drill_of_archived_objects_needs_consent() {
    let cold = cold();
    let (code, _, err) = aam(
        &cold,
        &["restore", "drill", "--files", "1", "--key-env", "AAM_KEY"],
    );
    assert!(
        code == 2 && err.contains("add --yes to confirm") && err.contains("the drill FAILED"),
        "{err}"
    );
    let drill = [
        "restore",
        "drill",
        "--files",
        "9",
        "--key-env",
        "AAM_KEY",
        "--yes",
        "--poll-every",
        "20ms",
    ];
    let (code, out, err) = aam(&cold, &drill);
    assert!(
        code == 0 && out.contains("restored 3 of 3 files and compared them"),
        "{out}{err}"
    );
}

#[test]
fn archived_markers_and_manifests_are_told() {
    let cold = cold();
    let archive = |part: &str| {
        let key = cold
            .pc
            .store
            .list("pc_")
            .unwrap()
            .into_iter()
            .find(|o| o.key.contains(part))
            .unwrap()
            .key;
        let bytes = cold.pc.store.read(&key, 1 << 20).unwrap();
        let path = format!("/{}/{key}", cold.bucket);
        assert_eq!(
            slow()
                .request(
                    "PUT",
                    &path,
                    &[("x-amz-storage-class", "DEEP_ARCHIVE")],
                    &bytes
                )
                .status,
            200
        );
        (key, path, bytes)
    };
    for part in ["_manifest_", "_yes_"] {
        let (key, path, bytes) = archive(&format!("{INC1}{part}"));
        let error = yes()
            .restore(&cold.pc, &options(), &cold.pc.target())
            .error();
        assert!(
            error.contains(&format!("'{key}' is archived")) && error.contains("docs/restore.md"),
            "{error}"
        );
        assert!(!cold.pc.target().exists() && cold.requests() == 0);
        assert_eq!(slow().request("PUT", &path, &[], &bytes).status, 200);
    }
}

/// Everything that v1.0 sent went to DEEP_ARCHIVE, its empty markers too: they need no thawing.
#[test]
fn archived_markers_of_v1_are_not_read() {
    let mut cold = empty(&["/home/allen"]);
    cold.pc.v1 = true;
    cold.pc.write(1, "a", "first").full(FULL);
    let stored = cold.pc.store.list("pc_").unwrap();
    for marker in stored.iter().filter(|o| o.key.contains("_yes_")) {
        let path = format!("/{}/{}", cold.bucket, marker.key);
        let class = [("x-amz-storage-class", "DEEP_ARCHIVE")];
        assert_eq!(slow().request("PUT", &path, &class, b"").status, 200);
    }
    let to = cold.pc.target();
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(fs::read_to_string(to.join("1/a")).unwrap(), "first");
}
