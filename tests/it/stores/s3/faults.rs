//! Faults of the line and of the server.

use std::time::{Duration, Instant};

use super::*;
use crate::support::wait::wait_until;

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

/// A small object is given up after the patience for small requests, and a marker is small.
#[test]
fn a_small_upload_that_is_not_answered_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::directory();
    let source = place.file("source", b"a marker");
    let settings = S3Settings {
        endpoints: vec![format!("http://{}", listener.local_addr().unwrap())],
        give_up_after: Duration::from_secs(5),
        ..settings("bucket")
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let begun = Instant::now();
    let error = store
        .put("small", &source, Purpose::Index, SILENT)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    // Before, after 480 seconds.
    assert!(begun.elapsed() < Duration::from_secs(60));
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
            endpoints: vec![proxy.endpoint()],
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
            wait_until("the request comes", || proxy.count(method, part) > before);
            let started = std::time::Instant::now();
            cancel.set();
            assert_eq!(waiter.join().unwrap().kind, StoreErrorKind::Interrupted);
            started
        });
        // A try of a request takes 30 s.
        assert!(
            started.elapsed() < Duration::from_secs(25),
            "{method} {part}: {:?}",
            started.elapsed()
        );
    }
    assert_eq!(uploads(&bucket), [""; 0]);
}
