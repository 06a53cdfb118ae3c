//! Several connections to a server that is far away, and limits of bandwidth.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use aam_auto_backup::parts::{Bandwidth, Cancel, Purpose, S3Settings, S3Store, Store, Transfers};

use super::s3::{Behind, behind};
use super::{MEBIBYTE, SILENT, content, settings, sha256};
use crate::support::proxy::{Distance, Fault, Proxy, Request};

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

/// Holds requests back until as many of them came as are to be under way at a time.
struct Turnstile {
    method: &'static str,
    part: &'static str,
    at_once: usize,
    /// How many came, and how many may go on.
    state: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Turnstile {
    /// In the way of the requests with this in path or query.
    fn new(
        proxy: &Proxy,
        (method, part): (&'static str, &'static str),
        at_once: usize,
    ) -> Arc<Turnstile> {
        let turnstile = Arc::new(Turnstile {
            method,
            part,
            at_once,
            state: Mutex::new((0, 0)),
            changed: Condvar::new(),
        });
        let held = turnstile.clone();
        proxy.spoil_when(move |request| held.hold(request), usize::MAX, Fault::Hang);
        turnstile
    }

    /// Never says yes: the request is only late.
    fn hold(&self, request: &Request) -> bool {
        if request.method == self.method && request.target.contains(self.part) {
            let mut state = self.state.lock().unwrap();
            state.0 += 1;
            let number = state.0;
            self.changed.notify_all();
            let waits = |state: &mut (usize, usize)| number > state.1;
            let (_state, late) = self
                .changed
                .wait_timeout_while(state, Duration::from_secs(100), waits)
                .unwrap();
            assert!(!late.timed_out(), "the turnstile stays closed");
        }
        false
    }

    /// Waits for a whole round, sees that no other request comes beside it, and lets it through.
    fn round(&self) {
        let state = self.state.lock().unwrap();
        let due = state.1 + self.at_once;
        let few = |state: &mut (usize, usize)| state.0 < due;
        let (state, late) = self
            .changed
            .wait_timeout_while(state, Duration::from_secs(100), few)
            .unwrap();
        assert!(!late.timed_out(), "{} of {due} came", state.0);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, Duration::from_millis(300), |state| state.0 == due)
            .unwrap();
        assert_eq!(state.0, due, "more than {} at once", self.at_once);
        state.1 = due;
        self.changed.notify_all();
    }
}

#[test]
fn as_many_requests_as_connections() {
    for (connections, mebibytes) in [(1, 32), (4, 64)] {
        let place = behind();
        let parts = Turnstile::new(&place.proxy, ("PUT", "partNumber="), connections);
        let pieces = Turnstile::new(&place.proxy, ("GET", "x-id=GetObject"), connections);
        let store = place.over(connections, &[]);
        std::thread::scope(|scope| {
            // Parts of 16 MiB, and pieces of 8 MiB.
            let carried = scope.spawn(|| place.carry(&store, "key", mebibytes));
            for _ in 0..mebibytes / 16 / connections {
                parts.round();
            }
            for _ in 0..mebibytes / 8 / connections {
                pieces.round();
            }
            carried.join().unwrap();
        });
    }
}

/// What is sent while it is made waits until fewer than two parts are under way, and a part that
/// was cut is sent again.
#[test]
fn a_stream_has_two_parts_under_way() {
    let place = behind();
    let cut = Fault::CutRequest(3 * MEBIBYTE as u64);
    place.proxy.spoil("PUT", "partNumber=2&", 1, cut);
    let parts = Turnstile::new(&place.proxy, ("PUT", "partNumber="), 2);
    let store = place.over(4, &[]);
    let mut object = store.grow("stream", Purpose::Archive).unwrap();
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| {
            let part: bytes::Bytes = content(6 * MEBIBYTE).into();
            for _ in 0..6 {
                object.add(part.clone()).unwrap();
            }
            object.close().unwrap();
        });
        for _ in 0..3 {
            parts.round();
        }
        sent.join().unwrap();
    });
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
