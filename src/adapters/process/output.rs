//! What a program prints, read by threads of its own.
//!
//! A thread reads to the end of its pipe even if its output is no longer used, because a closed
//! pipe must not end a program in the background.

use std::io::{self, BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use zeroize::Zeroizing;

/// Lines that were read at once but are not yet passed on: enough that a tool does not wait for a
/// slow log, and at most 4 MiB with [`READ_AT_ONCE`] and [`LINE_LIMIT`].
const WAITING_READS: usize = 32;

/// How much is read of a pipe at once. Handing lines on one by one would take longer than reading
/// them.
const READ_AT_ONCE: usize = 64 * 1024;

/// The longest part of one line that is kept, so that progress bars and binary output do not fill
/// memory.
const LINE_LIMIT: usize = 64 * 1024;

/// The most bytes of a secret program's output that are kept: no secret is larger.
pub const MOST_BYTES: usize = 64 * 1024;

/// What ends a line.
const LINES: &[u8] = b"\n";

/// What ends a line or what a program puts in its place next, to show its progress.
const REWRITTEN_LINES: &[u8] = b"\n\r\x08";

/// Standard output and standard error as lines. Where the program `rewrites` lines, each version of
/// one is a line, and empty ones are left out. What was read at once comes at once. The channel ends
/// with the last pipe.
///
/// # Errors
/// When this computer cannot start more threads.
pub fn lines(child: &mut Child, rewrites: bool) -> io::Result<Receiver<Vec<String>>> {
    let (sender, lines) = sync_channel(WAITING_READS);
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for pipe in pipes.into_iter().flatten() {
        let sender = sender.clone();
        let read = move |lines| sender.send(lines).is_ok();
        thread::Builder::new().spawn(move || read_lines(pipe, rewrites, read))?;
    }
    Ok(lines)
}

/// Passes lines on as long as they are wanted, each as soon as it is read.
fn read_lines(pipe: Box<dyn Read + Send>, rewrites: bool, send: impl Fn(Vec<String>) -> bool) {
    let ends = if rewrites { REWRITTEN_LINES } else { LINES };
    let mut send = Some(send);
    let mut input = BufReader::with_capacity(READ_AT_ONCE, pipe);
    let (mut buffer, mut lines) = (Vec::new(), Vec::new());
    loop {
        buffer.clear();
        let is_over = !matches!(read_line(&mut input, ends, &mut buffer), Ok(1..));
        while buffer
            .last()
            .is_some_and(|byte| *byte == b'\r' || ends.contains(byte))
        {
            buffer.pop();
        }
        let is_left_out = is_over || (rewrites && buffer.trim_ascii().is_empty());
        if !is_left_out && send.is_some() {
            lines.push(decode(&buffer));
        }
        let has_more = input.buffer().iter().any(|byte| ends.contains(byte));
        if !lines.is_empty() && (is_over || !has_more) {
            send = send.filter(|send| send(std::mem::take(&mut lines)));
        }
        if is_over {
            return;
        }
    }
}

/// Reads up to one of the `ends` and with it, but not more than is kept. Returns how many bytes.
fn read_line(input: &mut impl BufRead, ends: &[u8], line: &mut Vec<u8>) -> io::Result<usize> {
    while line.len() < LINE_LIMIT {
        let read = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let read = &read[..read.len().min(LINE_LIMIT - line.len())];
        let end = read.iter().position(|byte| ends.contains(byte));
        let length = end.map_or(read.len(), |end| end + 1);
        line.extend_from_slice(&read[..length]);
        input.consume(length);
        if end.is_some() || length == 0 {
            break;
        }
    }
    Ok(line.len())
}

/// A part of what a program printed: standard output as it is, standard error in lines.
pub enum Printed {
    Bytes(Vec<u8>),
    Line(String),
}

/// Bytes that are read from standard output at a time, and how many such pieces may wait.
const CHUNK: usize = 256 * 1024;
const WAITING_CHUNKS: usize = 4;

/// Standard output in pieces and standard error in lines. The channel ends with the last pipe.
///
/// # Errors
/// As [`lines`].
pub fn both(child: &mut Child, rewrites: bool) -> io::Result<Receiver<Printed>> {
    let (sender, printed) = sync_channel(WAITING_CHUNKS);
    if let Some(pipe) = child.stderr.take() {
        let to = sender.clone();
        let read = move |lines: Vec<String>| {
            let mut lines = lines.into_iter().map(Printed::Line);
            lines.all(|line| to.send(line).is_ok())
        };
        thread::Builder::new().spawn(move || read_lines(Box::new(pipe), rewrites, read))?;
    }
    if let Some(mut pipe) = child.stdout.take() {
        thread::Builder::new().spawn(move || {
            let (mut sender, mut buffer) = (Some(sender), vec![0; CHUNK]);
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let piece = Printed::Bytes(buffer[..length].to_vec());
                sender = sender.filter(|sender| sender.send(piece).is_ok());
            }
        })?;
    }
    Ok(printed)
}

/// The beginning of standard output, at most `most` bytes, in pieces. The channel ends with the pipe.
///
/// # Errors
/// As [`lines`].
pub fn bytes(child: &mut Child, most: usize) -> io::Result<Receiver<Zeroizing<Vec<u8>>>> {
    let (sender, pieces) = sync_channel(1);
    if let Some(mut pipe) = child.stdout.take() {
        thread::Builder::new().spawn(move || {
            let mut sender = Some(sender);
            let mut room = most;
            let mut buffer = Zeroizing::new([0_u8; 32 * 1024]);
            while let Ok(length @ 1..) = pipe.read(&mut *buffer) {
                let kept = length.min(room);
                room -= kept;
                let piece = Zeroizing::new(buffer[..kept].to_vec());
                sender = sender.filter(|sender| sender.send(piece).is_ok());
            }
        })?;
    }
    Ok(pieces)
}

/// Text of a tool in any code page: UTF-8 if it is valid, else that of the console.
#[cfg(windows)]
fn decode(line: &[u8]) -> String {
    std::str::from_utf8(line).map_or_else(
        |_| crate::adapters::windows::decode_console(line),
        str::to_owned,
    )
}

#[cfg(not(windows))]
fn decode(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}
