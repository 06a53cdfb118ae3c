//! Faults that only S3 can have, and what only S3 knows.

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
    let endpoint = Some(proxy.endpoint());
    let store = S3Store::open(
        S3Settings {
            endpoint,
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

/// What the server says, and what the user is told.
#[test]
fn refusals_say_what_to_do() {
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting \
                     'eu-west-3'</Message><Region>eu-west-3</Region></Error>";
    let moved = Fault::Reply(
        301,
        vec!["x-amz-bucket-region: eu-west-3".to_owned()],
        "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>".to_owned(),
    );
    for (fault, kind, why, hint) in [
        (
            Fault::s3(403, "AccessDenied", "Access Denied"),
            StoreErrorKind::Forbidden,
            "Access Denied",
            "no right to do this",
        ),
        (
            Fault::s3(403, "InvalidAccessKeyId", "m"),
            StoreErrorKind::Denied,
            "InvalidAccessKeyId",
            "destinations.s3.credentials",
        ),
        (
            Fault::s3(403, "SignatureDoesNotMatch", "m"),
            StoreErrorKind::Denied,
            "m",
            "secret access key is wrong",
        ),
        (
            Fault::s3(400, "ExpiredToken", "m"),
            StoreErrorKind::Denied,
            "ExpiredToken: m",
            "expired",
        ),
        (
            Fault::s3(403, "RequestTimeTooSkewed", "m"),
            StoreErrorKind::Denied,
            "m",
            "clock",
        ),
        (
            Fault::s3(404, "NoSuchBucket", "m"),
            StoreErrorKind::NotFound,
            "NoSuchBucket",
            "destinations.s3.bucket",
        ),
        (
            moved,
            StoreErrorKind::Other,
            "PermanentRedirect",
            "destinations.s3.region: eu-west-3",
        ),
        (
            Fault::Reply(400, vec![], malformed.to_owned()),
            StoreErrorKind::Other,
            "expecting",
            "region: eu-west-3",
        ),
        (
            Fault::Reply(403, vec![], String::new()),
            StoreErrorKind::Denied,
            "status 403",
            "no right",
        ),
        (
            Fault::Reply(418, vec![], "<html>tea</html>".to_owned()),
            StoreErrorKind::Other,
            "418",
            "",
        ),
        (
            Fault::s3(403, "AccessDenied", &format!("{ID} {SECRET}")),
            StoreErrorKind::Denied,
            "*** ***",
            "",
        ),
    ] {
        let Behind { proxy, store, .. } = behind();
        proxy.spoil("GET", "list-type", usize::MAX, fault);
        let error = store.list("main_").unwrap_err();
        check_words(&error, &store, "main_");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.why.contains(why), "{error}");
        assert!(error.hint.contains(hint), "{error}: {}", error.hint);
    }
}

/// `S` stands in `TLS`, too.
#[test]
fn a_short_secret_leaves_the_words_whole() {
    let Behind { proxy, bucket, .. } = behind();
    let credentials = Some(AccessKey {
        id: Secret::new("T"),
        secret: Secret::new("S"),
        token: None,
    });
    let settings = S3Settings {
        endpoint: Some(proxy.endpoint()),
        credentials,
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    proxy.spoil(
        "GET",
        "list-type",
        usize::MAX,
        Fault::s3(403, "AccessDenied", "TLS is wanted, not S"),
    );
    assert_eq!(
        store.list("").unwrap_err().why,
        "AccessDenied: TLS is wanted, not ***"
    );
}

#[test]
fn real_keys_are_checked() {
    // The whole server becomes strict: one of its own.
    let strict = Moto::start(&[]);
    let bucket = strict.bucket();
    strict.request("POST", "/moto-api/reset-auth", &[], b"0");
    let settings = S3Settings {
        endpoint: Some(strict.endpoint()),
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let place = Place::directory();
    for error in [
        store.list("key").unwrap_err(),
        store.put_bytes("key", b"x", Purpose::Index).unwrap_err(),
        store
            .put(
                "key",
                &place.file("source", &content(17 * MEBIBYTE)),
                Purpose::Archive,
                SILENT,
            )
            .unwrap_err(),
        store.read("key", 100).unwrap_err(),
        store
            .get("key", &place.free("target"), &Cancel::new(), SILENT)
            .unwrap_err(),
    ] {
        check_words(&error, &store, "key");
        assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
        assert!(
            error.hint.contains("destinations.s3.credentials"),
            "{}",
            error.hint
        );
    }
}

#[test]
fn nothing_shows_a_secret() {
    let store = S3Store::open(settings("bucket"), Cancel::new()).unwrap();
    let text = format!("{store:?} {:?}", settings("bucket"));
    assert!(
        text.contains("bucket") && !text.contains(ID) && !text.contains(SECRET),
        "{text}"
    );
}

#[test]
fn short_troubles_are_outlived() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    let source = place.file("source", &content(40 * MEBIBYTE));
    proxy.spoil(
        "GET",
        "list-type",
        2,
        Fault::s3(503, "SlowDown", "Please reduce your request rate."),
    );
    proxy.spoil(
        "POST",
        "uploads",
        1,
        Fault::Reply(500, vec![], String::new()),
    );
    proxy.spoil(
        "PUT",
        "partNumber=1",
        1,
        Fault::CutRequest(5 * MEBIBYTE as u64),
    );
    proxy.spoil(
        "PUT",
        "partNumber=2",
        1,
        Fault::s3(500, "InternalError", "We encountered an internal error."),
    );
    proxy.spoil("PUT", "partNumber=3", 1, Fault::LoseAnswer);
    proxy.spoil("GET", "/large?x-id=GetObject", 1, Fault::CutAnswer(7));
    proxy.spoil(
        "GET",
        "/large?x-id=GetObject",
        1,
        Fault::CutAnswer(5 * MEBIBYTE as u64),
    );
    store.list("").unwrap();
    let stored = store
        .put("large", &source, Purpose::Archive, SILENT)
        .unwrap();
    assert_eq!(stored.sha256, sha256(&source));
    let target = place.free("target");
    store.get("large", &target, &Cancel::new(), SILENT).unwrap();
    assert_eq!(sha256(&target), stored.sha256);
    assert_eq!(proxy.count("PUT", "partNumber="), 6);
    // Five pieces, two of them twice.
    assert_eq!(proxy.count("GET", "/large?x-id=GetObject"), 7);
}

#[test]
fn parts_carry_checksums() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    store
        .put(
            "large",
            &place.file("source", &content(17 * MEBIBYTE)),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    store
        .put(
            "small",
            &place.file("source", b"x"),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    let seen = proxy.seen();
    let sent: Vec<_> = seen
        .iter()
        .filter(|request| request.method == "PUT")
        .collect();
    assert_eq!(sent.len(), 3);
    for request in sent {
        assert!(
            request.header("x-amz-checksum-crc32").is_some(),
            "{request:?}"
        );
        // The content itself is signed too.
        assert_eq!(
            request.header("x-amz-content-sha256").map(str::len),
            Some(64),
            "{request:?}"
        );
    }
}

#[test]
fn refused_parts_are_cleaned_up() {
    let Behind {
        proxy,
        bucket,
        store,
        place,
    } = behind();
    let source = place.file("source", &content(100 * MEBIBYTE));
    proxy.spoil(
        "PUT",
        "partNumber=2",
        1,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    let error = store
        .put("key", &source, Purpose::Archive, SILENT)
        .unwrap_err();
    check_words(&error, &store, "key");
    assert_eq!(error.kind, StoreErrorKind::Forbidden, "{error}");
    assert_eq!(uploads(&bucket), [""; 0]);
    assert_eq!(store.list("").unwrap(), []);
}

#[test]
fn parts_that_cannot_be_removed_are_told() {
    let Behind {
        proxy,
        bucket,
        store,
        place,
    } = behind();
    let source = place.file("source", &content(17 * MEBIBYTE));
    proxy.spoil(
        "PUT",
        "partNumber=2",
        1,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    proxy.spoil(
        "DELETE",
        "uploadId",
        1,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    let error = store
        .put("key", &source, Purpose::Archive, SILENT)
        .unwrap_err();
    assert!(error.hint.contains("lifecycle rule"), "{}", error.hint);
    assert_eq!(uploads(&bucket).len(), 1);
}

#[test]
fn servers_that_lose_bytes_are_found_out() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    let source = place.file("source", &content(17 * MEBIBYTE));
    let listing =
        "<ListBucketResult><Contents><Key>key</Key><Size>1</Size></Contents></ListBucketResult>";
    proxy.spoil(
        "GET",
        "list-type",
        1,
        Fault::Reply(200, vec![], listing.to_owned()),
    );
    let error = store
        .put("key", &source, Purpose::Archive, SILENT)
        .unwrap_err();
    check_words(&error, &store, "key");
    assert!(error.why.contains("1 bytes instead of 17825792"), "{error}");
}

#[test]
fn downloads_that_bring_nothing_end() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    store
        .put(
            "key",
            &place.file("source", &content(MEBIBYTE)),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();
    proxy.spoil("GET", "GetObject", usize::MAX, Fault::CutAnswer(0));
    let target = place.free("target");
    let error = store
        .get("key", &target, &Cancel::new(), SILENT)
        .unwrap_err();
    check_words(&error, &store, "key");
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    proxy.heal();
    store.get("key", &target, &Cancel::new(), SILENT).unwrap();
    assert!(fs::read(&target).unwrap() == content(MEBIBYTE));
}

#[test]
#[ignore = "takes a minute"]
fn downloads_that_stand_still_are_begun_again() {
    let Behind {
        proxy,
        store,
        place,
        ..
    } = behind();
    let source = place.file("source", &content(5 * MEBIBYTE));
    store.put("key", &source, Purpose::Archive, SILENT).unwrap();
    proxy.spoil("GET", "GetObject", 1, Fault::StallAnswer(MEBIBYTE as u64));
    let started = std::time::Instant::now();
    let target = place.free("target");
    store.get("key", &target, &Cancel::new(), SILENT).unwrap();
    assert_eq!(sha256(&target), sha256(&source));
    eprintln!("stood still for {:?}", started.elapsed());
    assert_eq!(proxy.count("GET", "GetObject"), 2);
}

/// A program may not be kept from ending by a server that does not answer.
#[test]
fn interrupts_are_heard_while_the_server_is_silent() {
    let Behind {
        proxy,
        bucket,
        place,
        ..
    } = behind();
    let source = place.file("source", &content(17 * MEBIBYTE));
    for (method, part) in [
        ("GET", "list-type"),
        ("PUT", "partNumber=1"),
        ("POST", "uploads"),
        ("PUT", "small"),
    ] {
        proxy.heal();
        proxy.spoil(method, part, usize::MAX, Fault::Hang);
        let cancel = Cancel::new();
        let settings = S3Settings {
            endpoint: Some(proxy.endpoint()),
            ..settings(&bucket)
        };
        let store = S3Store::open(settings, cancel.clone()).unwrap();
        let before = proxy.count(method, part);
        let started = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| match (method, part) {
                ("GET", _) => store.list("").unwrap_err(),
                (_, "small") => store.put_bytes("small", b"x", Purpose::Index).unwrap_err(),
                _ => store
                    .put("key", &source, Purpose::Archive, SILENT)
                    .unwrap_err(),
            });
            while proxy.count(method, part) == before {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            let started = std::time::Instant::now();
            cancel.set();
            assert_eq!(waiter.join().unwrap().kind, StoreErrorKind::Interrupted);
            started
        });
        assert!(
            started.elapsed().as_secs() < 5,
            "{method} {part}: {:?}",
            started.elapsed()
        );
    }
    assert_eq!(uploads(&bucket), [""; 0]);
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
        endpoint: Some("http://127.0.0.1:9".to_owned()),
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
        endpoint: None,
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
