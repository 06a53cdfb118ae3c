//! Writes a manifest of version 2, record by record.

use std::io::{self, BufWriter, IntoInnerError, Write};

use serde_bytes::Bytes;

use super::wire::{Context, MAGIC, MAX_RECORD, MAX_STAMPS, WireRecord};
use super::{Entry, Header, RelPath, Stored, VERSION};

/// A higher level costs time and saves little.
const LEVEL: i32 = 3;

/// Half a MiB to look back: a restore reads the manifests of a chain at once.
const WINDOW_LOG: u32 = 19;

/// Bytes that are compressed at once: a record has some thirty.
const BUFFER: usize = 1 << 15;

/// Writes a manifest. What it remembers does not depend on the number of entries.
pub struct Writer<W: Write> {
    out: BufWriter<zstd::Encoder<'static, W>>,
    context: Context,
    buffer: Vec<u8>,
    entries: u64,
    removed: u64,
}

impl<W: Write> Writer<W> {
    /// Starts a manifest.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(mut out: W, header: &Header) -> io::Result<Writer<W>> {
        out.write_all(MAGIC)?;
        writeln!(out, "{VERSION}")?;
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        out.include_checksum(true)?;
        out.window_log(WINDOW_LOG)?;
        let mut writer = Writer {
            out: BufWriter::with_capacity(BUFFER, out),
            context: Context::new(header.stamp()),
            buffer: Vec::new(),
            entries: 0,
            removed: 0,
        };
        let json = serde_json::to_vec(header)?;
        writer.record(&WireRecord::Header(Bytes::new(&json)))?;
        Ok(writer)
    }

    /// Adds an entry; the caller keeps walk order.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        if let Some(Stored::In(stamp)) = entry.stored
            && self.context.this != Some(stamp)
            && self.context.number(stamp).is_none()
        {
            if self.context.stamps.len() == MAX_STAMPS {
                return Err(io::Error::other("it refers to more than 65,536 backups"));
            }
            self.record(&WireRecord::Backup(&stamp.to_string()))?;
            self.context.stamps.push(stamp);
        }
        self.entries += 1;
        let entry = self.context.encode(entry);
        self.record(&WireRecord::Entry(entry))
    }

    /// In a delta: this path and everything below it is no longer selected. Comes before an entry
    /// of the same path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remove(&mut self, path: &RelPath) -> io::Result<()> {
        self.removed += 1;
        let path = self.context.shorten(path);
        self.record(&WireRecord::Removed(path))
    }

    fn record(&mut self, record: &WireRecord<'_>) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let buffer = postcard::to_extend(record, buffer).map_err(io::Error::other)?;
        if buffer.len() > MAX_RECORD {
            return Err(io::Error::other("an entry has more than 16 MiB"));
        }
        let mut length = buffer.len();
        while length >= 0x80 {
            self.out.write_all(&[length as u8 | 0x80])?;
            length >>= 7;
        }
        self.out.write_all(&[length as u8])?;
        self.out.write_all(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the manifest, and gives the output back, flushed.
    ///
    /// # Errors
    /// When what is buffered cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let (entries, removed) = (self.entries, self.removed);
        self.record(&WireRecord::End { entries, removed })?;
        let out = self.out.into_inner().map_err(IntoInnerError::into_error)?;
        let mut out = out.finish()?;
        out.flush()?;
        Ok(out)
    }
}
