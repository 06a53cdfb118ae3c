//! What every store does, run against each.

mod growing;
mod trouble;

use growing::{
    growing_objects_appear_when_they_are_published, growing_objects_end_with_an_interrupt,
    growing_objects_replace_nothing, growing_objects_that_are_abandoned_leave_nothing,
    traces_of_growing_objects_are_removed,
};
use trouble::{
    changing_sources_are_refused, interrupted_downloads_go_on_later,
    interrupted_uploads_leave_nothing, missing_sources_are_local_errors,
    nothing_begins_after_an_interrupt, vanished_stores_are_noticed,
};

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::{Purpose, StoreErrorKind};

use super::{MEBIBYTE, Place, SILENT, add_to, check_words, content, keys, sha256};

macro_rules! for_each_store {
    ($($case:ident)*) => {
        mod directory { $(#[test] fn $case() { super::$case(&super::Place::directory()); })* }
        mod s3 { $(#[test] fn $case() { super::$case(&super::Place::s3()); })* }
        #[cfg(unix)]
        mod rclone { $(#[test] fn $case() { super::$case(&super::Place::rclone()); })* }
    };
}

// A thousand objects would be thousands of programs; rclone's own listing has no pages.
#[test]
fn directories_have_no_end() {
    listings_have_no_end(&Place::directory());
}

#[test]
fn buckets_have_no_end() {
    listings_have_no_end(&Place::s3());
}

for_each_store! {
    objects_come_back_as_they_went
    large_objects_come_back_as_they_went
    small_objects_are_read_up_to_a_limit
    nothing_is_overwritten
    listings_are_sorted_and_filtered
    what_was_received_later_is_left_out
    downloads_go_on
    longer_targets_are_left_alone
    missing_keys_are_not_found
    removed_objects_are_gone
    missing_sources_are_local_errors
    changing_sources_are_refused
    interrupted_uploads_leave_nothing
    interrupted_downloads_go_on_later
    nothing_begins_after_an_interrupt
    vanished_stores_are_noticed
    growing_objects_appear_when_they_are_published
    growing_objects_that_are_abandoned_leave_nothing
    growing_objects_replace_nothing
    traces_of_growing_objects_are_removed
    growing_objects_end_with_an_interrupt
}

fn what_was_received_later_is_left_out(place: &Place) {
    for key in ["b", "a"] {
        let put = place.store.put_bytes(key, key.as_bytes(), Purpose::Index);
        put.unwrap();
    }
    let day = chrono::TimeDelta::days(1);
    let listed = |moment| place.store.list_before("", moment).unwrap();
    let past = listed(chrono::Utc::now() - day);
    assert_eq!((past.objects.len(), past.later), (0, 2));
    let future = listed(chrono::Utc::now() + day);
    let keys: Vec<&str> = future.objects.iter().map(|o| o.key.as_str()).collect();
    assert_eq!((keys, future.later), (vec!["a", "b"], 0));
    assert!(future.without_versions.is_none() && future.older_versions == 0);
}

fn objects_come_back_as_they_went(place: &Place) {
    for size in [0, 1, MEBIBYTE, MEBIBYTE + 1, 16 * MEBIBYTE] {
        let key = format!("main_20260401_010203.000004_0_0.0_no_c--data-.zip.{size}");
        let source = place.file("source", &content(size));
        let sent = AtomicU64::new(0);
        let stored = place
            .store
            .put(&key, &source, Purpose::Archive, &add_to(&sent))
            .unwrap();
        assert_eq!(
            (stored.key.as_str(), stored.size),
            (key.as_str(), size as u64)
        );
        assert_eq!(stored.sha256, sha256(&source));
        assert_eq!(sent.into_inner(), size as u64);

        let target = place.free(&format!("target {size}"));
        let received = AtomicU64::new(0);
        place
            .store
            .get(&key, &target, &Cancel::new(), &add_to(&received))
            .unwrap();
        assert!(fs::read(&target).unwrap() == content(size), "{size}");
        assert_eq!(received.into_inner(), size as u64);
    }
}

fn large_objects_come_back_as_they_went(place: &Place) {
    let source = place.file("source", &content(40 * MEBIBYTE + 3));
    let sent = AtomicU64::new(0);
    let stored = place
        .store
        .put("large", &source, Purpose::Archive, &add_to(&sent))
        .unwrap();
    assert_eq!(stored.sha256, sha256(&source));
    assert_eq!(
        (stored.size, sent.into_inner()),
        (40 * MEBIBYTE as u64 + 3, 40 * MEBIBYTE as u64 + 3)
    );
    assert_eq!(place.store.list("").unwrap()[0].size, stored.size);
    let target = place.free("target");
    place
        .store
        .get("large", &target, &Cancel::new(), SILENT)
        .unwrap();
    assert_eq!(sha256(&target), stored.sha256);
    assert_eq!(place.remains(), [""; 0]);
}

fn small_objects_are_read_up_to_a_limit(place: &Place) {
    for size in [0, 5, 2 * MEBIBYTE] {
        let key = &format!("marker {size}");
        let stored = place
            .store
            .put_bytes(key, &content(size), Purpose::Index)
            .unwrap();
        assert_eq!((&stored.key, stored.size), (key, size as u64));
        assert_eq!(stored.sha256, sha256(&place.file("same", &content(size))));
        assert!(place.store.read(key, size as u64).unwrap() == content(size));
        if size > 0 {
            let error = place.store.read(key, size as u64 - 1).unwrap_err();
            check_words(&error, &*place.store, key);
            assert_eq!(error.kind, StoreErrorKind::Other);
        }
    }
}

fn nothing_is_overwritten(place: &Place) {
    let large = content(17 * MEBIBYTE);
    let first = place
        .store
        .put_bytes("key", b"first", Purpose::Index)
        .unwrap();
    let source = place.file("source", &large);
    let first_large = place
        .store
        .put("large", &source, Purpose::Archive, SILENT)
        .unwrap();
    // The same once more is done already.
    let store = place.again();
    assert_eq!(
        store.put_bytes("key", b"first", Purpose::Index).unwrap(),
        first
    );
    assert_eq!(
        store
            .put(
                "key",
                &place.file("same", b"first"),
                Purpose::Archive,
                SILENT
            )
            .unwrap(),
        first
    );
    assert_eq!(
        store
            .put("large", &source, Purpose::Archive, SILENT)
            .unwrap(),
        first_large
    );
    // Another content is not, whatever its size.
    let other = place.file("other", &[&large[1..], b"x"].concat());
    for (key, error) in [
        (
            "key",
            store
                .put_bytes("key", b"other", Purpose::Index)
                .unwrap_err(),
        ),
        (
            "key",
            store.put_bytes("key", b"", Purpose::Index).unwrap_err(),
        ),
        (
            "key",
            store
                .put(
                    "key",
                    &place.file("small", b"other"),
                    Purpose::Archive,
                    SILENT,
                )
                .unwrap_err(),
        ),
        (
            "key",
            store
                .put("key", &other, Purpose::Archive, SILENT)
                .unwrap_err(),
        ),
        (
            "large",
            store
                .put("large", &other, Purpose::Archive, SILENT)
                .unwrap_err(),
        ),
    ] {
        check_words(&error, &*store, key);
        assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
        assert!(
            error.hint.contains("`location`") && error.hint.contains("clock"),
            "{}",
            error.hint
        );
    }
    assert_eq!(store.read("key", 100).unwrap(), b"first");
    assert!(store.read("large", u64::MAX).unwrap() == large);
    assert_eq!(keys(&store.list("").unwrap()), ["key", "large"]);
    assert_eq!(place.remains(), [""; 0]);
}

fn listings_are_sorted_and_filtered(place: &Place) {
    assert_eq!(place.store.list("").unwrap(), []);
    for key in ["b_2", "a_1", "a_10", "A_1", "a", "é & <ä> +%20", "b_1"] {
        place
            .store
            .put_bytes(key, key.as_bytes(), Purpose::Index)
            .unwrap();
    }
    for (prefix, expected) in [
        (
            "",
            &["A_1", "a", "a_1", "a_10", "b_1", "b_2", "é & <ä> +%20"][..],
        ),
        ("a", &["a", "a_1", "a_10"]),
        ("a_1", &["a_1", "a_10"]),
        ("é & <", &["é & <ä> +%20"]),
        ("*", &[]),
        ("nothing", &[]),
    ] {
        assert_eq!(
            keys(&place.store.list(prefix).unwrap()),
            expected,
            "{prefix:?}"
        );
    }
    for object in place.store.list("").unwrap() {
        assert_eq!(object.size, object.key.len() as u64);
        assert_eq!(
            place.store.read(&object.key, 100).unwrap(),
            object.key.as_bytes()
        );
    }
}

/// S3 answers a thousand at a time. Written from several threads, as a store may be.
fn listings_have_no_end(place: &Place) {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in (0..1_100).filter(|number| number % 4 == thread) {
                    place
                        .store
                        .put_bytes(&format!("many_{number:05}"), b"x", Purpose::Index)
                        .unwrap();
                }
            });
        }
    });
    place
        .store
        .put_bytes("other", b"x", Purpose::Index)
        .unwrap();
    let listed = place.store.list("many_").unwrap();
    let expected: Vec<_> = (0..1_100)
        .map(|number| format!("many_{number:05}"))
        .collect();
    assert_eq!(keys(&listed), expected);
}

fn downloads_go_on(place: &Place) {
    let whole = content(3 * MEBIBYTE);
    place
        .store
        .put(
            "key",
            &place.file("source", &whole),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    for present in [0, 1, MEBIBYTE, whole.len() - 1, whole.len()] {
        let target = place.file("target", &whole[..present]);
        let received = AtomicU64::new(0);
        place
            .store
            .get("key", &target, &Cancel::new(), &add_to(&received))
            .unwrap();
        assert!(fs::read(&target).unwrap() == whole, "{present}");
        assert_eq!(received.into_inner(), (whole.len() - present) as u64);
    }
}

fn longer_targets_are_left_alone(place: &Place) {
    for size in [0, 5] {
        let key = &format!("key {size}");
        place
            .store
            .put_bytes(key, &content(size), Purpose::Archive)
            .unwrap();
        let target = place.file("target", b"somebody's diary");
        let error = place
            .store
            .get(key, &target, &Cancel::new(), SILENT)
            .unwrap_err();
        check_words(&error, &*place.store, key);
        assert_eq!(error.kind, StoreErrorKind::Local);
        assert_eq!(fs::read(&target).unwrap(), b"somebody's diary");
    }
}

fn missing_keys_are_not_found(place: &Place) {
    // Another object whose name begins the same is not it.
    place
        .store
        .put_bytes("missing, but longer", b"x", Purpose::Index)
        .unwrap();
    let target = place.free("target");
    for error in [
        place.store.read("missing", 100).unwrap_err(),
        place
            .store
            .get("missing", &target, &Cancel::new(), SILENT)
            .unwrap_err(),
    ] {
        check_words(&error, &*place.store, "missing");
        assert_eq!(error.kind, StoreErrorKind::NotFound);
    }
    assert!(!target.exists());
}

fn removed_objects_are_gone(place: &Place) {
    for key in ["key", "key and more"] {
        place.store.put_bytes(key, b"x", Purpose::Index).unwrap();
    }
    // The second time it is not there.
    for _ in 0..2 {
        place.store.remove("key").unwrap();
        let listed = place.store.list("").unwrap();
        assert_eq!(keys(&listed), ["key and more"]);
    }
}
