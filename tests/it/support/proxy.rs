//! A server that misbehaves on request: it stands before a real one, passes everything on, and
//! spoils what its rules say. It also remembers every request.
//!
//! One request per connection, HTTP/1.1, bodies with a length: what the AWS SDK and moto speak.

mod wire;

use wire::{hold, parse, pass_on, read_head, reply, send_file};

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What can go wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Another answer, without asking the real server: status, more header lines (`Name: value`),
    /// body.
    Reply(u16, Vec<String>, String),
    /// The connection ends after this many bytes of the request's body.
    CutRequest(u64),
    /// The real server acts, but no answer comes: the connection just ends.
    LoseAnswer,
    /// The entity tags in the answer are other ones, and it names the keys of KMS, as the answers of a
    /// bucket that is encrypted with them.
    OtherTags,
    /// The real server acts, but the connection ends after this many bytes of the answer's body.
    CutAnswer(u64),
    /// The request is read and nothing happens until the client gives up.
    Hang,
    /// The answer stops after this many bytes of its body, but the connection stays.
    StallAnswer(u64),
    /// The object's bytes come from a file of this directory over this line. The real server, which
    /// would need one of two processors, is not asked.
    Files(PathBuf, Arc<Line>),
}

/// A line that all answers share.
#[derive(Debug)]
pub struct Line {
    /// Bytes a second.
    pace: u64,
    free: Mutex<Instant>,
}

impl Line {
    pub fn new(pace: u64) -> Arc<Line> {
        Arc::new(Line {
            pace,
            free: Mutex::new(Instant::now()),
        })
    }

    /// Returns when these bytes have gone through.
    fn pass(&self, bytes: usize) {
        let until = {
            let mut free = lock(&self.free);
            *free = (*free).max(Instant::now())
                + Duration::from_secs_f64(bytes as f64 / self.pace as f64);
            *free
        };
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// A server far away: each answer takes a round trip, and so does each window of a body, on every
/// connection of its own.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    pub round_trip: Duration,
    /// Bytes.
    pub window: u64,
}

impl Fault {
    /// An error as S3 writes it.
    pub fn s3(status: u16, code: &str, message: &str) -> Fault {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        Fault::Reply(
            status,
            vec!["Content-Type: application/xml".to_owned()],
            body,
        )
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

type Condition = Box<dyn Fn(&Request) -> bool + Send + Sync>;

struct Rule {
    when: Condition,
    /// How often it still applies.
    times: Mutex<usize>,
    fault: Fault,
}

impl Rule {
    /// Whether it applied once more.
    fn take(&self) -> bool {
        let mut times = lock(&self.times);
        let left = times.checked_sub(1);
        *times = left.unwrap_or(0);
        left.is_some()
    }
}

#[derive(Default)]
struct Shared {
    rules: Mutex<Vec<Arc<Rule>>>,
    seen: Mutex<Vec<Request>>,
    distance: Mutex<Option<Distance>>,
    stop: AtomicBool,
}

/// The proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Stands before `server`.
    pub fn start(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let mine = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if mine.stop.load(Ordering::SeqCst) {
                    break;
                }
                let shared = mine.clone();
                // Clients hang up when they please; that is no failure of the test.
                thread::spawn(move || drop(serve(client, server, &shared)));
            }
        });
        Proxy { address, shared }
    }

    /// For a profile's `endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Spoils the next `times` requests with this method whose path and query contain `part`. The
    /// first rule that fits wins.
    pub fn spoil(&self, method: &str, part: &str, times: usize, fault: Fault) {
        let (method, part) = (method.to_owned(), part.to_owned());
        self.spoil_when(
            move |request| request.method == method && request.target.contains(&part),
            times,
            fault,
        );
    }

    /// The same with any condition.
    pub fn spoil_when(
        &self,
        when: impl Fn(&Request) -> bool + Send + Sync + 'static,
        times: usize,
        fault: Fault,
    ) {
        lock(&self.shared.rules).push(Arc::new(Rule {
            when: Box::new(when),
            times: Mutex::new(times),
            fault,
        }));
    }

    /// From now on everything is passed on.
    pub fn heal(&self) {
        lock(&self.shared.rules).clear();
    }

    /// From now on the server is far away.
    pub fn set_distance(&self, distance: Distance) {
        *lock(&self.shared.distance) = Some(distance);
    }

    /// Every request so far, spoiled or not.
    pub fn seen(&self) -> Vec<Request> {
        lock(&self.shared.seen).clone()
    }

    /// How many requests with this method and this in path or query came.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.seen()
            .iter()
            .filter(|request| request.method == method && request.target.contains(part))
            .count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn fault(&self, request: &Request) -> Option<Fault> {
        // A condition may wait for other requests: nothing is locked meanwhile.
        let rules = lock(&self.rules).clone();
        let rule = rules
            .iter()
            .find(|rule| *lock(&rule.times) > 0 && (rule.when)(request) && rule.take())?;
        Some(rule.fault.clone())
    }
}

/// Copies all bytes, window by window if the server is far away.
fn copy(from: &mut dyn Read, to: &mut TcpStream, distance: Option<Distance>) -> io::Result<()> {
    let Some(distance) = distance else {
        return io::copy(from, to).map(drop);
    };
    while io::copy(&mut from.take(distance.window), to)? == distance.window {
        thread::sleep(distance.round_trip);
    }
    Ok(())
}

fn serve(mut client: TcpStream, server: SocketAddr, shared: &Shared) -> io::Result<()> {
    let (head, rest) = read_head(&mut client)?;
    let (request, length) = parse(&head)?;
    let distance = *lock(&shared.distance);
    if let Some(distance) = distance {
        thread::sleep(distance.round_trip);
    }
    lock(&shared.seen).push(request.clone());
    let fault = shared.fault(&request);
    if request.header("expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = (&rest[..]).chain(client.try_clone()?).take(length);
    match &fault {
        Some(Fault::CutRequest(after)) => {
            io::copy(&mut body.take(*after), &mut io::sink())?;
            return client.shutdown(Shutdown::Both);
        }
        Some(Fault::Reply(status, headers, text)) => {
            // A client that is still sending would see a reset instead of the answer.
            io::copy(&mut body, &mut io::sink())?;
            return reply(&mut client, *status, headers, text);
        }
        Some(Fault::Hang) => {
            io::copy(&mut body, &mut io::sink())?;
            return hold(&mut client, shared);
        }
        Some(Fault::Files(directory, line)) => {
            return send_file(&mut client, &request, directory, line);
        }
        _ => {}
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(pass_on(&request, &head).as_bytes())?;
    copy(&mut body, &mut upstream, distance)?;
    answer(&mut upstream, &mut client, fault.as_ref(), distance)?;
    if let Some(Fault::StallAnswer(_)) = fault {
        return hold(&mut client, shared);
    }
    client.shutdown(Shutdown::Both)
}

/// Passes the answer back, marked as the last on its connection.
fn answer(
    upstream: &mut TcpStream,
    client: &mut TcpStream,
    fault: Option<&Fault>,
    distance: Option<Distance>,
) -> io::Result<()> {
    let (head, rest) = read_head(upstream)?;
    if let Some(Fault::LoseAnswer) = fault {
        return Ok(());
    }
    let mut lines = head.split("\r\n");
    let mut text = format!(
        "{}\r\nConnection: close\r\n",
        lines.next().unwrap_or_default()
    );
    for line in lines
        .filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"))
    {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if let Some(Fault::OtherTags) = fault {
        text.push_str("x-amz-server-side-encryption: aws:kms\r\n");
    }
    text.push_str("\r\n");
    if let Some(Fault::OtherTags) = fault {
        let mut all = text.into_bytes();
        (&rest[..]).chain(upstream).read_to_end(&mut all)?;
        return client.write_all(other_tags(&String::from_utf8_lossy(&all)).as_bytes());
    }
    client.write_all(text.as_bytes())?;
    let mut body = (&rest[..]).chain(upstream);
    match fault {
        Some(Fault::CutAnswer(after) | Fault::StallAnswer(after)) => {
            io::copy(&mut body.take(*after), client).map(drop)
        }
        _ => copy(&mut body, client, distance),
    }
}

/// Each run of 32 hexadecimal digits after `etag` backwards: as long, but no checksum.
fn other_tags(text: &str) -> String {
    let mut text = text.to_owned();
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices("etag") {
        let digits = |c: u8| c.is_ascii_hexdigit() && !c.is_ascii_uppercase();
        let bytes = lower.as_bytes();
        let near = at + 4..(at + 20).min(bytes.len().saturating_sub(32));
        let start = near
            .into_iter()
            .find(|i| bytes[*i..i + 32].iter().all(|c| digits(*c)));
        if let Some(start) = start {
            let tag: String = text[start..start + 32].chars().rev().collect();
            text.replace_range(start..start + 32, &tag);
        }
    }
    text
}
