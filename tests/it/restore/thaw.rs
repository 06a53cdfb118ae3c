//! Restore from an archive class, against a server whose objects take their time to thaw.

mod waiting;

mod commands;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::kit::*;
pub use crate::support::moto::slow;
use crate::support::pc::{FULL, INC1, INC2, KEY, Pc};
use crate::support::proxy::{Fault, Proxy};
use crate::support::wait::{wait_for, wait_until};
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
        endpoints: vec![proxy.endpoint()],
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
        "work: Thawing",
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
    assert_eq!(found.estimate.frozen.objects, 0, "{}", found.to_text(true));
    wait_until("all of it is readable", || {
        found = look();
        found.estimate.thawing.objects == 0
    });
    assert!(
        found.to_text(true).contains("readable") && found.estimate.hours == 0,
        "{}",
        found.to_text(true)
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
    let bytes = wait_for("it is readable", || cold.pc.store.read(&key, 1 << 20).ok());
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
        error.contains("another restore was started") && error.contains("layout numbered"),
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
        error.contains("cannot be read") && error.contains("to start anew"),
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
