//! A cluster: several addresses for one bucket.

use super::*;
use crate::support::closed::ClosedPort;

/// Two nodes of one server, and a store that knows both, behind an address where nobody listens.
struct Cluster {
    nodes: [Proxy; 2],
    store: S3Store,
    place: Place,
    _closed: ClosedPort,
}

fn cluster() -> Cluster {
    let nodes = [(); 2].map(|()| Proxy::start(moto::shared().address()));
    let closed = ClosedPort::new();
    let [first, second] = [nodes[0].endpoint(), nodes[1].endpoint()];
    let settings = S3Settings {
        endpoints: vec![closed.endpoint(), first, second],
        ..settings(&moto::shared().bucket())
    };
    Cluster {
        nodes,
        store: S3Store::open(settings, Cancel::new()).unwrap(),
        place: Place::directory(),
        _closed: closed,
    }
}

#[test]
fn the_next_node_is_asked_and_stays() {
    let Cluster {
        nodes,
        store,
        _closed,
        ..
    } = cluster();
    store.put_bytes("small", b"x", Purpose::Index).unwrap();
    assert_eq!(store.list("").unwrap().len(), 1);
    assert!(nodes[0].count("PUT", "small") == 1 && nodes[1].seen().is_empty());
    // It answers, and cannot do anything.
    let broken = Fault::s3(503, "ServiceUnavailable", "no quorum");
    nodes[0].spoil("GET", "", usize::MAX, broken);
    assert_eq!(store.list("").unwrap().len(), 1);
    assert_eq!(store.list("").unwrap().len(), 1);
    assert_eq!(nodes[0].count("GET", "list-type"), 2);
    assert_eq!(nodes[1].count("GET", "list-type"), 2);
}

#[test]
fn a_refusal_is_the_answer_of_all_nodes() {
    let Cluster {
        nodes,
        store,
        _closed,
        ..
    } = cluster();
    let denied = Fault::s3(403, "AccessDenied", "Access Denied");
    nodes[0].spoil("GET", "list-type", usize::MAX, denied);
    let error = store.list("").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Forbidden, "{error}");
    assert!(nodes[1].seen().is_empty());
}

#[test]
fn an_upload_and_a_download_go_on_by_another_node() {
    let Cluster {
        nodes,
        store,
        place,
        _closed,
    } = cluster();
    let source = place.file("source", &content(40 * MEBIBYTE));
    for part in ["partNumber=2", "partNumber=3", "uploadId="] {
        let cut = Fault::CutRequest(MEBIBYTE as u64);
        nodes[0].spoil("PUT", part, usize::MAX, cut);
        nodes[0].spoil("POST", part, usize::MAX, Fault::LoseAnswer);
    }
    let stored = store
        .put("large", &source, Purpose::Archive, SILENT)
        .unwrap();
    assert_eq!(stored.sha256, sha256(&source));
    assert!(nodes[1].count("PUT", "partNumber=") >= 2);
    assert_eq!(nodes[1].count("POST", "uploadId="), 1);
    // The node that is asked now dies while it sends.
    let target = place.free("target");
    nodes[1].spoil("GET", "/large", usize::MAX, Fault::CutAnswer(7));
    nodes[0].heal();
    store.get("large", &target, &Cancel::new(), SILENT).unwrap();
    assert_eq!(sha256(&target), stored.sha256);
    assert!(nodes[0].count("GET", "/large") >= 1);
    // One for each connection: they all break off, and the node is left once.
    let asked = nodes[1].count("GET", "x-id=GetObject");
    assert!((1..=4).contains(&asked), "{asked}");
}

#[test]
fn no_node_is_no_store() {
    let settings = S3Settings {
        endpoints: vec![
            "http://127.0.0.1:9".to_owned(),
            "http://127.0.0.1:19".to_owned(),
        ],
        ..bare()
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let error = store.list("").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    let both = "check that http://127.0.0.1:9, http://127.0.0.1:19 are right";
    assert!(error.hint.contains(both), "{}", error.hint);
}
