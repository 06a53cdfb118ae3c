//! The disk need not hold the archive beside its files: what is extracted is deleted while the rest
//! arrives.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::kit::{How, options, plan};
use super::slices::{FILES, file, made_of, volume_of};
use super::thaw::Cold;
use crate::support::harm::Mounted;
use crate::support::pc::{FULL, INC1};
use crate::support::proxy::{Fault, Request};
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::Prices;
use aam_auto_backup::parts::RestoreStep;
use aam_auto_backup::parts::ThawPolicy;
use aam_auto_backup::parts::restore::status;
use aam_auto_backup::parts::{StorageClass, Tier};

const MEBIBYTE: usize = 1 << 20;

fn yes() -> How<'static> {
    How {
        agree: true,
        ..How::default()
    }
}

/// A 7-Zip whose first extraction takes its time.
fn sleeps_once(cold: &Cold) -> Option<String> {
    let flag = cold.pc.scratch.path().join("slept");
    cold.seven_zip(&format!(
        "'x '*arriving*) mkdir '{}' 2>/dev/null && sleep 4 ;;",
        flag.display()
    ))
}

/// Numbers of the volumes that were asked for, after so many requests.
fn asked(cold: &Cold, after: usize) -> BTreeSet<String> {
    let seen = cold.proxy.seen();
    let got = seen
        .iter()
        .skip(after)
        .filter(|r| r.header("range").is_some() && r.target.contains("_no_"));
    got.filter_map(|r| Some(volume_of(r)?.to_owned())).collect()
}

/// Files of 36 MiB, an archive of 27 MiB, a disk of 50 MiB.
#[test]
fn a_disk_that_cannot_hold_both() {
    let cold = made_of(StorageClass::Standard, MEBIBYTE);
    let disk = cold.pc.scratch.path().join("disk");
    let Some(_mounted) = Mounted::of_size(&disk, 50 * 1024) else {
        return;
    };
    let to = disk.join("back");
    // While the first piece is extracted, everything could be downloaded, but for the room.
    let seven_zip = sleeps_once(&cold);
    let done = How { seven_zip, ..yes() }.restore(&cold.pc, &options(), &to);
    assert!(cold.pc.scratch.path().join("slept").exists());
    assert_eq!(
        done.outcome,
        Outcome::Success,
        "{:?}\n{}",
        done.result,
        done.text()
    );
    cold.assert_restored(&to);
}

/// All volumes are here already, and leave too little room for all files at once.
#[test]
fn a_disk_that_volumes_fill() {
    let cold = made_of(StorageClass::Standard, MEBIBYTE);
    let disk = cold.pc.scratch.path().join("disk");
    let Some(_mounted) = Mounted::of_size(&disk, 50 * 1024) else {
        return;
    };
    let to = disk.join("back");
    How {
        step: RestoreStep::Download,
        ..yes()
    }
    .restore(&cold.pc, &options(), &to)
    .ok();
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(
        done.outcome,
        Outcome::Success,
        "{:?}\n{}",
        done.result,
        done.text()
    );
    cold.assert_restored(&to);
}

/// The volumes of two backups would fill it: those of the second wait for the first.
#[test]
fn a_disk_that_cannot_hold_two() {
    let mut cold = made_of(StorageClass::Standard, MEBIBYTE);
    for i in 0..FILES {
        cold.pc
            .write(1, &format!("directory-{}/{i}", i / 10), file(i));
    }
    cold.pc.incremental(INC1);
    let disk = cold.pc.scratch.path().join("disk");
    let Some(_mounted) = Mounted::of_size(&disk, 50 * 1024) else {
        return;
    };
    let to = disk.join("back");
    let seven_zip = sleeps_once(&cold);
    let done = How { seven_zip, ..yes() }.restore(&cold.pc, &options(), &to);
    assert_eq!(
        done.outcome,
        Outcome::Success,
        "{:?}\n{}",
        done.result,
        done.text()
    );
    cold.assert_restored(&to);
}

/// A restore that fails at the second but last volume when the others were used. Returns their
/// numbers.
fn failed(cold: &Cold, to: &Path) -> BTreeSet<String> {
    let of_full = |key: &str| key.contains("_0_0.0_no_");
    let last = cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .iter()
        .filter(|o| of_full(&o.key))
        .count()
        - 1;
    let missing = format!("{last:03}");
    let state = to.join(".aam-restore/state.json");
    let used = move || {
        let state: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
        let portions = state["used"]
            .as_array()
            .unwrap()
            .iter()
            .map(|used| used["portion"].as_u64().unwrap() + 1);
        portions
            .map(|number| format!("{number:03}"))
            .collect::<BTreeSet<String>>()
    };
    let so_far = used.clone();
    let is_it = move |r: &Request| {
        let is_it =
            r.header("range").is_some() && of_full(&r.target) && volume_of(r) == Some(&missing);
        let until = Instant::now() + Duration::from_secs(60);
        while is_it && so_far().len() < 20 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        is_it
    };
    cold.proxy.spoil_when(
        is_it,
        usize::MAX,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    assert!(yes().restore(&cold.pc, &options(), to).result.is_err());
    cold.proxy.heal();
    let used = used();
    assert!(used.len() >= 20, "{used:?}");
    let there = to.join(format!(".aam-restore/volumes/1-{FULL}"));
    for number in &used {
        assert!(
            !there.join(format!("volume.zip.{number}")).exists(),
            "{number} was deleted"
        );
    }
    used
}

#[test]
fn what_was_used_is_not_fetched_again() {
    let cold = made_of(StorageClass::Standard, MEBIBYTE);
    let to = cold.pc.target();
    let used = failed(&cold, &to);
    let prices = Prices::default();
    let thaw = ThawPolicy {
        keep_days: 2,
        tier: Tier::Bulk,
        poll_every: super::kit::POLL,
        prices: &prices,
        clock: &super::kit::NoWait,
        agree: &|_| false,
    };
    let found = status(
        &plan(&cold.pc, &options()).unwrap(),
        Some(&to),
        &*cold.pc.store,
        &thaw,
    )
    .unwrap();
    assert!(
        found.estimate.here.objects >= used.len() as u64,
        "{}",
        found.to_text(true)
    );
    let before = cold.proxy.seen().len();
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    cold.assert_restored(&to);
    assert!(asked(&cold, before).is_disjoint(&used), "{used:?}");
}

/// The same while another backup's volumes wait for room: they do not keep the line to themselves.
#[test]
fn what_waits_for_room_holds_nobody_up() {
    let mut cold = made_of(StorageClass::Standard, MEBIBYTE);
    let disk = cold.pc.scratch.path().join("disk");
    let Some(_mounted) = Mounted::of_size(&disk, 95 * 1024) else {
        return;
    };
    for i in 0..10 {
        cold.pc.write(1, &format!("later/{i}"), file(i));
    }
    cold.pc.incremental(INC1);
    let to = disk.join("back");
    failed(&cold, &to);
    let seven_zip = cold.seven_zip("*arriving*) exit 2;;");
    let done = How { seven_zip, ..yes() }.restore(&cold.pc, &options(), &to);
    assert_eq!(
        done.outcome,
        Outcome::Success,
        "{:?}\n{}",
        done.result,
        done.text()
    );
}

/// A 7-Zip that wants the whole archive after all gets it.
#[test]
fn what_was_used_is_fetched_again_when_it_is_needed() {
    let cold = made_of(StorageClass::Standard, MEBIBYTE);
    let to = cold.pc.target();
    let used = failed(&cold, &to);
    let before = cold.proxy.seen().len();
    let seven_zip = cold.seven_zip("*arriving*) exit 2;;");
    // They may be archived again: the next start orders them.
    let second = |r: &Request| r.header("range").is_some() && volume_of(r) == Some("002");
    let frozen = Fault::s3(
        403,
        "InvalidObjectState",
        "The operation is not valid for the object's storage class",
    );
    cold.proxy.spoil_when(second, usize::MAX, frozen);
    let how = How { seven_zip, ..yes() };
    assert!(
        how.restore(&cold.pc, &options(), &to)
            .error()
            .contains(".zip.002")
    );
    cold.proxy.heal();
    let done = how.restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    cold.assert_restored(&to);
    assert!(asked(&cold, before).is_superset(&used), "{used:?}");
}
