//! Tests of the encoding: everything comes back, damage is always noticed, a chain of deltas is the
//! state that was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::delta::{write_delta, write_state};
use super::details::{Attribute, Attributes, Details, Link, LinkKind, Owner};
use super::*;
use crate::model::name::{BackupId, Format};
use crate::model::path::{Family, FullPath};
use crate::model::stamp::Stamp;

fn stamp(number: u32) -> Stamp {
    format!("20201221_134337.{number:06}").parse().unwrap()
}

fn header(number: u32, family: Family) -> Header {
    let mount = match family {
        Family::Unix => "/home",
        Family::Windows => r"C:\Users",
    };
    let backup = BackupId {
        full: stamp(0),
        incremental: (number > 0).then(|| stamp(number)),
    };
    let mount = FullPath::parse(mount).unwrap();
    Header::whole("pc", &mount, Some(backup), Some(Format::Zip))
}

fn written(header: &Header, entries: &[Entry]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header).unwrap();
    entries.iter().for_each(|e| writer.write(e).unwrap());
    writer.finish().unwrap()
}

/// The entries, which are the same whichever way they are read.
fn read(bytes: &[u8]) -> Result<Vec<Entry>, ManifestError> {
    let read: Result<Vec<Entry>, ManifestError> = Reader::new(bytes)?.collect();
    let mut reader = Reader::new(bytes)?;
    let mut looked = Vec::new();
    let end = loop {
        match reader.look() {
            Ok(Some(entry)) => looked.push(entry.clone()),
            Ok(None) => break Ok(looked),
            Err(error) => break Err(error),
        }
    };
    match (&read, &end) {
        (Ok(read), Ok(looked)) => assert_eq!(read, looked),
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        _ => panic!("{read:?} {end:?}"),
    }
    assert!(matches!(reader.look(), Ok(None)), "nothing follows");
    read
}

/// Names of both families: any bytes, and WTF-8 with a lone surrogate.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[ab]{1,2}".prop_map(String::into_bytes),
        1 => "[a-zA-Z. !~\u{e4}\u{df}\u{4e2d}]{1,4}".prop_map(String::into_bytes),
        1 => Just(b"\xed\xa0\x80x".to_vec()),
        1 => prop::collection::vec(
            any::<u8>().prop_filter("no separator", |b| *b != b'/' && *b != 0),
            1..5,
        ),
    ]
}

fn path() -> impl Strategy<Value = RelPath> {
    prop::collection::vec(name(), 0..4).prop_map(|names| RelPath::from_bytes(names.join(&b'/')))
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        3 => (0..4_000_000_000_000_000_000_i128).prop_map(Moment),
        1 => any::<i128>().prop_map(Moment),
    ]
}

fn details() -> impl Strategy<Value = Details> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..6).prop_map(ByteBuf::from);
    let kind = prop_oneof![
        Just(LinkKind::Symbolic),
        Just(LinkKind::Directory),
        Just(LinkKind::Junction)
    ];
    let link = (bytes(), kind).prop_map(|(target, kind)| Link { target, kind });
    let owner = (0..3_u32, any::<u32>(), prop::option::of("[a-z]{1,3}"));
    let owner = owner.prop_map(|(uid, gid, user)| {
        Arc::new(Owner {
            uid,
            gid: gid % 2,
            user,
            group: None,
        })
    });
    let attribute = (bytes(), bytes()).prop_map(|(name, value)| Attribute { name, value });
    let attributes = prop::collection::vec(attribute, 0..3).prop_map(|a| Arc::new(Attributes(a)));
    (
        prop::option::of(link),
        prop::option::of(owner),
        prop::option::of(attributes),
        any::<(Option<u32>, Option<u64>, Option<u32>, bool, bool)>(),
    )
        .prop_map(
            |(link, owner, attributes, (windows, links, crc, sparse, racy))| Details {
                link,
                owner,
                attributes,
                windows,
                links,
                crc,
                sparse,
                racy,
            },
        )
}

fn entry(backups: u32) -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![
        1 => Just(EntryKind::Directory),
        3 => Just(EntryKind::File),
        1 => Just(EntryKind::Link)
    ];
    let stored = prop_oneof![
        Just(None),
        Just(Some(Stored::EARLIER)),
        (0..backups).prop_map(|number| Some(Stored::In(stamp(number))))
    ];
    let more = prop_oneof![3 => Just(Details::default()), 1 => details()];
    let times = (
        moment(),
        prop::option::of(moment()),
        prop::option::of(moment()),
    );
    let meta = (any::<u64>(), times, any::<Option<u32>>());
    (path(), kind, meta, stored, any::<bool>(), more).prop_map(
        |(path, kind, (size, (modified, created, changed), mode), stored, unseen, details)| Entry {
            path,
            kind,
            meta: Meta {
                size,
                modified,
                created,
                changed,
                mode,
            },
            stored,
            unseen,
            details,
        },
    )
}

fn entries(backups: u32) -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(entry(backups), 0..30).prop_map(|all| {
        let all = all.into_iter().map(|entry| (entry.path.clone(), entry));
        all.collect::<BTreeMap<_, _>>().into_values().collect()
    })
}

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::Unix), Just(Family::Windows)]
}

proptest! {
    #[test]
    fn everything_comes_back(entries in entries(5), family in family()) {
        let header = header(4, family);
        let bytes = written(&header, &entries);
        let reader = Reader::new(&bytes[..]).unwrap();
        prop_assert_eq!(reader.header(), &header);
        prop_assert_eq!(reader.collect::<Result<Vec<_>, _>>().unwrap(), entries);
    }

    /// Cut anywhere, or with any byte changed, it is an error: never a panic, never another state.
    #[test]
    fn damage_is_noticed(
        entries in entries(5),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let bytes = written(&header(4, Family::Unix), &entries);
        let at = at.index(bytes.len());
        prop_assert!(read(&bytes[..at]).is_err(), "cut at {}", at);
        let mut other = bytes.clone();
        other[at] ^= flip;
        // A bit that nobody reads may change nothing.
        prop_assert!(read(&other).map_or(true, |read| read == entries), "changed at {}", at);
        let mut longer = bytes;
        longer.push(flip);
        prop_assert!(read(&longer).is_err());
    }

    #[test]
    fn noise_is_no_manifest(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&noise).is_err());
        prop_assert!(read(&[b"AAMMAN2\n", &noise[..]].concat()).is_err());
    }

    /// States, each with some entries of the one before it, come out of their chains.
    #[test]
    fn a_chain_is_the_state_that_was_written(
        states in prop::collection::vec((entries(4), any::<u64>()), 1..5),
        family in family(),
    ) {
        let mut last: BTreeMap<RelPath, Entry> = BTreeMap::new();
        let mut chain: Vec<Vec<u8>> = Vec::new();
        let (mut lineage, mut whole) = (ManifestChain::whole(1 << 20), Vec::new());
        for (number, (new, kept)) in (0_u32..).zip(states) {
            // Directories go without what is in them: a source may lie below another.
            let mut bits = kept;
            last.retain(|_, _| {
                bits = bits.rotate_left(1);
                bits & 3 != 0
            });
            last.extend(new.into_iter().map(|entry| (entry.path.clone(), entry)));
            let state: Vec<Entry> = last.values().cloned().collect();
            let all = written(&header(number, family), &state);
            if number == 0 {
                chain.push(all.clone());
            } else {
                let delta = lineage.next(stamp(number - 1)).unwrap();
                let header = Header { delta: Some(delta), ..header(number, family) };
                let base = Reader::new(&whole[..]).unwrap();
                let bytes =
                    write_delta(base, Reader::new(&all[..]).unwrap(), &header, Vec::new()).unwrap();
                lineage = lineage.with(delta, 1).unwrap();
                prop_assert!(matches!(read(&bytes), Err(ManifestError::Delta)));
                chain.push(bytes);
            }
            whole = all;
            let readers = chain.iter().rev().map(|bytes| Reader::new(&bytes[..]).unwrap());
            let merged = write_state(readers.collect(), Vec::new()).unwrap();
            prop_assert_eq!(read(&merged).unwrap(), state);
        }
        // Without one of its links, it is not.
        if chain.len() > 2 {
            chain.remove(1);
            let readers = chain.iter().rev().map(|bytes| Reader::new(&bytes[..]).unwrap());
            prop_assert!(write_state(readers.collect(), Vec::new()).is_err());
        }
    }
}

proptest! {
    /// What Windows says beside size and times is in the delta of the entries where it changed, and
    /// calls for no archive: only times and sizes say that the content may be another one.
    #[test]
    fn a_changed_attribute_is_in_the_delta_and_no_other_content(
        entries in entries(4),
        changed in any::<u64>(),
        attributes in prop::sample::select(&[0x1_u32, 0x2, 0x4, 0x20, 0x2000][..]),
    ) {
        let is_changed = |number: usize| changed >> (number % 64) & 1 == 1;
        let state: Vec<Entry> = entries.iter().cloned().enumerate().map(|(number, mut entry)| {
            if is_changed(number) {
                entry.details.windows = Some(entry.details.windows.unwrap_or(0) ^ attributes);
            }
            entry
        }).collect();
        let (base, all) = (
            written(&header(0, Family::Windows), &entries),
            // `in` is a stamp, so that the same backups hold the content.
            written(&header(0, Family::Windows), &state),
        );
        let delta = ManifestChain::whole(1).next(stamp(0));
        let header = Header { delta, ..header(1, Family::Windows) };
        let (old, new) = (Reader::new(&base[..]).unwrap(), Reader::new(&all[..]).unwrap());
        let bytes = write_delta(old, new, &header, Vec::new()).unwrap();
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut listed = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let record::Record::Entry(entry) = record else { panic!("nothing was removed") };
            listed.push(*entry);
        }
        let expected: Vec<&Entry> =
            state.iter().enumerate().filter(|(n, _)| is_changed(*n)).map(|(_, e)| e).collect();
        prop_assert_eq!(listed.iter().collect::<Vec<_>>(), expected);
        for (old, new) in entries.iter().zip(&state) {
            prop_assert!(!new.meta.differs(&old.meta));
            prop_assert_eq!(new.stored, old.stored);
        }
    }
}

#[test]
fn an_unchanged_state_is_a_delta_of_some_hundred_bytes() {
    let entries: Vec<Entry> = (0..5000)
        .map(|i| {
            let meta = Meta {
                size: i,
                modified: Moment(i128::from(i) * 7_919_000_000_123),
                created: None,
                changed: None,
                mode: Some(0o644),
            };
            let path = RelPath::from_bytes(format!("{:03}/{:03}", i / 100, i % 100));
            Entry::new(&path, EntryKind::File, meta, Some(Stored::In(stamp(0))))
        })
        .collect();
    let whole = written(&header(0, Family::Unix), &entries);
    let new = written(&header(1, Family::Unix), &entries);
    let delta = ManifestChain::whole(1).next(stamp(0));
    let header = Header {
        delta,
        ..header(1, Family::Unix)
    };
    let (base, new) = (
        Reader::new(&whole[..]).unwrap(),
        Reader::new(&new[..]).unwrap(),
    );
    let delta = write_delta(base, new, &header, Vec::new()).unwrap();
    assert!(delta.len() < 500, "{} bytes", delta.len());
}

#[test]
fn order_and_versions_are_checked() {
    let file = |path: &str| {
        let path = RelPath::from_bytes(path);
        Entry::new(&path, EntryKind::File, Meta::unknown(), None)
    };
    let header = header(0, Family::Unix);
    for entries in [[file("b"), file("a")], [file("a"), file("a")]] {
        let bytes = written(&header, &entries);
        assert!(matches!(read(&bytes), Err(ManifestError::Order(3))));
    }
    assert!(matches!(
        read(b"AAMMAN3\nxyz"),
        Err(ManifestError::Newer(3))
    ));
    assert!(matches!(
        read(b"{\"version\":7}\n"),
        Err(ManifestError::Newer(7))
    ));
    let said = read(b"AAMMAN3\n").unwrap_err().to_string();
    assert!(said.contains("has version 3") && said.contains("use a newer aam-backup"));
    assert!(matches!(read(b"PK\x03\x04"), Err(ManifestError::Foreign)));
    assert!(read(b"").is_err());
}

/// A file that ends in a sea of zeros must not make anything large of them.
#[test]
fn a_record_is_bounded() {
    let mut out = zstd::Encoder::new(b"AAMMAN2\n".to_vec(), 3).unwrap();
    std::io::Write::write_all(&mut out, &[0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0]).unwrap();
    let bytes = out.finish().unwrap();
    let said = read(&bytes).unwrap_err().to_string();
    assert!(said.contains("longer than 16 MiB"), "{said}");
}

#[test]
fn version_1_is_read() {
    let bytes = include_bytes!("version1.sample.jsonl");
    let reader = Reader::new(&bytes[..]).unwrap();
    assert_eq!(reader.header().version, 1);
    let all: Vec<Entry> = reader.map(Result::unwrap).collect();
    let shown: Vec<_> = all.iter().map(|e| (e.path.to_string(), e.kind)).collect();
    let dir = |path: &str| (path.to_owned(), EntryKind::Directory);
    let file = |path: &str| (path.to_owned(), EntryKind::File);
    assert_eq!(
        shown,
        [
            dir(""),
            dir("docs"),
            file("docs/a\\nb"),
            file("docs/b\u{fffd}"),
            file("x")
        ]
    );
    assert_eq!(all[2].stored, Some(Stored::EARLIER));
    assert!(all[3].stored.is_none() && all[3].unseen);
    assert_eq!(all[3].meta.modified, Moment(-11_644_473_600_000_000_000));
    assert_eq!(all[4].stored, Some(Stored::In(stamp(851_361))));
    assert_eq!(all[4].meta.mode, Some(0o640));
    let cut = &bytes[..bytes.len() - 4];
    assert!(read(cut).is_err(), "a cut manifest is noticed");
}
