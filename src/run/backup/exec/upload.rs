//! Uploads to stores: the archives of this run, and those of runs that were interrupted before
//! everything was sent (SPEC#upload, SPEC#cost).

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::{Execution, StepsDone, leftovers};
use crate::adapters::state::State;
use crate::adapters::state::uploads;
use crate::adapters::store::{Direction, Purpose, Store, StoreError, StoreErrorKind};
use crate::model::event::{Event, Section};
use crate::model::marker::Marker;
use crate::model::name::MountName;
use crate::model::object::{Object, ObjectRef};
use crate::model::store::StoreName;
use crate::model::text;
use crate::model::upload_record::{ReadyArchive, Unfinished, WorkFile};
use crate::plan::backup::{Changes, Scope};
use crate::render::StageFiles;
use crate::run::parallel::{Turns, each};

impl Execution<'_> {
    /// Done before anything is sent. If a backup in a store is not known here, the next one
    /// compares times only. If this run is interrupted from here on, the next one finishes its
    /// upload.
    pub(super) fn remember(&self, progress: &mut StepsDone<'_>) {
        let Some((archives, first)) = self
            .whole(progress)
            .filter(|_| !progress.broken)
            .and_then(|archives| self.seal(archives))
            .and_then(|archives| {
                let first = archives.first()?.about.backup;
                Some((archives, first))
            })
        else {
            return;
        };
        let state = State::of(&self.plan.location);
        let manifests: Vec<(MountName, PathBuf)> = self
            .plan
            .stages
            .iter()
            .map(|order| {
                (
                    order.mount.name.clone(),
                    StageFiles::of(order).manifest.to_native(),
                )
            })
            .collect();
        if let Some(fingerprint) = &self.fingerprint
            && let Err(error) = state.note_key(fingerprint)
        {
            let text = format!("the fingerprint of the archive key cannot be kept: {error}");
            self.events.warn(Section::CleanUp, text, None);
        }
        match state.remember(
            self.plan.stamp,
            Some(&self.plan.remember),
            Some(&self.job.name),
            &manifests,
        ) {
            Ok(()) => progress.remembered = true,
            Err(error) => self.events.warn(
                Section::CleanUp,
                error.to_string(),
                Some("the next incremental backup will compare times only".to_owned()),
            ),
        }
        let stores = self
            .stores
            .iter()
            // What a store missed of an archive that is sent while it is made cannot be sent later.
            .filter(|(name, _)| !progress.failed_stores.contains(name))
            .map(|(_, store)| store.label().to_owned())
            .collect();
        let unfinished = state.unsent(first, archives, stores, self.plan.work.to_native());
        self.saved(uploads::save(&unfinished));
        progress.unfinished.insert(self.plan.stamp, unfinished);
    }

    pub(super) fn saved(&self, saved: std::io::Result<()>) {
        if let Err(error) = saved {
            let text = format!("the upload cannot be recorded in local state: {error}");
            let hint = "if this run is interrupted, the next one sends it again";
            self.events
                .warn(Section::Objects, text, Some(hint.to_owned()));
        }
    }

    /// The archives of all mounts with the content of their markers. `None` unless all archives are
    /// complete.
    fn whole(&self, progress: &StepsDone<'_>) -> Option<Vec<ReadyArchive>> {
        let scope = self.plan.scope()?;
        let orders = self.plan.stages.iter().zip(&progress.results);
        let archives = orders.map(|(order, result)| {
            let (archive, archived) = (order.archive.as_ref()?, result.as_ref()?.archive.as_ref()?);
            let since = match (scope, &archive.changes) {
                (
                    Scope::Incremental { since, .. },
                    Changes::SinceManifest { .. } | Changes::SinceMoment { .. },
                ) => Some(*since),
                _ => None,
            };
            let about = Marker {
                program: format!("aam-backup {}", env!("CARGO_PKG_VERSION")),
                location: self.plan.location.clone(),
                backup: archive.backup,
                zone: self.job.zone,
                mount: order.mount.path.clone(),
                mounts: self.plan.stages.iter().map(|s| s.mount.clone()).collect(),
                format: archive.format,
                volumes: Vec::new(),
                manifest: ObjectRef::default(),
                delta: archived.delta,
                files: archived.files,
                bytes: archived.bytes,
                counts: Some(archived.counts),
                sources: archived.sources.clone(),
                selection: self.plan.selection.clone(),
                since,
                tools: self.tools.clone(),
                writer: Some(self.writer.clone()),
                key: self.fingerprint.clone(),
            };
            let (volumes, manifest) = (archived.volumes.clone(), archived.manifest.clone());
            Some(ReadyArchive {
                volumes,
                manifest,
                marker: archive.marker.clone(),
                streamed: order.is_streamed(),
                about,
            })
        });
        archives.collect()
    }

    /// Finishes an older upload.
    pub(super) fn finish(&self, upload: usize, progress: &mut StepsDone<'_>) {
        let finish = &self.plan.unfinished[upload];
        if progress.failed_stores.contains(&finish.store) {
            return;
        }
        let (Some(store), Some(mut unfinished)) = (
            self.stores.get(&finish.store),
            progress.unfinished.remove(&finish.backup),
        ) else {
            return;
        };
        let text = format!(
            "{}: resuming the interrupted upload of the backup {}: {} left, {}",
            store.label(),
            finish.backup,
            text::count(finish.objects, "object"),
            text::size(finish.bytes)
        );
        self.events.note(Section::Objects, text);
        let mounts = 0..unfinished.archives.len();
        let sent = mounts
            .into_iter()
            .try_for_each(|mount| self.send(store.as_ref(), mount, &mut unfinished));
        if let Err(error) = sent.and_then(|()| self.send_markers(store.as_ref(), &mut unfinished)) {
            progress.failed_stores.insert(finish.store);
            self.store_failed(&error);
        }
        progress.unfinished.insert(finish.backup, unfinished);
    }

    /// Sends the volumes and the manifest of one mount.
    pub(super) fn upload(&self, name: StoreName, mount: usize, progress: &mut StepsDone<'_>) {
        if progress.broken || progress.failed_stores.contains(&name) {
            return;
        }
        let (Some(store), Some(unfinished)) = (
            self.stores.get(&name),
            progress.unfinished.get_mut(&self.plan.stamp),
        ) else {
            progress.failed_stores.insert(name);
            return;
        };
        let held = progress.streamed.remove(&(name, mount)).unwrap_or_default();
        let sent = self.publish(store.label(), held, unfinished);
        let sent = sent.and_then(|()| self.send(store.as_ref(), mount, unfinished));
        if let Err(error) = sent {
            progress.failed_stores.insert(name);
            self.store_failed(&error);
        }
    }

    /// Sends the markers of all mounts: the backup exists.
    pub(super) fn mark(&self, name: StoreName, progress: &mut StepsDone<'_>) {
        if progress.broken || progress.failed_stores.contains(&name) {
            return;
        }
        let (Some(store), Some(unfinished)) = (
            self.stores.get(&name),
            progress.unfinished.get_mut(&self.plan.stamp),
        ) else {
            return;
        };
        match self.send_markers(store.as_ref(), unfinished) {
            Ok(()) => drop(progress.marked.insert(name)),
            Err(error) => {
                progress.failed_stores.insert(name);
                self.store_failed(&error);
            }
        }
    }

    /// Sends what the store still lacks of one mount.
    fn send(
        &self,
        store: &dyn Store,
        mount: usize,
        unfinished: &mut Unfinished,
    ) -> Result<(), StoreError> {
        let label = store.label().to_owned();
        let Some(ReadyArchive {
            volumes, manifest, ..
        }) = unfinished.archives.get(mount).cloned()
        else {
            return Ok(());
        };
        let files = volumes
            .iter()
            .map(|file| (file, Purpose::Archive))
            .chain([(&manifest, Purpose::Index)]);
        let lacks = |key: &str| {
            let pending = unfinished.pending(&label);
            pending.is_some_and(|pending| pending.has(key).is_none())
        };
        let files: Vec<(&WorkFile, Purpose)> = files.filter(|(file, _)| lacks(&file.key)).collect();
        let bytes = files.iter().map(|(file, _)| file.size).sum();
        self.events.emit(Event::Ahead { bytes });
        // While one object is being completed, which takes several answers of the server, the next
        // one is being sent.
        let pieces = match store.connections(Direction::Upload) {
            1 => 1,
            connections => 2 * connections,
        };
        let turns = Turns::new(pieces);
        let unfinished = Mutex::new(unfinished);
        let sent = each(&files, pieces, |(file, purpose)| {
            let _turn = turns.wait(file.size);
            self.events.emit(uploading(&label, &file.key, file.size));
            let stored = self.put_file(store, file, *purpose, &unfinished)?;
            self.sent(&label, &stored);
            let mut unfinished = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
            self.saved(uploads::note(&mut unfinished, &label, stored));
            Ok(())
        });
        sent.map(drop).map_err(|(_, error)| error)
    }

    pub(super) fn sent(
        &self,
        label: &str,
        ObjectRef {
            key, size, sha256, ..
        }: &ObjectRef,
    ) {
        let (store, key, sha256) = (label.to_owned(), key.clone(), sha256.clone());
        self.events.emit(Event::Uploaded {
            store,
            key,
            size: *size,
            sha256,
        });
    }

    fn send_markers(
        &self,
        store: &dyn Store,
        unfinished: &mut Unfinished,
    ) -> Result<(), StoreError> {
        let label = store.label().to_owned();
        let Some(markers) = unfinished.markers(&label) else {
            return Err(StoreError {
                store: label,
                what: format!("writing the markers of {}", unfinished.backup.stamp()),
                why: "not every object that they name was sent".to_owned(),
                kind: StoreErrorKind::Other,
                hint: String::new(),
            });
        };
        let named = markers.iter().flat_map(|(_, marker)| {
            let objects = marker.volumes.iter().chain([&marker.manifest]);
            objects.map(|object| Object {
                key: object.key.clone(),
                size: object.size,
            })
        });
        let mut sent: Vec<Object> = named.collect();
        let looks = markers.iter().flat_map(|(_, marker)| &marker.sources);
        let mut unseen = looks.filter(|look| !look.looked_at && self.is_required(&look.path));
        let unseen = unseen.next().map(|look| look.path.clone());
        // No marker may name what is not there.
        self.prove_listed(store, unfinished, &sent)?;
        for (key, marker) in markers {
            let bytes = marker.to_bytes();
            let size = bytes.len() as u64;
            self.events.emit(uploading(&label, &key, size));
            let stored = self.put_marker(store, &key, &bytes, unfinished)?;
            self.sent(&label, &stored);
            sent.push(Object { key, size });
        }
        self.prove_listed(store, unfinished, &sent)?;
        self.keep_sent(store, &sent);
        self.saved(uploads::done(unfinished, &label));
        let what = if unfinished.backup.incremental.is_none() {
            "full"
        } else {
            "incremental"
        };
        let stamp = unfinished.backup.stamp();
        let text = match unseen {
            None => format!("{label}: the {what} backup {stamp} is complete"),
            Some(path) => format!("{label}: the {what} backup {stamp} is there, without '{path}'"),
        };
        self.events.note(Section::Objects, text);
        Ok(())
    }

    /// Removes work files, but for archives that a store still lacks.
    pub(super) fn clean_up(&self, progress: &mut StepsDone<'_>) {
        self.end_streams(progress);
        for (_, name) in self
            .plan
            .destinations
            .iter()
            .filter(|(destination, _)| self.has_all(*destination, progress))
        {
            self.events.emit(Event::Destination {
                name: name.clone(),
                complete: true,
            });
        }
        let mut keep = vec![self.plan.stamp];
        for unfinished in progress.unfinished.values_mut() {
            unfinished.give_up_streamed();
            if unfinished.pending.is_empty() {
                leftovers::forget(unfinished, Section::CleanUp, self.events);
            } else {
                self.keep(unfinished);
                keep.push(unfinished.backup.stamp());
            }
        }
        if !progress.unfinished.contains_key(&self.plan.stamp) {
            leftovers::remove_work(&self.plan.work.to_native(), Section::CleanUp, self.events);
        }
        if progress.remembered && !progress.marked.is_empty() {
            // A store that failed today still knows the backup before.
            if let Some(Scope::Incremental { since, .. }) = self
                .plan
                .scope()
                .filter(|_| !progress.failed_stores.is_empty())
            {
                keep.push(*since);
            }
            let state = State::of(&self.plan.location);
            // The next incremental backup of a store that this run did not use rests on these.
            keep.extend(state.newest_sent());
            state.forget_all_but(&keep);
        }
    }

    /// Keeps what the next run is to send.
    fn keep(&self, unfinished: &Unfinished) {
        let (work, backup) = (unfinished.work.display(), unfinished.backup.stamp());
        if uploads::save(unfinished).is_err() {
            // It was reported when it first happened. Without a record, nothing would say what
            // these files are.
            return leftovers::remove_work(&unfinished.work, Section::CleanUp, self.events);
        }
        if let Err(error) = uploads::prune(unfinished) {
            let text =
                format!("'{work}' cannot be cleared of what is not needed any more: {error}");
            self.events.warn(Section::CleanUp, text, None);
        }
        let stores: Vec<&str> = unfinished
            .pending
            .iter()
            .map(|pending| pending.store.as_str())
            .collect();
        let text = format!(
            "the backup {backup} is not complete in {}: its archives stay in '{work}' ({}), and the next run resumes the \
             upload; to give it up, delete that directory",
            stores.join(" and "),
            text::size(unfinished.bytes()),
        );
        self.events.note(Section::CleanUp, text);
    }
}

fn uploading(store: &str, key: &str, size: u64) -> Event {
    let (store, key) = (store.to_owned(), key.to_owned());
    let size = Some(size);
    Event::Uploading { store, key, size }
}
