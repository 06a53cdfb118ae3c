//! A store that cannot be reached is known within two minutes (SPEC#scope).

use std::net::TcpListener;
use std::time::{Duration, Instant};

use aam_auto_backup::parts::AccessKey;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::Transfers;
use aam_auto_backup::parts::UNREACHABLE_AFTER;
use aam_auto_backup::parts::{S3Settings, S3Store, Store, StoreErrorKind};

use super::{ID, SECRET, check_words};
use crate::support::closed::ClosedPort;

/// Lists a bucket at `endpoint`, which must fail within `limit`.
fn fails_within(endpoint: Option<&str>, give_up_after: Duration, limit: Duration, hint: &str) {
    let settings = S3Settings {
        bucket: "bucket".to_owned(),
        region: "nowhere.invalid".to_owned(),
        endpoints: endpoint.map(str::to_owned).into_iter().collect(),
        storage_class: StorageClass::DeepArchive,
        give_up_after,
        credentials: Some(AccessKey {
            id: Secret::new(ID),
            secret: Secret::new(SECRET),
            token: None,
        }),
        upload: Transfers::default(),
        download: Transfers::default(),
    };
    let started = Instant::now();
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let error = store.list("main_").unwrap_err();
    eprintln!(
        "{endpoint:?}: {:?}: {error} ({})",
        started.elapsed(),
        error.hint
    );
    check_words(&error, &store, "main_");
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(error.hint.contains(hint), "{}", error.hint);
    assert!(started.elapsed() < limit, "{:?}", started.elapsed());
}

#[test]
fn refused_connections() {
    let closed = ClosedPort::new();
    let endpoint = closed.endpoint();
    fails_within(
        Some(&endpoint),
        UNREACHABLE_AFTER,
        Duration::from_secs(60),
        &endpoint,
    );
}

#[test]
fn unknown_names() {
    let endpoint = "https://backup.invalid";
    fails_within(
        Some(endpoint),
        UNREACHABLE_AFTER,
        Duration::from_secs(120),
        endpoint,
    );
}

#[test]
fn strangers() {
    // Some other server: it greets and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut client, b"220 mail.example.com ESMTP\r\n");
        }
    });
    fails_within(
        Some(&endpoint),
        UNREACHABLE_AFTER,
        Duration::from_secs(60),
        &endpoint,
    );
}

/// As long as the profile says, here less than by default.
const SHORT: Duration = Duration::from_secs(5);

/// The kernel accepts the connections, nobody answers.
#[test]
fn silent_servers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    fails_within(Some(&endpoint), SHORT, Duration::from_secs(60), &endpoint);
}

/// Packets to a test network (RFC 5737) go nowhere, or are turned back at once where there is no
/// route.
#[test]
fn black_holes() {
    fails_within(
        Some("http://192.0.2.1:9000"),
        SHORT,
        Duration::from_secs(60),
        "192.0.2.1",
    );
}
