//! Sources that are missing or change, interrupts, and stores that vanish.

use super::*;

pub(super) fn missing_sources_are_local_errors(place: &Place) {
    for source in [place.free("nothing"), place.scratch.path().to_owned()] {
        let error = place
            .store
            .put("key", &source, Purpose::Archive, SILENT)
            .unwrap_err();
        check_words(&error, &*place.store, "key");
        assert_eq!(error.kind, StoreErrorKind::Local);
        assert!(error.why.contains(source.to_str().unwrap()), "{error}");
    }
    let error = place
        .store
        .get(
            "key",
            &place.free("no directory/target"),
            &Cancel::new(),
            SILENT,
        )
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    place.store.put_bytes("key", b"x", Purpose::Index).unwrap();
    let error = place
        .store
        .get(
            "key",
            &place.free("no directory/target"),
            &Cancel::new(),
            SILENT,
        )
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Local, "{error}");
}

pub(super) fn changing_sources_are_refused(place: &Place) {
    // Larger than all that is read ahead, so that the change comes while there is still something
    // to read.
    let source = place.free("source");
    let file = fs::File::create(&source).unwrap();
    file.set_len(160 * MEBIBYTE as u64).unwrap();
    let touch = |_| {
        fs::OpenOptions::new()
            .append(true)
            .open(&source)
            .unwrap()
            .write_all(b"more")
            .unwrap()
    };
    let error = place
        .store
        .put("key", &source, Purpose::Archive, &touch)
        .unwrap_err();
    check_words(&error, &*place.store, "key");
    assert_eq!(error.kind, StoreErrorKind::Local, "{error}");
    assert!(error.why.contains("changed while it was read"), "{error}");
    assert_eq!(place.store.list("").unwrap(), []);
    assert_eq!(place.remains(), [""; 0]);
}

pub(super) fn interrupted_uploads_leave_nothing(place: &Place) {
    place
        .store
        .put_bytes("other", b"stays", Purpose::Index)
        .unwrap();
    let source = place.file("source", &content(40 * MEBIBYTE));
    let error = place
        .store
        .put("key", &source, Purpose::Archive, &|_| place.cancel.set())
        .unwrap_err();
    check_words(&error, &*place.store, "key");
    assert_eq!(error.kind, StoreErrorKind::Interrupted);
    assert_eq!(keys(&place.again().list("").unwrap()), ["other"]);
    assert_eq!(place.remains(), [""; 0]);
}

pub(super) fn interrupted_downloads_go_on_later(place: &Place) {
    let source = place.file("source", &content(40 * MEBIBYTE));
    place
        .store
        .put("key", &source, Purpose::Archive, SILENT)
        .unwrap();
    let target = place.free("target");
    let received = AtomicU64::new(0);
    let error = place
        .store
        .get("key", &target, &place.cancel, &|more| {
            // So much that even of pieces that arrive side by side the first one has begun.
            if received.fetch_add(more, Ordering::Relaxed) < 32 * MEBIBYTE as u64 {
                return;
            }
            place.cancel.set();
            // Longer than a store may take to notice.
            std::thread::sleep(std::time::Duration::from_millis(1));
        })
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Interrupted, "{error}");
    let present = fs::metadata(&target).unwrap().len();
    assert!(present > 0 && present < 40 * MEBIBYTE as u64, "{present}");
    place
        .again()
        .get("key", &target, &Cancel::new(), SILENT)
        .unwrap();
    assert_eq!(sha256(&target), sha256(&source));
}

pub(super) fn nothing_begins_after_an_interrupt(place: &Place) {
    let source = place.file("source", b"x");
    place.cancel.set();
    let store = &place.store;
    for error in [
        store
            .put("key", &source, Purpose::Archive, SILENT)
            .unwrap_err(),
        store.put_bytes("key", b"x", Purpose::Index).unwrap_err(),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Interrupted, "{error}");
    }
    assert_eq!(place.again().list("").unwrap(), []);
}

pub(super) fn vanished_stores_are_noticed(place: &Place) {
    place.store.put_bytes("key", b"x", Purpose::Index).unwrap();
    let source = place.file("source", &content(100));
    place.vanish();
    let store = &place.store;
    for error in [
        store.list("").unwrap_err(),
        store.list("key").unwrap_err(),
        store
            .put("key", &source, Purpose::Archive, SILENT)
            .unwrap_err(),
        store.put_bytes("key", b"x", Purpose::Index).unwrap_err(),
        store.read("key", 100).unwrap_err(),
        store.remove("key").unwrap_err(),
        store
            .get("key", &place.free("target"), &Cancel::new(), SILENT)
            .unwrap_err(),
    ] {
        check_words(&error, &**store, "");
        assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
        assert!(!error.hint.is_empty(), "{error}");
    }
}
