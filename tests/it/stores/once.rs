//! S3 writes no object over another, and knows its own again when the answer was lost.

use aam_auto_backup::parts::{Purpose, Store, StoreErrorKind};

use super::s3::{Behind, behind};
use super::{MEBIBYTE, SILENT, check_words, content, uploads};
use crate::support::moto;
use crate::support::proxy::{Fault, Request};

/// Whether a request makes an object appear.
fn finishes(request: &Request) -> bool {
    match request.method.as_str() {
        "PUT" => !request.target.contains("partNumber"),
        "POST" => request.target.contains("uploadId"),
        _ => false,
    }
}

fn is_conditional(request: &Request) -> bool {
    request.header("if-none-match") == Some("*")
}

/// Volumes small and large, a manifest, a marker.
fn put_all(behind: &Behind) {
    let Behind { store, place, .. } = behind;
    let (small, large) = (
        place.file("small", b"x"),
        place.file("large", &content(40 * MEBIBYTE + 1)),
    );
    for (key, source, purpose) in [
        ("small", &small, Purpose::Archive),
        ("large", &large, Purpose::Archive),
        ("manifest", &small, Purpose::Index),
        ("large manifest", &large, Purpose::Index),
    ] {
        let stored = store.put(key, source, purpose, SILENT).unwrap();
        assert_eq!(stored.sha256, super::sha256(source), "{key}");
    }
    store.put_bytes("marker", b"x", Purpose::Index).unwrap();
    assert_eq!(store.list("").unwrap().len(), 5);
}

#[test]
fn every_object_says_that_it_is_new() {
    let behind = behind();
    put_all(&behind);
    let finished: Vec<_> = behind.proxy.seen().into_iter().filter(finishes).collect();
    assert_eq!(finished.len(), 5);
    assert!(finished.iter().all(is_conditional), "{finished:?}");
}

/// The SDK tries again and is told that there is such an object: its own. Nobody may read it.
#[test]
fn what_arrived_without_an_answer_is_there() {
    let behind = behind();
    for key in [
        "/small",
        "/large?",
        "/manifest",
        "/large%20manifest",
        "/marker",
    ] {
        behind.proxy.spoil_when(
            move |r| finishes(r) && r.target.contains(key),
            1,
            Fault::LoseAnswer,
        );
    }
    behind.proxy.spoil(
        "HEAD",
        "",
        usize::MAX,
        Fault::s3(403, "AccessDenied", "Access Denied"),
    );
    put_all(&behind);
    assert_eq!(
        behind.proxy.seen().iter().filter(|r| finishes(r)).count(),
        10
    );
    assert_eq!(uploads(&behind.bucket), [""; 0]);
}

/// Servers that forget a finished upload at once.
#[test]
fn an_upload_that_is_no_longer_known_may_be_finished() {
    let behind = behind();
    let large = behind.place.file("large", &content(17 * MEBIBYTE));
    behind.proxy.spoil_when(finishes, 1, Fault::LoseAnswer);
    behind.proxy.spoil_when(
        finishes,
        1,
        Fault::s3(404, "NoSuchUpload", "The upload does not exist"),
    );
    behind
        .store
        .put("large", &large, Purpose::Archive, SILENT)
        .unwrap();
    behind.proxy.spoil_when(
        finishes,
        1,
        Fault::s3(404, "NoSuchUpload", "The upload does not exist"),
    );
    let error = behind
        .store
        .put("aborted", &large, Purpose::Archive, SILENT)
        .unwrap_err();
    check_words(&error, &behind.store, "aborted");
    assert!(
        error.hint.contains("something aborted the upload"),
        "{error}"
    );
}

/// Somebody was quicker while the SDK tried again.
#[test]
fn what_somebody_else_wrote_meanwhile_is_not_ours() {
    let behind = behind();
    let bucket = behind.bucket.clone();
    let object = format!("/{bucket}/key");
    behind.proxy.spoil_when(
        move |request| {
            finishes(request) && {
                let answer =
                    moto::shared().request("PUT", &object, &[("If-None-Match", "*")], b"theirs");
                answer.status == 200
            }
        },
        1,
        Fault::s3(503, "SlowDown", "Reduce your request rate"),
    );
    let error = behind
        .store
        .put_bytes("key", b"my own", Purpose::Index)
        .unwrap_err();
    check_words(&error, &behind.store, "key");
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(behind.store.read("key", 100).unwrap(), b"theirs");
}

#[test]
fn a_write_that_crosses_another_is_tried_again() {
    let behind = behind();
    let crossed = || Fault::s3(409, "ConditionalRequestConflict", "Conflicting operation");
    behind.proxy.spoil_when(finishes, 2, crossed());
    behind
        .store
        .put_bytes("marker", b"x", Purpose::Index)
        .unwrap();
    behind.proxy.spoil_when(finishes, usize::MAX, crossed());
    let error = behind
        .store
        .put_bytes("busy", b"x", Purpose::Index)
        .unwrap_err();
    check_words(&error, &behind.store, "busy");
    assert!(error.hint.contains("`location`"), "{error}: {}", error.hint);
}

/// They are asked once, and from then on looked at before.
#[test]
fn servers_that_know_no_condition_get_none() {
    let behind = behind();
    let unknown = || {
        Fault::s3(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
        )
    };
    behind
        .proxy
        .spoil_when(is_conditional, usize::MAX, unknown());
    put_all(&behind);
    assert_eq!(
        behind
            .proxy
            .seen()
            .iter()
            .filter(|r| is_conditional(r))
            .count(),
        1
    );
    let error = behind
        .store
        .put_bytes("marker", b"y", Purpose::Index)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    let large = behind.place.file("large", &content(17 * MEBIBYTE));
    let error = behind
        .store
        .put("large", &large, Purpose::Archive, SILENT)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Exists, "{error}");
    assert_eq!(uploads(&behind.bucket), [""; 0]);
}
