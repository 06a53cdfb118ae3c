//! Several connections to a server that is far away, and limits of bandwidth.

use std::time::{Duration, Instant};

use aam_auto_backup::parts::{Bandwidth, Cancel, Purpose, S3Settings, S3Store, Store, Transfers};

use super::s3::{Behind, behind};
use super::{MEBIBYTE, SILENT, content, settings, sha256};
use crate::support::proxy::{Distance, Fault};

impl Behind {
    /// The same store over this line.
    fn over(&self, connections: usize, limit: &[&str]) -> S3Store {
        let windows = limit.iter().map(|text| text.parse().unwrap());
        let transfers = Transfers {
            connections,
            limit: Bandwidth::new(windows.collect()),
        };
        let settings = S3Settings {
            endpoints: vec![self.proxy.endpoint()],
            upload: transfers.clone(),
            download: transfers,
            ..settings(&self.bucket)
        };
        S3Store::open(settings, Cancel::new()).unwrap()
    }

    /// There and back; how long each way took.
    fn carry(&self, store: &S3Store, key: &str, mebibytes: usize) -> (Duration, Duration) {
        let source = self.place.file(key, &content(mebibytes * MEBIBYTE));
        let start = Instant::now();
        let sent = store.put(key, &source, Purpose::Archive, SILENT).unwrap();
        let up = start.elapsed();
        let target = self.place.free(&format!("{key}.back"));
        let start = Instant::now();
        store.get(key, &target, &Cancel::new(), SILENT).unwrap();
        let down = start.elapsed();
        assert_eq!(sha256(&target), sent.sha256);
        assert_eq!(sha256(&source), sent.sha256);
        (up, down)
    }
}

#[test]
fn as_many_requests_as_connections() {
    let place = behind();
    place.proxy.set_distance(Distance {
        round_trip: Duration::from_millis(50),
        window: 4 * MEBIBYTE as u64,
    });
    // The proxy may see the next request before it has ended the one before.
    place.carry(&place.over(1, &[]), "one", 40);
    let most = place.proxy.most_at_once();
    assert!(most <= 2, "{most}");
    place.carry(&place.over(4, &[]), "four", 64);
    let most = place.proxy.most_at_once();
    assert!((3..=5).contains(&most), "{most}");
}

/// What is sent while it is made waits until fewer than two parts are under way, and a part that
/// was cut is sent again.
#[test]
fn a_stream_has_two_parts_under_way() {
    let place = behind();
    place.proxy.set_distance(Distance {
        round_trip: Duration::from_millis(50),
        window: MEBIBYTE as u64,
    });
    let cut = Fault::CutRequest(3 * MEBIBYTE as u64);
    place.proxy.spoil("PUT", "partNumber=2", 1, cut);
    let store = place.over(4, &[]);
    let mut object = store.grow("stream", Purpose::Archive).unwrap();
    let part: bytes::Bytes = content(6 * MEBIBYTE).into();
    for _ in 0..6 {
        object.add(part.clone()).unwrap();
    }
    object.close().unwrap();
    let most = place.proxy.most_at_once();
    assert!((2..=3).contains(&most), "{most}");
    assert_eq!(place.proxy.count("PUT", "partNumber="), 7);
    object.abandon().unwrap();
}

#[test]
fn a_limited_line_brings_the_same() {
    let place = behind();
    // A second try has a body of its own.
    let cut = Fault::CutRequest(3 * MEBIBYTE as u64);
    place.proxy.spoil("PUT", "partNumber=1", 1, cut);
    place.carry(&place.over(4, &["00:00-12:00 40MB", "41MB"]), "limited", 20);
    assert_eq!(place.proxy.count("PUT", "partNumber="), 3);
}

/// However fast the computer, the bytes take their time.
#[test]
fn a_limit_is_kept() {
    let place = behind();
    // 2.1 s; the last step of an upload does not wait.
    let least = Duration::from_millis(1900);
    let (up, down) = place.carry(&place.over(4, &["500kB"]), "slow", 1);
    assert!(up >= least && down >= least, "{up:?} {down:?}");
}

/// `cargo test --release --test it -- --ignored --nocapture stores::connections::far_away`
#[test]
#[ignore = "a measurement"]
fn far_away() {
    let place = behind();
    // A round trip of 100 ms and the window that a system begins with: 2.5 MB/s for one connection.
    place.proxy.set_distance(Distance {
        round_trip: Duration::from_millis(100),
        window: 256 * 1024,
    });
    let (up, down) = place.carry(&place.over(1, &[]), "one", 128);
    println!("1 connection: up {up:.1?}, down {down:.1?}");
    for connections in [2, 4, 8] {
        let key = format!("with-{connections}");
        let (more_up, more_down) = place.carry(&place.over(connections, &[]), &key, 128);
        println!(
            "{connections} connections: up {more_up:.1?} ({:.1}x), down {more_down:.1?} ({:.1}x)",
            up.as_secs_f64() / more_up.as_secs_f64(),
            down.as_secs_f64() / more_down.as_secs_f64(),
        );
    }
}
