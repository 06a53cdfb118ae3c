//! The manifest as it is sent: whole, or a delta on that of the base (SPEC#formats). It is
//! encrypted, because names are private.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::counts::WalkCounts;
use super::{Archived, StageError};
use crate::adapters::manifest_file::{FileReader, ManifestNotes};
use crate::adapters::process::Invocation;
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section};
use crate::model::manifest::delta::{ChainError, write_delta};
use crate::model::manifest::{DeltaBase, Header, ManifestChain, RelPath, SourceLook, Writer};
use crate::model::marker::StateCounts;
use crate::model::name::Format;
use crate::model::path::FullPath;
use crate::model::secret::Secret;
use crate::model::upload_record::WorkFile;
use crate::plan::backup::{ArchiveOrder, Changes, StageOrder};
use crate::render::{MANIFEST_FILE, StageFiles, switches};

/// The manifest that is sent, not encrypted yet.
struct MadeManifest {
    file: PathBuf,
    /// What it rests on, if it is a delta.
    delta: Option<DeltaBase>,
    sources: Vec<SourceLook>,
    counts: StateCounts,
}

/// Makes the manifest object, and writes beside it what the next backup must know.
fn make(
    order: &StageOrder,
    archive: &ArchiveOrder,
    files: &StageFiles,
    prepared: &WalkCounts,
) -> Result<MadeManifest, StageError> {
    let whole = files.manifest.to_native();
    let before = match &archive.changes {
        Changes::SinceManifest { path } => Some(Path::new(path)),
        Changes::Everything | Changes::SinceMoment { .. } => None,
    };
    let notes = before.and_then(ManifestNotes::beside);
    let sources = sources(order, prepared, notes.as_ref());
    let (mut file, mut chain) = (whole.clone(), None);
    if let (Some(before), Some(notes)) = (before, &notes) {
        let place = order.work.to_native().join("delta");
        fs::create_dir_all(&place).map_err(StageError::io("creating", &place))?;
        let place = place.join(MANIFEST_FILE);
        let nothing = prepared.is_as_before && prepared.nothing_archived();
        chain = delta(before, &whole, nothing, &notes.chain, &place)?;
        if chain.is_some() {
            file = place;
        }
    }
    let chain = match chain {
        Some(chain) => chain,
        None => ManifestChain::whole(size(&whole)?),
    };
    let notes = ManifestNotes { chain, sources };
    notes
        .write(&whole)
        .map_err(StageError::io("writing the notes of", &whole))?;
    Ok(MadeManifest {
        file,
        delta: chain.delta,
        sources: notes.sources,
        counts: StateCounts {
            files: prepared.files,
            directories: prepared.directories,
            links: prepared.kept_links,
            bytes: prepared.bytes,
            skipped: prepared.skipped,
            unseen: prepared.unseen,
        },
    })
}

/// Writes what changed since the manifest `before`. `None` if the whole manifest is to be sent.
/// `nothing`: the walk found that nothing did, so that both need not be read again.
fn delta(
    before: &Path,
    whole: &Path,
    nothing: bool,
    chain: &ManifestChain,
    place: &Path,
) -> Result<Option<ManifestChain>, StageError> {
    let broken = |why| StageError::Before {
        path: before.display().to_string(),
        why,
    };
    let base = FileReader::open(before).map_err(broken)?;
    let new = FileReader::open(whole)?;
    let (of_base, of_new) = (base.header().clone(), new.header().clone());
    let is_same = (&of_base.location, &of_base.mount) == (&of_new.location, &of_new.mount);
    let next = of_base.stamp().filter(|_| is_same);
    let Some(delta) = next.and_then(|stamp| chain.next(stamp)) else {
        return Ok(None);
    };
    let header = Header {
        delta: Some(delta),
        ..of_new
    };
    let out = File::create(place).map_err(StageError::io("creating", place))?;
    let out = BufWriter::new(out);
    let written = match nothing {
        true => Writer::new(out, &header)
            .and_then(Writer::finish)
            .map_err(ChainError::from),
        false => write_delta(base, new, &header, out),
    };
    match written {
        Ok(_) => Ok(chain.with(delta, size(place)?)),
        Err(ChainError::Manifest(0, why)) => Err(broken(why)),
        Err(ChainError::Manifest(_, why)) => Err(why.into()),
        Err(ChainError::Write(why)) => Err(StageError::io("writing", place)(why)),
        Err(ChainError::Unchained(_)) => Ok(None),
    }
}

fn size(path: &Path) -> Result<u64, StageError> {
    let found = fs::metadata(path).map_err(StageError::io("looking at", path))?;
    Ok(found.len())
}

/// The sources of the mount, and when they were looked at.
fn sources(
    order: &StageOrder,
    prepared: &WalkCounts,
    before: Option<&ManifestNotes>,
) -> Vec<SourceLook> {
    let family = order.mount.path.family();
    let look = |source: &FullPath| {
        let below = RelPath::below(source, &order.mount.path).unwrap_or_default();
        let is_unknown = prepared.is_unknown(&below, family);
        let mut last = before.into_iter().flat_map(|notes| &notes.sources);
        let last = last.find(|last| last.path.same(source));
        SourceLook {
            path: source.clone(),
            looked_at: !is_unknown,
            last_looked_at: match is_unknown {
                false => Some(order.stamp),
                true => last.and_then(|last| last.last_looked_at),
            },
            why: is_unknown.then(|| "it was missing or could not be read".to_owned()),
        }
    };
    order.mount.sources.iter().map(look).collect()
}

/// What a manifest is packed with.
pub(super) struct Packer<'a> {
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

impl<'a> Packer<'a> {
    pub fn new(
        seven_zip: &'a SevenZip,
        key: &'a Secret,
        cancel: &'a Cancel,
        events: &'a Events<'a>,
    ) -> Packer<'a> {
        Packer {
            seven_zip,
            key,
            cancel,
            events,
        }
    }

    /// An archive of these volumes, with its manifest. `None` when that could not be made, which is
    /// reported.
    pub fn archived(
        &self,
        order: &StageOrder,
        archive: &ArchiveOrder,
        files: &StageFiles,
        prepared: &WalkCounts,
        volumes: Vec<WorkFile>,
    ) -> Result<Option<Archived>, StageError> {
        let made = make(order, archive, files, prepared)?;
        let manifest = self.pack(archive, files, &made.file)?;
        Ok(manifest.map(|manifest| Archived {
            volumes,
            manifest,
            delta: made.delta,
            files: prepared.archived_files,
            bytes: prepared.archived_bytes,
            counts: made.counts,
            sources: made.sources,
        }))
    }

    /// The manifest as its object.
    fn pack(
        &self,
        archive: &ArchiveOrder,
        files: &StageFiles,
        plain: &Path,
    ) -> Result<Option<WorkFile>, StageError> {
        let target = files.encrypted_manifest.to_native();
        let mut said = Vec::new();
        // Its content is compressed.
        let stored = match archive.format {
            Format::Zip => "-mx=0",
            Format::SevenZip => "-m0=Copy",
        };
        let code = Invocation::new(self.seven_zip.program())
            .args(["a", &format!("-t{}", archive.format.extension())])
            .args(switches(archive.format).split(' '))
            .args([stored, "-spd", "-bd", "-sccUTF-8", "-p", "--"])
            .arg(&target)
            .arg(plain)
            .run(Some(self.key), self.cancel, &mut |line| {
                said.push(line.to_owned());
            })?;
        let exit = SevenZipExit::of(code);
        if exit != SevenZipExit::Ok {
            for line in said {
                self.events.emit(Event::ToolOutput {
                    tool: "7-Zip".to_owned(),
                    line,
                });
            }
            let text = format!(
                "the manifest '{}' could not be encrypted: {exit}",
                archive.manifest
            );
            self.events.fail(Section::Tools, text, None);
            return Ok(None);
        }
        Ok(Some(WorkFile {
            key: archive.manifest.clone(),
            size: size(&target)?,
            path: target,
            made: None,
        }))
    }
}
