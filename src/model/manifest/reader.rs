//! Reads manifests of all versions, record by record, and checks their order.

use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Read};

use super::record::Record;
use super::version1::JsonLines;
use super::wire::{Context, MAGIC, MAX_RECORD, MAX_STAMPS, WireRecord};
use super::{Entry, EntryKind, Header, ManifestError, Meta, RelPath, VERSION};

/// A damaged frame may ask for any window: this is the largest that is made, 8 MiB.
const MAX_WINDOW_LOG: u32 = 23;

/// Reads a manifest, in walk order.
pub struct Reader<R: BufRead> {
    header: Header,
    body: Body<R>,
    /// Nothing is read after an error or the end.
    is_over: bool,
}

enum Body<R: BufRead> {
    One(Box<JsonLines<R>>),
    Two(Box<Records<R>>),
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not a manifest of a version that is known.
    pub fn new(mut input: R) -> Result<Reader<R>, ManifestError> {
        let (header, body) = if input.fill_buf()?.first() == Some(&b'{') {
            let (header, lines) = JsonLines::new(input)?;
            (header, Body::One(Box::new(lines)))
        } else {
            let (header, records) = Records::new(input)?;
            (header, Body::Two(Box::new(records)))
        };
        Ok(Reader {
            header,
            body,
            is_over: false,
        })
    }

    /// What it says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next record. `None` at the end.
    ///
    /// # Errors
    /// When it is damaged, ends too early or is out of order. Nothing more is read then.
    pub fn next_record(&mut self) -> Result<Option<Record>, ManifestError> {
        if self.is_over {
            return Ok(None);
        }
        let next = match &mut self.body {
            Body::One(lines) => lines
                .next()
                .map(|entry| entry.map(|entry| Record::Entry(Box::new(entry.clone())))),
            Body::Two(records) => records.next(self.header.delta.is_some()),
        };
        self.is_over = !matches!(next, Ok(Some(_)));
        next
    }

    /// The next entry of a whole manifest, which the next call replaces: nothing is copied, for
    /// those who look at many entries and keep few. `None` at the end.
    ///
    /// # Errors
    /// As [`Reader::next_record`].
    pub fn look(&mut self) -> Result<Option<&Entry>, ManifestError> {
        if self.is_over {
            return Ok(None);
        }
        // What fails below is the last.
        self.is_over = true;
        if self.header.delta.is_some() {
            return Err(ManifestError::Delta);
        }
        let entry = match &mut self.body {
            Body::One(lines) => lines.next()?,
            Body::Two(records) => records.advance(false)?.map(|_| &records.entry),
        };
        self.is_over = entry.is_none();
        Ok(entry)
    }
}

/// The entries of a whole manifest. A delta does not say what a state was.
impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.header.delta.is_some() && !self.is_over {
            self.is_over = true;
            return Some(Err(ManifestError::Delta));
        }
        match self.next_record() {
            Ok(Some(Record::Entry(entry))) => Some(Ok(*entry)),
            Ok(Some(Record::Removed(_))) => Some(Err(ManifestError::Delta)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The records of version 2.
struct Records<R: BufRead> {
    input: BufReader<zstd::Decoder<'static, R>>,
    context: Context,
    buffer: Vec<u8>,
    /// The entry that was read last.
    entry: Entry,
    /// Whether the last record was an entry. `None` before the first.
    last: Option<bool>,
    /// Number of the record that was read last, from 1.
    number: u64,
    entries: u64,
    removed: u64,
}

impl<R: BufRead> Records<R> {
    fn new(mut input: R) -> Result<(Header, Records<R>), ManifestError> {
        match version(&mut input)? {
            Some(VERSION) => {}
            Some(newer) => return Err(ManifestError::Newer(newer)),
            None => return Err(ManifestError::Foreign),
        }
        let mut input = zstd::Decoder::with_buffer(input)?;
        input.window_log_max(MAX_WINDOW_LOG)?;
        let mut records = Records {
            input: BufReader::with_capacity(1 << 16, input),
            context: Context::default(),
            buffer: Vec::new(),
            entry: Entry::new(
                &RelPath::root(),
                EntryKind::Directory,
                Meta::unknown(),
                None,
            ),
            last: None,
            number: 0,
            entries: 0,
            removed: 0,
        };
        records.fill()?;
        let header = match decoded(&records.buffer) {
            Ok(WireRecord::Header(json)) => serde_json::from_slice::<Header>(json)
                .map_err(|why| records.broken(&why.to_string()))?,
            _ => return Err(records.broken("it is not a header")),
        };
        records.context.this = header.stamp();
        Ok((header, records))
    }

    fn broken(&self, why: &str) -> ManifestError {
        ManifestError::Record {
            record: self.number,
            why: why.to_owned(),
        }
    }

    /// Reads the bytes of the next record.
    fn fill(&mut self) -> Result<(), ManifestError> {
        self.number += 1;
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21, 28] {
            let mut byte = [0];
            let read = self.input.read_exact(&mut byte);
            read.map_err(|why| self.broken(&why.to_string()))?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_RECORD {
            return Err(self.broken("it is longer than 16 MiB"));
        }
        self.buffer.clear();
        if let Some(record) = self.input.buffer().get(..length) {
            self.buffer.extend_from_slice(record);
            self.input.consume(length);
            return Ok(());
        }
        // Memory grows with what is there, not with what a damaged length says.
        let mut input = self.input.by_ref().take(length as u64);
        let read = input.read_to_end(&mut self.buffer);
        match read.map_err(|why| self.broken(&why.to_string()))? {
            read if read == length => Ok(()),
            _ => Err(self.broken("it ends in the middle")),
        }
    }

    fn next(&mut self, is_delta: bool) -> Result<Option<Record>, ManifestError> {
        Ok(self.advance(is_delta)?.map(|next| match next {
            Next::Entry => Record::Entry(Box::new(self.entry.clone())),
            Next::Removed(path) => Record::Removed(path),
        }))
    }

    /// Reads the next record of an entry or removal. `None` at the end.
    fn advance(&mut self, is_delta: bool) -> Result<Option<Next>, ManifestError> {
        loop {
            self.fill()?;
            let buffer = std::mem::take(&mut self.buffer);
            let taken = match decoded(&buffer) {
                Ok(record) => self.take(record, is_delta),
                Err(why) => Err(self.broken(&why)),
            };
            self.buffer = buffer;
            match taken? {
                Taken::Inside => {}
                Taken::Next(next) => return Ok(Some(next)),
                Taken::End => return Ok(None),
            }
        }
    }

    fn take(&mut self, record: WireRecord<'_>, is_delta: bool) -> Result<Taken, ManifestError> {
        match record {
            WireRecord::Header(_) => Err(self.broken("it is a second header")),
            WireRecord::Backup(stamp) => match stamp.parse() {
                Ok(stamp) if self.context.stamps.len() < MAX_STAMPS => {
                    self.context.stamps.push(stamp);
                    Ok(Taken::Inside)
                }
                Ok(_) => Err(self.broken("it names too many backups")),
                Err(_) => Err(self.broken("it names no stamp")),
            },
            WireRecord::Entry(entry) => {
                self.entries += 1;
                let order = self.context.decode(entry, &mut self.entry);
                self.in_order(order, true)?;
                Ok(Taken::Next(Next::Entry))
            }
            WireRecord::Removed(_) if !is_delta => {
                Err(self.broken("it removes a path, but the manifest is whole"))
            }
            WireRecord::Removed(path) => {
                self.removed += 1;
                let mut removed = RelPath::root();
                let order = self.context.restore(path, &mut removed);
                self.in_order(order, false)?;
                Ok(Taken::Next(Next::Removed(removed)))
            }
            WireRecord::End { entries, removed } => {
                if (entries, removed) != (self.entries, self.removed) {
                    return Err(self.broken("it counts other entries than there are"));
                }
                // This reads the checksum.
                let read = self.input.read(&mut [0]);
                match read.map_err(|why| self.broken(&why.to_string()))? {
                    0 => Ok(Taken::End),
                    _ => Err(self.broken("there is more after the end")),
                }
            }
        }
    }

    /// Whether the path of a record, which is `order` to the one before it, is in walk order. Of
    /// one path, a removal comes before an entry.
    fn in_order(
        &mut self,
        order: Result<Ordering, &'static str>,
        is_entry: bool,
    ) -> Result<(), ManifestError> {
        let order = order.map_err(|why| self.broken(why))?;
        let last = self.last.replace(is_entry);
        match last.is_none_or(|was_entry| order.then(is_entry.cmp(&was_entry)).is_gt()) {
            true => Ok(()),
            false => Err(ManifestError::Order(self.number)),
        }
    }
}

/// What was read.
enum Next {
    /// It is in [`Records::entry`].
    Entry,
    Removed(RelPath),
}

/// What a record means to those who read the manifest.
enum Taken {
    /// Nothing: it was for the reader.
    Inside,
    Next(Next),
    End,
}

/// The record that these bytes are.
fn decoded(bytes: &[u8]) -> Result<WireRecord<'_>, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((record, [])) => Ok(record),
        Ok(_) => Err("it is longer than its content".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

/// The version that the first bytes of a manifest say. `None`: it is not a manifest.
fn version(input: &mut impl BufRead) -> Result<Option<u32>, ManifestError> {
    let mut line = Vec::new();
    // Five digits at the most.
    let longest = MAGIC.len() as u64 + 6;
    input.take(longest).read_until(b'\n', &mut line)?;
    let digits = line.strip_prefix(MAGIC).and_then(|d| d.strip_suffix(b"\n"));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    Ok(digits.and_then(|digits| digits.parse().ok()))
}
