//! Faults that only S3 can have, and what only S3 knows.

mod nodes;
mod refusals;

mod faults;

use std::fs;

use aam_auto_backup::parts::AccessKey;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::Transfers;
use aam_auto_backup::parts::UNREACHABLE_AFTER;
use aam_auto_backup::parts::{Purpose, S3Settings, S3Store, Store, StoreErrorKind};

use super::{ID, MEBIBYTE, Place, SECRET, SILENT, check_words, content, settings, sha256, uploads};
use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fault, Proxy};

/// A bucket behind a proxy.
pub(super) struct Behind {
    pub proxy: Proxy,
    pub bucket: String,
    pub store: S3Store,
    pub place: Place,
}

pub(super) fn behind() -> Behind {
    let proxy = Proxy::start(moto::shared().address());
    let bucket = moto::shared().bucket();
    let endpoints = vec![proxy.endpoint()];
    let store = S3Store::open(
        S3Settings {
            endpoints,
            ..settings(&bucket)
        },
        Cancel::new(),
    )
    .unwrap();
    Behind {
        proxy,
        bucket,
        store,
        place: Place::directory(),
    }
}

fn class(bucket: &str, key: &str) -> String {
    let text = moto::shared()
        .request(
            "GET",
            &format!("/{bucket}?list-type=2&prefix={key}"),
            &[],
            b"",
        )
        .text();
    text.split("<StorageClass>")
        .nth(1)
        .unwrap_or_default()
        .split('<')
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn volumes_get_the_storage_class_and_the_index_stays_readable() {
    let bucket = moto::shared().bucket();
    let place = Place::directory();
    let settings = S3Settings {
        storage_class: StorageClass::DeepArchive,
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    store
        .put(
            "small",
            &place.file("small", b"x"),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    store
        .put(
            "large",
            &place.file("large", &content(17 * MEBIBYTE)),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    store
        .put(
            "manifest",
            &place.file("manifest", &content(17 * MEBIBYTE)),
            Purpose::Index,
            SILENT,
        )
        .unwrap();
    store.put_bytes("marker", b"x", Purpose::Index).unwrap();
    for (key, expected) in [
        ("small", "DEEP_ARCHIVE"),
        ("large", "DEEP_ARCHIVE"),
        ("manifest", "STANDARD"),
        ("marker", "STANDARD"),
    ] {
        assert_eq!(class(&bucket, key), expected, "{key}");
    }
    assert_eq!(store.read("marker", 10).unwrap(), b"x");
    for error in [
        store.read("small", 10).unwrap_err(),
        store
            .get("large", &place.free("target"), &Cancel::new(), SILENT)
            .unwrap_err(),
    ] {
        check_words(&error, &store, "");
        assert_eq!(error.kind, StoreErrorKind::Frozen, "{error}");
    }
}

#[test]
fn every_storage_class_is_known_to_s3() {
    let bucket = moto::shared().bucket();
    for (class_of_job, expected) in [
        (StorageClass::Standard, "STANDARD"),
        (StorageClass::StandardIa, "STANDARD_IA"),
        (StorageClass::OnezoneIa, "ONEZONE_IA"),
        (StorageClass::IntelligentTiering, "INTELLIGENT_TIERING"),
        (StorageClass::GlacierIr, "GLACIER_IR"),
        (StorageClass::Glacier, "GLACIER"),
        (StorageClass::DeepArchive, "DEEP_ARCHIVE"),
    ] {
        let settings = S3Settings {
            storage_class: class_of_job,
            ..settings(&bucket)
        };
        S3Store::open(settings, Cancel::new())
            .unwrap()
            .put_bytes(expected, b"x", Purpose::Archive)
            .unwrap();
        assert_eq!(class(&bucket, expected), expected);
    }
}

/// Without the right to read: what a backup user should have (SPEC#names).
#[test]
fn uploads_need_no_right_to_read() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    proxy.spoil_when(
        |request| request.method == "HEAD" || request.target.contains("GetObject"),
        usize::MAX,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    store
        .put(
            "large",
            &place.file("source", &content(17 * MEBIBYTE)),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    store.put_bytes("marker", b"x", Purpose::Index).unwrap();
    assert_eq!(store.list("").unwrap().len(), 2);
    assert_eq!(
        store.read("marker", 10).unwrap_err().kind,
        StoreErrorKind::Forbidden
    );
}

#[test]
fn without_any_access_key_the_profile_key_is_named() {
    // The chain reads the environment, which only a process of its own may change.
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "stores::s3::child_without_access_key",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
#[ignore = "run by the test above, in an empty environment"]
fn child_without_access_key() {
    let settings = S3Settings {
        endpoints: vec!["http://127.0.0.1:9".to_owned()],
        credentials: None,
        ..bare()
    };
    let error = S3Store::open(settings, Cancel::new())
        .unwrap()
        .list("")
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
    for word in [
        "destinations.s3.credentials",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        assert!(error.hint.contains(word), "{}", error.hint);
    }
}

fn bare() -> S3Settings {
    S3Settings {
        bucket: "bucket".to_owned(),
        region: "us-east-1".to_owned(),
        endpoints: Vec::new(),
        storage_class: StorageClass::Standard,
        give_up_after: UNREACHABLE_AFTER,
        credentials: Some(AccessKey {
            id: Secret::new(ID),
            secret: Secret::new(SECRET),
            token: None,
        }),
        upload: Transfers::default(),
        download: Transfers::default(),
    }
}

/// A page that leads to itself, and pages without an end: what was listed until then is never taken
/// for all.
#[test]
fn a_listing_that_does_not_end_is_an_error() {
    let page = |token: usize, contents: &str| {
        let text = format!(
            "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>{token}</NextContinuationToken>{contents}</ListBucketResult>"
        );
        Fault::Reply(200, vec!["Content-Type: application/xml".to_owned()], text)
    };
    let same = "<Contents><Key>x</Key><Size>1</Size></Contents>";
    for (what, pages) in [
        ("the same page", vec![page(1, same), page(1, same)]),
        ("empty pages", (0..100).map(|i| page(i, "")).collect()),
    ] {
        let Behind { proxy, store, .. } = behind();
        for page in pages {
            proxy.spoil("GET", "list-type", 1, page);
        }
        let error = store.list("").unwrap_err();
        assert!(
            error.to_string().contains("does not end"),
            "{what}: {error}"
        );
        assert!(proxy.count("GET", "list-type") < 30, "{what}");
    }
}
