//! Restore from an archive class, against a server whose objects take their time to thaw.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::kit::*;
pub use crate::support::moto::slow;
use crate::support::pc::{FULL, INC1, INC2, KEY, Pc};
use crate::support::proxy::{Fault, Proxy};
use aam_auto_backup::parts::AccessKey;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Clock;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::Prices;
use aam_auto_backup::parts::RestoreError;
use aam_auto_backup::parts::RestoreStep;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::ThawPolicy;
use aam_auto_backup::parts::Transfers;
use aam_auto_backup::parts::UNREACHABLE_AFTER;
use aam_auto_backup::parts::restore::status;
use aam_auto_backup::parts::{Purpose, S3Settings, S3Store};

/// A computer whose backups are in Deep Archive, behind a proxy.
pub struct Cold {
    pub pc: Pc,
    pub proxy: Proxy,
    pub bucket: String,
}

pub fn empty(mounts: &[&str]) -> Cold {
    of_class(mounts, StorageClass::DeepArchive)
}

pub fn of_class(mounts: &[&str], storage_class: StorageClass) -> Cold {
    let bucket = slow().bucket();
    let proxy = Proxy::start(slow().address());
    let settings = S3Settings {
        bucket: bucket.clone(),
        region: "us-east-1".to_owned(),
        endpoint: Some(proxy.endpoint()),
        storage_class,
        give_up_after: UNREACHABLE_AFTER,
        credentials: Some(AccessKey {
            id: Secret::new("test-id"),
            secret: Secret::new("test-secret"),
            token: None,
        }),
        upload: Transfers::default(),
        download: Transfers::default(),
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let pc = Pc::with_store(mounts, tempfile::tempdir().unwrap(), Box::new(store));
    Cold { pc, proxy, bucket }
}

fn cold() -> Cold {
    let mut cold = empty(&["/home/allen", "/srv/data"]);
    let noise: String = (0..900u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 13) as u8 % 26))
        .collect();
    cold.pc
        .write(1, "docs/a.txt", "first")
        .write(1, "noise", &noise)
        .write(2, "b", "b")
        .full(FULL);
    cold.pc.write(1, "docs/a.txt", "second").incremental(INC1);
    cold
}

impl Cold {
    fn requests(&self) -> usize {
        self.proxy.count("POST", "restore")
    }

    fn volumes(&self) -> usize {
        self.pc
            .store
            .list("pc_")
            .unwrap()
            .iter()
            .filter(|o| o.key.contains("_no_"))
            .count()
    }
}

fn yes() -> How<'static> {
    How {
        agree: true,
        ..How::default()
    }
}

fn step(step: RestoreStep) -> How<'static> {
    How { step, ..yes() }
}

#[test]
fn one_step_asks_requests_waits_and_restores() {
    let cold = cold();
    let target = cold.pc.target();
    let done = How::default().restore(&cold.pc, &options(), &target);
    assert!(
        matches!(done.result, Err(RestoreError::NotAgreed { hours: 48, .. })),
        "{:?}",
        done.result
    );
    assert!(
        done.error().contains("add --yes") && cold.requests() == 0 && !target.exists(),
        "{}",
        done.error()
    );
    let done = yes().restore(&cold.pc, &options(), &target);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(cold.requests(), cold.volumes(), "each is requested once");
    let told = done.text();
    for words in [
        "still to be requested from the archive",
        "within 48 hours",
        "are not readable yet",
        "requested 'pc_",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(tree(&target)["1/docs/a.txt"], "second");
    assert_as_listed(&cold.pc, 1, &target.join("1"));
    // What is thawed costs its transfer only: nobody is asked.
    let again = How::default().restore(&cold.pc, &options(), &cold.pc.scratch.path().join("again"));
    assert_eq!(
        (again.outcome, cold.requests()),
        (Outcome::Success, cold.volumes())
    );
}

#[test]
fn four_steps() {
    let cold = cold();
    let target = cold.pc.target();
    let error = step(RestoreStep::Download)
        .restore(&cold.pc, &options(), &target)
        .error();
    assert!(
        error.contains("volumes are archived and were not requested")
            && error.contains("restore request"),
        "{error}"
    );
    assert!(!target.exists());
    // Needs no key.
    let request = How {
        key: "",
        ..step(RestoreStep::Request)
    };
    assert_eq!(
        request.restore(&cold.pc, &options(), &target).outcome,
        Outcome::Success
    );
    assert_eq!(names(&target).len(), 4, "{:?}", names(&target));
    assert_eq!(
        (cold.requests(), cold.proxy.count("GET", "manifest")),
        (cold.volumes(), 0)
    );
    let error = step(RestoreStep::Extract)
        .restore(&cold.pc, &options(), &target)
        .error();
    assert!(
        error.contains("are not downloaded") && error.contains("restore download"),
        "{error}"
    );
    let early = step(RestoreStep::Download).restore(&cold.pc, &options(), &target);
    assert!(
        early.outcome == Outcome::Warning && early.text().contains("not readable yet"),
        "{}",
        early.text()
    );
    let thaw = ThawPolicy {
        keep_days: 2,
        tier: aam_auto_backup::parts::Tier::Bulk,
        poll_every: POLL,
        prices: &Prices::default(),
        clock: &NoWait,
        agree: &|_| false,
    };
    let look = || {
        status(
            &plan(&cold.pc, &options()).unwrap(),
            Some(&target),
            &*cold.pc.store,
            &thaw,
        )
        .unwrap()
    };
    let mut found = look();
    assert_eq!(found.estimate.frozen.objects, 0, "{}", found.to_text());
    while found.estimate.thawing.objects > 0 {
        found = look();
    }
    assert!(
        found.to_text().contains("readable") && found.estimate.hours == 0,
        "{}",
        found.to_text()
    );
    assert_eq!(
        step(RestoreStep::Download)
            .restore(&cold.pc, &options(), &target)
            .outcome,
        Outcome::Success
    );
    assert_eq!(look().estimate.here.objects, cold.volumes() as u64);
    assert_eq!(
        step(RestoreStep::Extract)
            .restore(&cold.pc, &options(), &target)
            .outcome,
        Outcome::Success
    );
    assert_eq!(tree(&target)["1/docs/a.txt"], "second");
    assert_eq!(cold.requests(), cold.volumes());
}

#[test]
fn a_half_download_goes_on() {
    let cold = cold();
    let target = cold.pc.target();
    step(RestoreStep::Request)
        .restore(&cold.pc, &options(), &target)
        .ok();
    let key = cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .into_iter()
        .find(|o| o.key.ends_with("allen-.zip.001"))
        .unwrap()
        .key;
    let bytes = loop {
        if let Ok(bytes) = cold.pc.store.read(&key, 1 << 20) {
            break bytes;
        }
    };
    let place = target.join(format!(".aam-restore/volumes/1-{FULL}"));
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("volume.zip.001.part"), &bytes[..123]).unwrap();
    let done = yes().restore(&cold.pc, &options(), &target);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    let ranges: Vec<String> = cold
        .proxy
        .seen()
        .iter()
        .filter_map(|r| Some(r.header("range")?.to_owned()))
        .collect();
    assert!(
        ranges.iter().any(|r| r.starts_with("bytes=123-")),
        "{ranges:?}"
    );
}

#[test]
fn a_set_that_changed_is_noticed() {
    let mut cold = cold();
    let target = cold.pc.target();
    step(RestoreStep::Request)
        .restore(&cold.pc, &options(), &target)
        .ok();
    let error = yes()
        .restore(
            &cold.pc,
            &aam_auto_backup::parts::RestoreOptions {
                exact: true,
                ..options()
            },
            &target,
        )
        .error();
    assert!(
        error.contains("another restore was begun") && error.contains("layout numbered"),
        "{error}"
    );
    // A newer backup: it goes on with what was requested.
    cold.pc.write(1, "new", "new").incremental(INC2);
    let done = yes().restore(&cold.pc, &options(), &target);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(!target.join("1/new").exists() && target.join("1/noise").exists());
    let other = cold.pc.scratch.path().join("other");
    step(RestoreStep::Request)
        .restore(&cold.pc, &options(), &other)
        .ok();
    // The same backup with other volumes: every archive has its own salt. The program itself
    // overwrites nothing.
    for object in cold.pc.store.list(&format!("pc_{FULL}_0_0.0_")).unwrap() {
        slow().request(
            "DELETE",
            &format!("/{}/{}", cold.bucket, object.key),
            &[],
            b"",
        );
    }
    cold.pc.full(FULL);
    let error = yes().restore(&cold.pc, &options(), &other).error();
    assert!(error.contains("its volumes were replaced"), "{error}");
    fs::write(other.join(".aam-restore/state.json"), "{").unwrap();
    let error = yes().restore(&cold.pc, &options(), &other).error();
    assert!(
        error.contains("cannot be read") && error.contains("to begin anew"),
        "{error}"
    );
}

/// While the restore waits, somebody starts it again.
#[test]
fn one_restore_at_a_time() {
    struct Impatient<'a> {
        cold: &'a Cold,
        tried: AtomicUsize,
    }
    impl Clock for Impatient<'_> {
        fn wait(&self, _: Duration, _: &dyn Fn() -> bool) {
            let done = yes().restore(&self.cold.pc, &options(), &self.cold.pc.target());
            assert!(
                matches!(done.result, Err(RestoreError::Busy(_))),
                "{:?}",
                done.result
            );
            self.tried.fetch_add(1, Ordering::Relaxed);
        }
    }
    let cold = cold();
    let clock = Impatient {
        cold: &cold,
        tried: AtomicUsize::new(0),
    };
    let done = How {
        clock: &clock,
        ..yes()
    }
    .restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(clock.tried.load(Ordering::Relaxed) > 0);
}

/// The volumes were readable once; ordering them again costs again, and is asked again.
#[test]
fn what_is_archived_again_is_asked_again() {
    let cold = cold();
    let target = cold.pc.target();
    step(RestoreStep::Request)
        .restore(&cold.pc, &options(), &target)
        .ok();
    for object in cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .iter()
        .filter(|o| o.key.contains("_no_"))
    {
        let bytes = loop {
            if let Ok(bytes) = cold.pc.store.read(&object.key, 1 << 20) {
                break bytes;
            }
        };
        let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
        slow().request(
            "PUT",
            &format!("/{}/{}", cold.bucket, object.key),
            &headers,
            &bytes,
        );
    }
    let done = How::default().restore(&cold.pc, &options(), &target);
    assert!(
        matches!(done.result, Err(RestoreError::NotAgreed { .. })),
        "{:?}",
        done.result
    );
    assert_eq!(cold.requests(), cold.volumes());
    assert_eq!(
        yes().restore(&cold.pc, &options(), &target).outcome,
        Outcome::Success
    );
}

/// Throttling, no network for a while, and days that are over before the download.
#[test]
fn a_long_wait_is_not_ended_by_little_things() {
    struct Trouble<'a> {
        cold: &'a Cold,
        day: AtomicUsize,
    }
    impl Clock for Trouble<'_> {
        fn wait(&self, _: Duration, _: &dyn Fn() -> bool) {
            match self.day.fetch_add(1, Ordering::Relaxed) {
                0 => self.cold.proxy.spoil(
                    "HEAD",
                    "_no_",
                    3,
                    Fault::Reply(503, Vec::new(), String::new()),
                ),
                1 => {
                    let key = format!(
                        "/{}/pc_{FULL}_0_0.0_no_-srv-data-.zip.001",
                        self.cold.bucket
                    );
                    let bytes = self.cold.pc.scratch.path().join("ice");
                    let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
                    let body = fs::read(bytes).unwrap();
                    assert_eq!(slow().request("PUT", &key, &headers, &body).status, 200);
                }
                _ => {}
            }
        }
    }
    let cold = cold();
    let key = format!("pc_{FULL}_0_0.0_no_-srv-data-.zip.001");
    cold.pc
        .store
        .thaw(&key, 1, aam_auto_backup::parts::Tier::Bulk)
        .unwrap();
    while cold
        .pc
        .store
        .get(
            &key,
            &cold.pc.scratch.path().join("ice"),
            &Cancel::new(),
            &|_| {},
        )
        .is_err()
    {}
    let body = fs::read(cold.pc.scratch.path().join("ice")).unwrap();
    let headers = [("x-amz-storage-class", "DEEP_ARCHIVE")];
    slow().request("PUT", &format!("/{}/{key}", cold.bucket), &headers, &body);
    cold.proxy.spoil(
        "POST",
        "restore",
        2,
        Fault::s3(503, "SlowDown", "Please reduce your request rate"),
    );
    let clock = Trouble {
        cold: &cold,
        day: AtomicUsize::new(0),
    };
    let done = How {
        clock: &clock,
        ..yes()
    }
    .restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(done.text().contains("is archived again"), "{}", done.text());
}

#[test]
fn no_right_to_restore_is_said() {
    let cold = cold();
    cold.proxy.spoil(
        "POST",
        "restore",
        99,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    let error = yes()
        .restore(&cold.pc, &options(), &cold.pc.target())
        .error();
    assert!(
        error.contains("requesting pc_") && error.contains("no right to do this"),
        "{error}"
    );
    cold.proxy.heal();
    // Consent was given: the next start does not ask.
    let done = How::default().restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
}

#[test]
fn a_part_requests_only_what_holds_it() {
    let cold = cold();
    let options = aam_auto_backup::parts::RestoreOptions {
        only: vec!["/home/allen/docs/a.txt".into()],
        ..options()
    };
    let done = yes().restore(&cold.pc, &options, &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    let inc = cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .iter()
        .filter(|o| o.key.contains(&format!("_{INC1}_no_")))
        .count();
    assert_eq!(cold.requests(), inc);
    assert!(Path::new(&cold.pc.target()).join("1/docs/a.txt").exists());
}

fn aam(cold: &Cold, args: &[&str]) -> (i32, String, String) {
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
        code == 2 && err.contains("nobody agreed to that") && err.contains("add --yes to agree"),
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
    while aam(&cold, &["restore", "download", "--to", "t"]).0 != 0 {}
    let (code, _, err) = aam(
        &cold,
        &["restore", "download", "--to", "t", "--with-deleted"],
    );
    assert!(
        code == 1 && err.contains("another restore was begun"),
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
        code == 2 && err.contains("add --yes to agree") && err.contains("the drill FAILED"),
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
