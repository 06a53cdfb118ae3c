//! Objects that are sent while their content is made.

use std::fs;

use aam_auto_backup::parts::{Cancel, GrowingObject, ObjectRef, Purpose, StoreErrorKind};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::stores::{Kind, MEBIBYTE, Place, SILENT, content};

fn stored(bytes: &[u8]) -> ObjectRef {
    ObjectRef {
        key: "key".to_owned(),
        size: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
        slices: None,
    }
}

/// An object that was sent to its end.
fn sent<'a>(place: &'a Place, bytes: &[u8]) -> Box<dyn GrowingObject + 'a> {
    let mut object = place.store.grow("key", Purpose::Archive).unwrap();
    for part in bytes.chunks(6 * MEBIBYTE) {
        object.add(Bytes::copy_from_slice(part)).unwrap();
    }
    object.close().unwrap();
    object
}

pub fn growing_objects_appear_when_they_are_published(place: &Place) {
    for size in [13 * MEBIBYTE, 5] {
        let bytes = content(size);
        let object = sent(place, &bytes);
        assert_eq!(place.store.list("").unwrap(), []);
        object.publish(&stored(&bytes)).unwrap();
        let target = place.scratch.path().join("target");
        place
            .store
            .get("key", &target, &Cancel::new(), SILENT)
            .unwrap();
        assert_eq!(fs::read(&target).unwrap(), bytes);
        assert_eq!(place.remains(), [""; 0]);
        fs::remove_file(target).unwrap();
        place.store.remove("key").unwrap();
    }
}

pub fn growing_objects_that_are_abandoned_leave_nothing(place: &Place) {
    sent(place, &content(7 * MEBIBYTE)).abandon().unwrap();
    let mut object = place.store.grow("key", Purpose::Archive).unwrap();
    object.add(content(6 * MEBIBYTE).into()).unwrap();
    object.abandon().unwrap();
    assert_eq!(place.store.list("").unwrap(), []);
    assert_eq!(place.remains(), [""; 0]);
}

pub fn growing_objects_replace_nothing(place: &Place) {
    let bytes = content(100);
    let object = sent(place, &bytes);
    let other = place.store.put_bytes("key", b"other", Purpose::Archive);
    other.unwrap();
    let error = object.publish(&stored(&bytes)).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(place.store.read("key", 10).unwrap(), b"other");
    assert_eq!(place.remains(), [""; 0]);
}

pub fn traces_of_growing_objects_are_removed(place: &Place) {
    let mut object = place.store.grow("key", Purpose::Archive).unwrap();
    object.add(content(6 * MEBIBYTE).into()).unwrap();
    object.close().unwrap();
    let trace = object.trace();
    std::mem::forget(object);
    assert_eq!(place.remains().len(), 1);
    for _ in 0..2 {
        place.store.remove_trace("key", &trace).unwrap();
        assert_eq!(place.remains(), [""; 0]);
    }
    place
        .store
        .put_bytes("key", b"an object", Purpose::Archive)
        .unwrap();
    // Whatever a file says, no object is removed.
    let _ = place.store.remove_trace("other", "key");
    let _ = place.store.remove_trace("key", "key");
    let _ = place.store.remove_trace("key", "nas:key");
    assert_eq!(place.store.list("").unwrap().len(), 1);
}

pub fn growing_objects_end_with_an_interrupt(place: &Place) {
    let mut object = place.store.grow("key", Purpose::Archive).unwrap();
    object.add(content(6 * MEBIBYTE).into()).unwrap();
    place.cancel.set();
    let ended = object.close().and_then(|()| object.add(content(5).into()));
    assert_eq!(ended.unwrap_err().kind, StoreErrorKind::Interrupted);
    object.abandon().unwrap();
    if !matches!(place.kind, Kind::Rclone(..)) {
        assert_eq!(place.remains(), [""; 0]);
    }
}
