//! A web server that remembers every request with its body: what pings and e-mails are sent to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http;

/// One request.
#[derive(Clone, Debug)]
pub struct Taken {
    /// `POST /path`.
    pub what: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The server; it ends when dropped.
pub struct Recorder {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    stop: Arc<AtomicBool>,
}

impl Recorder {
    /// Answers every request with a status and nothing else.
    pub fn answering(status: u16) -> Recorder {
        Recorder::start(move |_, _, _| (status, Vec::new()))
    }

    /// Passes everything on to a server.
    pub fn before(server: SocketAddr) -> Recorder {
        Recorder::start(move |what, headers, body| {
            let (method, path) = what.split_once(' ').unwrap();
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .filter(|(name, _)| !["host", "content-length", "connection"].contains(name))
                .collect();
            let answer = http::request(server, method, path, &headers, body).unwrap();
            (answer.status, answer.body)
        })
    }

    fn start(
        answer: impl Fn(&str, &[(String, String)], &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Recorder {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (taken, stop) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (log, ended) = (taken.clone(), stop.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                // A client that hangs up is no failure of the test.
                let _ = serve(client, &log, &answer);
            }
        });
        Recorder {
            address,
            taken,
            stop,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

fn serve(
    client: TcpStream,
    log: &Mutex<Vec<Taken>>,
    answer: &impl Fn(&str, &[(String, String)], &[u8]) -> (u16, Vec<u8>),
) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut input = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    input.read_line(&mut first)?;
    let what = first
        .rsplit_once(" HTTP/")
        .map(|(what, _)| what.to_owned())
        .unwrap_or_default();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or("0", |(_, value)| value);
    let mut body = vec![0; length.parse().unwrap_or(0)];
    input.read_exact(&mut body)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    log.lock().unwrap().push(Taken {
        what: what.clone(),
        headers: headers.clone(),
        body: text,
    });
    let (status, content) = answer(&what, &headers, &body);
    let mut client = client;
    let head = format!(
        "HTTP/1.1 {status} Found\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    client.write_all(head.as_bytes())?;
    client.write_all(&content)
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}
