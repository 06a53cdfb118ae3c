//! Thawing, against a server that takes its time.

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::ThawState;
use aam_auto_backup::parts::{DirectoryStore, Purpose, S3Settings, S3Store, Store, StoreErrorKind};
use aam_auto_backup::parts::{StorageClass, Tier};

use super::{Place, SILENT, settings};
use crate::support::moto::Moto;
use crate::support::proxy::{Fault, Proxy};
use crate::support::wait::wait_until;

#[test]
fn an_object_thaws_and_is_read() {
    let moto = Moto::start(&[]);
    moto.slow_thaw(5);
    let proxy = Proxy::start(moto.address());
    let bucket = moto.bucket();
    let endpoints = vec![proxy.endpoint()];
    let settings = S3Settings {
        endpoints,
        storage_class: StorageClass::DeepArchive,
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let place = Place::directory();
    store
        .put(
            "volume",
            &place.file("volume", b"ice"),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    store.put_bytes("marker", b"x", Purpose::Index).unwrap();
    assert_eq!(store.thaw_state("marker").unwrap(), ThawState::Ready);
    assert_eq!(store.thaw_state("volume").unwrap(), ThawState::Frozen);
    // Throttled twice: the SDK asks again.
    proxy.spoil(
        "POST",
        "restore",
        2,
        Fault::s3(503, "SlowDown", "Reduce your request rate"),
    );
    store.thaw("volume", 2, Tier::Bulk).unwrap();
    assert_eq!(proxy.count("POST", "restore"), 3);
    assert_eq!(store.thaw_state("volume").unwrap(), ThawState::Thawing);
    assert_eq!(
        store
            .get("volume", &place.free("early"), &Cancel::new(), SILENT)
            .unwrap_err()
            .kind,
        StoreErrorKind::Frozen
    );
    proxy.spoil(
        "POST",
        "restore",
        1,
        Fault::s3(
            409,
            "RestoreAlreadyInProgress",
            "Object restore is already in progress",
        ),
    );
    store.thaw("volume", 2, Tier::Standard).unwrap();
    wait_until("the volume is readable", || {
        store.thaw_state("volume").unwrap() == ThawState::Ready
    });
    store.thaw("volume", 2, Tier::Bulk).unwrap();
    store
        .get("volume", &place.free("copy"), &Cancel::new(), SILENT)
        .unwrap();
    // What needs no thawing may be asked for.
    store.thaw("marker", 2, Tier::Bulk).unwrap();
    let missing = store.thaw("none", 2, Tier::Bulk).unwrap_err();
    assert_eq!(missing.kind, StoreErrorKind::NotFound, "{missing}");
    assert_eq!(
        store.thaw_state("none").unwrap_err().kind,
        StoreErrorKind::NotFound
    );
    proxy.spoil(
        "POST",
        "restore",
        1,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    let denied = store.thaw("volume", 2, Tier::Bulk).unwrap_err();
    assert!(
        denied.kind == StoreErrorKind::Forbidden && denied.to_string().contains("volume"),
        "{denied}"
    );
}

#[test]
fn what_is_in_a_directory_is_always_ready() {
    let place = Place::directory();
    let directory = place.free("other");
    std::fs::create_dir(&directory).unwrap();
    let store = DirectoryStore::open(&directory, Cancel::new()).unwrap();
    assert_eq!(store.thaw_state("any").unwrap(), ThawState::Ready);
    store.thaw("any", 2, Tier::Bulk).unwrap();
}
