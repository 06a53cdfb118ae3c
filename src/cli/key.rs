//! `key check`: is this the key of the backups? (SPEC#commands)

use clap::{Args, Subcommand};

use super::place::{PlaceArgs, complain, complain_store};
use super::restore::key::{KeyArgs, key};
use super::{Exit, Global, output};
use crate::adapters::key_fingerprint;
use crate::adapters::store::{Store, StoreError};
use crate::model::cancel::Cancel;
use crate::model::catalog::Set;
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::marker::{self, Marker};
use crate::model::secret::Secret;
use crate::model::stamp::Stamp;
use crate::run::restore::gather;
use crate::run::restore::origin::RestoreOrigin;

/// Look at archive keys
#[derive(Debug, Args)]
pub struct KeyCommandArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    Check(Box<KeyCheckArgs>),
}

/// Compare an archive key with the newest backup of every set in the stores
#[derive(Debug, Args)]
struct KeyCheckArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    key: KeyArgs,
}

/// What a marker says of a key.
enum KeyAnswer {
    Fits,
    Other,
    Unknown,
}

impl KeyCommandArgs {
    /// Compares.
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let KeyCommand::Check(args) = &self.command;
        let origin = match args.place.open(global, cancel) {
            Ok(origin) => origin,
            Err(exit) => return exit,
        };
        match key(&args.key, &origin, cancel) {
            Ok((key, from)) => check(&origin, &key, &from),
            Err(error) => {
                complain("error", &error.to_string(), "");
                Exit::Failed
            }
        }
    }
}

fn check(origin: &RestoreOrigin, key: &Secret, from: &str) -> Exit {
    let mut exit = Exit::Success;
    let mut found = 0;
    let mut known: Vec<(KeyFingerprint, bool)> = Vec::new();
    for candidate in &origin.candidates {
        let store = candidate.store.as_ref().map_err(Clone::clone);
        let markers = store.and_then(|store| newest_markers(&**store, &origin.location));
        let markers = match markers {
            Ok(markers) => markers,
            Err(error) => {
                complain_store("error", &error);
                exit = Exit::Failed;
                continue;
            }
        };
        for (stamp, fingerprint) in markers {
            found += 1;
            let text = match compare(fingerprint, key, &mut known) {
                KeyAnswer::Fits => format!("is encrypted with the key from {from}"),
                KeyAnswer::Unknown => {
                    "was made by a program that did not record which key it used".to_owned()
                }
                KeyAnswer::Other => {
                    exit = Exit::Failed;
                    format!("is encrypted with ANOTHER key than that from {from}")
                }
            };
            let line = format!("{}: the backup {stamp} {text}\n", candidate.label);
            exit = exit.or(output::result(line));
        }
    }
    if found == 0 && matches!(exit, Exit::Success) {
        complain(
            "error",
            "there is no complete backup to compare the key with",
            "",
        );
        return Exit::Failed;
    }
    exit
}

/// The newest complete backup of every set, newest set first, and what its marker says of the key.
fn newest_markers(
    store: &dyn Store,
    location: &str,
) -> Result<Vec<(Stamp, Option<KeyFingerprint>)>, StoreError> {
    let catalog = gather::catalog(store, location)?;
    let mut found = Vec::new();
    for set in catalog.sets.iter().rev() {
        let complete = Set::backups(set).filter(|backup| backup.incomplete().is_none());
        let Some(newest) = complete.max_by_key(|backup| backup.id.stamp()) else {
            continue;
        };
        let marker = newest
            .archives
            .values()
            .find_map(|archive| archive.marker.as_ref());
        let fingerprint = match marker {
            Some(marker) => {
                let bytes = store.read_listed(marker, marker::MAX_BYTES)?;
                Marker::parse(&marker.key, &bytes)
                    .ok()
                    .flatten()
                    .and_then(|marker| marker.key)
            }
            None => None,
        };
        found.push((newest.id.stamp(), fingerprint));
    }
    Ok(found)
}

/// Comparing is slow on purpose: the same fingerprint is compared once.
fn compare(
    fingerprint: Option<KeyFingerprint>,
    key: &Secret,
    known: &mut Vec<(KeyFingerprint, bool)>,
) -> KeyAnswer {
    let Some(fingerprint) = fingerprint else {
        return KeyAnswer::Unknown;
    };
    let before = known.iter().find(|(one, _)| *one == fingerprint);
    let fits = before
        .map(|(_, fits)| *fits)
        .or_else(|| key_fingerprint::is_of(&fingerprint, key));
    match fits {
        None => KeyAnswer::Unknown,
        Some(fits) => {
            known.push((fingerprint, fits));
            if fits {
                KeyAnswer::Fits
            } else {
                KeyAnswer::Other
            }
        }
    }
}
