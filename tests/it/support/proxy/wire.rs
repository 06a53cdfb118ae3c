//! Messages of HTTP, as they go over the line.

use super::*;

/// A part of a file, as the request's `Range` says.
pub(super) fn send_file(
    client: &mut TcpStream,
    request: &Request,
    directory: &Path,
    line: &Line,
) -> io::Result<()> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let key = request
        .target
        .split('?')
        .next()
        .and_then(|path| path.rsplit('/').next())
        .ok_or_else(wrong)?;
    let mut file = File::open(directory.join(key))?;
    let all = file.metadata()?.len();
    let range = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (from, last) = range.ok_or_else(wrong)?;
    let (from, last): (u64, u64) = (
        from.parse().map_err(|_| wrong())?,
        last.parse().map_err(|_| wrong())?,
    );
    let length = last + 1 - from;
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {length}\r\n\
         Content-Range: bytes {from}-{last}/{all}\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    file.seek(SeekFrom::Start(from))?;
    let mut left = length;
    while left > 0 {
        // Copied by the kernel where it can.
        let count = io::copy(&mut (&mut file).take(left.min(256 * 1024)), client)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.pass(count as usize);
        left -= count;
    }
    client.shutdown(Shutdown::Both)
}

pub(super) fn reply(
    client: &mut TcpStream,
    status: u16,
    headers: &[String],
    text: &str,
) -> io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status} Spoiled\r\nConnection: close\r\nContent-Length: {}\r\n",
        text.len()
    );
    for line in headers {
        head.push_str(&format!("{line}\r\n"));
    }
    client.write_all(format!("{head}\r\n{text}").as_bytes())?;
    client.shutdown(Shutdown::Write)
}

/// The head of a message up to its empty line, and what came with it.
pub(super) fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

pub(super) fn parse(head: &str) -> io::Result<(Request, u64)> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (first.next(), first.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    Ok((request, length))
}

/// The head for the real server: one request a connection, and no waiting for a "continue" that was
/// given already.
pub(super) fn pass_on(request: &Request, head: &str) -> String {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nConnection: close\r\n",
        request.method, request.target
    );
    for line in head.split("\r\n").skip(1) {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if name != "connection" && name != "expect" {
            text.push_str(line);
            text.push_str("\r\n");
        }
    }
    text.push_str("\r\n");
    text
}

/// Keeps silent until the client hangs up or the test ends.
pub(super) fn hold(client: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_millis(200)))?;
    while !shared.stop.load(Ordering::SeqCst) {
        match client.read(&mut [0; 16]) {
            Ok(0) => break,
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                break;
            }
            _ => {}
        }
    }
    Ok(())
}
