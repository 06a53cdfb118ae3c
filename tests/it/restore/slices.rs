//! Large volumes are downloaded in slices, each checked and used by itself.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::kit::{How, assert_as_listed, options, tree};
use super::thaw::{Cold, of_class, slow};
use crate::support::pc::FULL;
use crate::support::proxy::{Fault, Request};
use crate::support::wait::wait_until;
use aam_auto_backup::parts::Clock;
use aam_auto_backup::parts::RestoreStep;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::{Event, Outcome};

const MEBIBYTE: usize = 1 << 20;
/// Of a volume; it has two slices of 8 and 4 MiB, the last one of the archive none.
const VOLUME: usize = 12 * MEBIBYTE;
pub const FILES: usize = 40;

/// What no compressor makes shorter than six eighths.
static NOISE: LazyLock<String> = LazyLock::new(|| {
    let mut state = 1u64;
    let letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
                [(state >> 58) as usize],
        )
    };
    std::iter::repeat_with(letter).take(36 * MEBIBYTE).collect()
});

pub fn file(index: usize) -> &'static str {
    let size = NOISE.len() / FILES;
    &NOISE[index * size..][..size]
}

/// An archive of three volumes: 12, 12 and about 3 MiB.
fn made(class: StorageClass) -> Cold {
    made_of(class, VOLUME)
}

/// An archive of 27 MiB in volumes of this size.
pub fn made_of(class: StorageClass, volume: usize) -> Cold {
    let mut cold = of_class(&["/home/allen"], class);
    cold.pc.volume_size = volume as u32;
    for i in 0..FILES {
        cold.pc
            .write(1, &format!("directory-{}/{i}", i / 10), file(i));
    }
    cold.pc.full(FULL);
    cold
}

impl Cold {
    pub fn volume(&self, number: usize) -> String {
        let tail = format!(".zip.{number:03}");
        self.pc
            .store
            .list("pc_")
            .unwrap()
            .into_iter()
            .find(|o| o.key.ends_with(&tail))
            .unwrap()
            .key
    }

    /// The ranges that were asked for, with the number of their volume.
    fn ranges(&self) -> Vec<String> {
        let seen = self.proxy.seen();
        let got = seen
            .iter()
            .filter(|r| r.method == "GET" && r.target.contains("_no_"));
        got.filter_map(|r| Some(format!("{} {}", volume_of(r)?, r.header("range")?)))
            .collect()
    }

    pub fn assert_restored(&self, to: &Path) {
        assert_as_listed(&self.pc, 1, &to.join("1"));
        let content = tree(to);
        for i in 0..FILES {
            assert!(
                content[&format!("1/directory-{}/{i}", i / 10)] == file(i),
                "{i}"
            );
        }
    }
}

pub fn volume_of(request: &Request) -> Option<&str> {
    let path = request.target.split('?').next()?;
    Some(&path[path.find(".zip.")? + 5..])
}

fn yes() -> How<'static> {
    How {
        agree: true,
        ..How::default()
    }
}

const FIRST: &str = "bytes=0-8388607";
const SECOND: &str = "bytes=8388608-12582911";

/// The first slice of the first volume is not sent before something is extracted that lies behind
/// it.
#[test]
fn a_volume_is_extracted_while_it_arrives() {
    let cold = made(StorageClass::Standard);
    let to = cold.pc.target();
    let (extracted, seen) = (to.join("1/directory-2"), Arc::new(AtomicBool::new(false)));
    let noted = seen.clone();
    let wait = move |request: &Request| {
        let until = Instant::now() + Duration::from_secs(60);
        while volume_of(request) == Some("002")
            && request.header("range") == Some(SECOND)
            && !extracted.exists()
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        noted.fetch_or(extracted.exists(), Ordering::SeqCst);
        false
    };
    cold.proxy.spoil_when(wait, usize::MAX, Fault::LoseAnswer);
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(seen.load(Ordering::SeqCst), "{}", done.text());
    cold.assert_restored(&to);
    let size = cold
        .pc
        .store
        .list("pc_")
        .unwrap()
        .into_iter()
        .find(|o| o.key.ends_with(".zip.003"))
        .unwrap()
        .size;
    let last = format!("003 bytes=0-{}", size - 1);
    let expected = [
        &last,
        &format!("001 {FIRST}"),
        &format!("001 {SECOND}"),
        &format!("002 {FIRST}"),
        &format!("002 {SECOND}"),
    ];
    // Four connections ask at a time, for what is needed first.
    let mut asked = cold.ranges();
    assert!(asked[..4].contains(&last), "{asked:?}");
    asked.sort();
    let mut all: Vec<String> = expected.into_iter().cloned().collect();
    all.sort();
    assert_eq!(asked, all);
    assert!(
        done.text()
            .contains("of 5 slices are downloaded: extracting"),
        "{}",
        done.text()
    );
}

/// A byte is changed on the way of one slice: only that slice is asked for once more.
#[test]
fn a_spoiled_slice_is_sent_once_more() {
    let cold = made(StorageClass::Standard);
    let key = cold.volume(1);
    let spoiled =
        move |r: &Request| volume_of(r) == Some("001") && r.header("range") == Some(SECOND);
    let body = "x".repeat(4 * MEBIBYTE);
    let headers = vec!["Content-Range: bytes 8388608-12582911/12582912".to_owned()];
    cold.proxy
        .spoil_when(spoiled, 1, Fault::Reply(206, headers, body));
    let to = cold.pc.target();
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    cold.assert_restored(&to);
    assert!(
        done.text().contains(&format!(
            "'{key} (bytes 8388608 to 12582912)' did not arrive"
        )),
        "{}",
        done.text()
    );
    assert_eq!(cold.ranges().len(), 6, "{:?}", cold.ranges());
}

/// The object itself is not what was uploaded: nothing of the slice is used, and the error says
/// where.
#[test]
fn a_damaged_volume_is_told_by_its_slice() {
    let cold = made(StorageClass::Standard);
    let (one, two) = (cold.volume(1), cold.volume(2));
    let bytes = |key: &str| cold.pc.store.read(key, VOLUME as u64).unwrap();
    let put = |key: &str, bytes: &[u8]| {
        assert_eq!(
            slow()
                .request("PUT", &format!("/{}/{key}", cold.bucket), &[], bytes)
                .status,
            200
        );
    };
    let (first, second) = (bytes(&one), bytes(&two));
    let mut flipped = first.clone();
    flipped[10 * MEBIBYTE] ^= 1;
    put(&one, &flipped);
    let to = cold.pc.target();
    let error = yes().restore(&cold.pc, &options(), &to).text();
    assert!(
        error.contains(&format!("'{one} (bytes 8388608 to 12582912)' is damaged")),
        "{error}"
    );
    put(&one, &second);
    put(&two, &first);
    let error = yes()
        .restore(
            &cold.pc,
            &options(),
            &cold.pc.scratch.path().join("swapped"),
        )
        .text();
    assert!(
        error.contains(&format!("it holds what '{two}' should")),
        "{error}"
    );
    // Mended, the first restore goes on.
    put(&one, &first);
    put(&two, &second);
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    cold.assert_restored(&to);
}

/// Half a slice here, another whole one: neither is fetched again.
#[test]
fn half_a_slice_goes_on() {
    let cold = made(StorageClass::Standard);
    let to = cold.pc.target();
    How {
        step: RestoreStep::Download,
        ..yes()
    }
    .restore(&cold.pc, &options(), &to)
    .ok();
    let place = to.join(format!(".aam-restore/volumes/1-{FULL}"));
    let mut names: Vec<String> = fs::read_dir(&place)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        (1..=5)
            .map(|i| format!("slice.zip.{i:03}"))
            .collect::<Vec<_>>()
    );
    let half = fs::read(place.join("slice.zip.002")).unwrap();
    fs::remove_file(place.join("slice.zip.002")).unwrap();
    fs::write(place.join("slice.zip.002.part"), &half[..MEBIBYTE]).unwrap();
    let before = cold.ranges().len();
    let done = yes().restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    cold.assert_restored(&to);
    assert_eq!(cold.ranges()[before..], ["001 bytes=9437184-12582911"]);
}

/// The days that a volume is readable for are over when half of it is here: it is asked for again,
/// as one object, and what is here stays.
#[test]
fn a_volume_that_freezes_half_way() {
    struct Days<'a>(&'a Cold, AtomicUsize);
    impl Clock for Days<'_> {
        fn wait(&self, _: Duration, _: &dyn Fn() -> bool) {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.proxy.heal();
        }
    }
    let cold = made(StorageClass::DeepArchive);
    let to = cold.pc.target();
    How {
        step: RestoreStep::Request,
        ..yes()
    }
    .restore(&cold.pc, &options(), &to)
    .ok();
    let download = How {
        step: RestoreStep::Download,
        ..yes()
    };
    wait_until("all of it is readable", || {
        download.restore(&cold.pc, &options(), &to).outcome == Outcome::Success
    });
    let place = to.join(format!(".aam-restore/volumes/1-{FULL}"));
    fs::remove_file(place.join("slice.zip.002")).unwrap();
    fs::remove_file(place.join("slice.zip.004")).unwrap();
    let is_second = |r: &Request| volume_of(r) == Some("001") && r.method == "GET";
    let frozen = Fault::s3(
        403,
        "InvalidObjectState",
        "The operation is not valid for the object's storage class",
    );
    cold.proxy.spoil_when(is_second, usize::MAX, frozen);
    let before = cold.ranges().len();
    let clock = Days(&cold, AtomicUsize::new(0));
    let done = How {
        clock: &clock,
        ..yes()
    }
    .restore(&cold.pc, &options(), &to);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(clock.1.load(Ordering::SeqCst), 1, "{}", done.text());
    assert!(
        done.text().contains("1 of 3 objects are not readable yet"),
        "{}",
        done.text()
    );
    cold.assert_restored(&to);
    let mut asked = cold.ranges()[before..].to_vec();
    asked.sort();
    assert_eq!(
        asked,
        [
            format!("001 {SECOND}"),
            format!("001 {SECOND}"),
            format!("002 {SECOND}")
        ]
    );
    let told = done
        .events
        .iter()
        .filter(|e| matches!(e, Event::Downloading { from: Some(_), .. }))
        .count();
    assert_eq!(told, 3, "{}", done.text());
}

/// Each object is one object for costs and requests, whatever it is cut into.
#[test]
fn costs_are_by_object() {
    let cold = made(StorageClass::DeepArchive);
    let done = yes().restore(&cold.pc, &options(), &cold.pc.target());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(cold.proxy.count("POST", "restore"), 3);
    assert!(
        done.text().contains("3 objects requested"),
        "{}",
        done.text()
    );
}

/// A marker of an older program has no slices, and one may lie: the volumes are taken whole.
#[test]
fn markers_without_slices() {
    for lie in [None, Some(r#"{"size": 5, "sha256": ["00"]}"#)] {
        let cold = made(StorageClass::Standard);
        let key = cold
            .pc
            .store
            .list("pc_")
            .unwrap()
            .into_iter()
            .find(|o| o.key.contains("_yes_"))
            .unwrap()
            .key;
        let mut marker: serde_json::Value =
            serde_json::from_slice(&cold.pc.store.read(&key, 1 << 20).unwrap()).unwrap();
        for volume in marker["volumes"].as_array_mut().unwrap() {
            let volume = volume.as_object_mut().unwrap();
            volume.remove("slices");
            if let Some(lie) = lie {
                volume.insert("slices".into(), serde_json::from_str(lie).unwrap());
            }
        }
        let path = format!("/{}/{key}", cold.bucket);
        assert_eq!(
            slow()
                .request("PUT", &path, &[], marker.to_string().as_bytes())
                .status,
            200
        );
        let to = cold.pc.target();
        let done = yes().restore(&cold.pc, &options(), &to);
        assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
        cold.assert_restored(&to);
        // Two volumes of two pieces, and the last.
        assert_eq!(cold.ranges().len(), 5, "{:?}", cold.ranges());
    }
}
