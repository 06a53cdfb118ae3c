//! Archives that are sent while they are made (SPEC#stream). Each store has a thread that receives
//! the volumes; they appear in the store when the archives of all mounts are there.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, ScopedJoinHandle};

use super::cutter::{Cutter, Portion};
use super::traces::open_object;
use super::{Execution, StepsDone};
use crate::adapters::state::uploads;
use crate::adapters::store::{GrowingObject, Purpose, Store, StoreError, StoreErrorKind};
use crate::model::event::{Event, Section};
use crate::model::object::ObjectRef;
use crate::model::store::StoreName;
use crate::model::upload_record::{Unfinished, WorkFile};
use crate::plan::backup::{PlanStep, StageOrder};
use crate::run::backup::stage::{self, Archived, StageError, StageResult};

/// An object that a store has received and does not show yet.
pub(super) struct ReceivedVolume<'a> {
    key: String,
    object: Box<dyn GrowingObject + 'a>,
}

/// The volumes of one mount in one store, as they are to be.
pub(super) type HeldVolumes<'a> = Vec<(ObjectRef, ReceivedVolume<'a>)>;

/// What a store received, or why it received nothing.
type Reception<'a> = Result<Vec<ReceivedVolume<'a>>, StoreError>;

impl<'a> Execution<'a> {
    /// Carries out an order whose archive is sent while it is made.
    pub(super) fn stage_streamed(
        &self,
        mount: usize,
        order: &StageOrder,
        progress: &mut StepsDone<'a>,
    ) -> Result<StageResult, StageError> {
        let Some(archive) = &order.archive else {
            return Err(StageError::NotTaken);
        };
        let stores: Vec<(StoreName, &'a dyn Store)> = self.receivers(mount, progress);
        let mut receptions = Vec::new();
        let (done, volumes) = std::thread::scope(|scope| {
            let (mut senders, mut threads) = (Vec::new(), Vec::new());
            for (name, store) in stores {
                let (to, portions) = sync_channel(0);
                let receive = move || self.receive(store, portions);
                match Builder::new().spawn_scoped(scope, receive) {
                    Ok(thread) => {
                        senders.push(to);
                        threads.push((name, store, thread));
                    }
                    Err(why) => receptions.push((name, store, Err(no_thread(store, why)))),
                }
            }
            let mut cutter = Cutter::new(archive, senders);
            let done = stage::run(order, self.key, &mut cutter, self.cancel, self.events);
            let volumes = cutter.finish();
            for (name, store, thread) in threads {
                receptions.push((name, store, joined(store, thread)));
            }
            (done, volumes)
        });
        let (mut done, mut volumes) = (done, volumes);
        let archived = done.as_mut().ok().and_then(|done| done.archive.as_mut());
        let is_whole = archived.is_some_and(|archived| take_volumes(archived, order, &mut volumes));
        for (name, store, received) in receptions {
            match received {
                Ok(received) if is_whole && received.len() == volumes.len() => {
                    let held = volumes.iter().cloned().zip(received).collect();
                    progress.streamed.insert((name, mount), held);
                }
                Ok(received) => self.abandon(store.label(), received),
                Err(error) => {
                    progress.failed_stores.insert(name);
                    self.store_failed(&error);
                }
            }
        }
        match done {
            Ok(result) if !is_whole && result.archive.is_some() => Err(StageError::NotTaken),
            done => done,
        }
    }

    /// The stores that get the archive of a mount.
    fn receivers(&self, mount: usize, progress: &StepsDone<'a>) -> Vec<(StoreName, &'a dyn Store)> {
        let stores: &'a BTreeMap<_, Box<dyn Store>> = self.stores;
        let gets = |store: StoreName| {
            self.plan.steps.contains(&PlanStep::Upload { store, mount })
                && !progress.failed_stores.contains(&store)
        };
        let stores = stores.iter().filter(|(name, _)| gets(**name));
        stores
            .map(|(name, store)| (*name, store.as_ref()))
            .collect()
    }

    /// Receives the volumes of one mount for a store.
    fn receive<'s>(&self, store: &'s dyn Store, portions: Receiver<Portion>) -> Reception<'s> {
        let mut volumes = Vec::new();
        let mut step = |portion| {
            match portion {
                Portion::Archive => self.abandon(store.label(), std::mem::take(&mut volumes)),
                Portion::Volume(key) => {
                    let object = store.grow(&key, Purpose::Archive)?;
                    self.note_begun(&open_object(store.label(), &key, object.trace()));
                    self.events.emit(Event::Uploading {
                        store: store.label().to_owned(),
                        key: key.clone(),
                        size: None,
                    });
                    volumes.push(ReceivedVolume { key, object });
                }
                Portion::Part(part) => {
                    let bytes = part.len() as u64;
                    volumes.last_mut().map_or(Ok(()), |v| v.object.add(part))?;
                    self.events.emit(Event::Transferred { bytes });
                }
                Portion::VolumeEnd => {
                    volumes.last_mut().map_or(Ok(()), |v| v.object.close())?;
                }
            }
            Ok(())
        };
        match take_all(portions, &mut step) {
            Ok(()) => Ok(volumes),
            Err(error) => {
                self.abandon(store.label(), volumes);
                Err(error)
            }
        }
    }

    /// Makes the volumes of a mount appear in a store.
    pub(super) fn publish(
        &self,
        label: &str,
        held: HeldVolumes<'_>,
        unfinished: &mut Unfinished,
    ) -> Result<(), StoreError> {
        let mut held = held.into_iter();
        while let Some((stored, received)) = held.next() {
            let (key, trace) = (received.key, received.object.trace());
            let published = match received.object.publish(&stored) {
                // This run began it, so it is the same.
                Err(error) if error.kind == StoreErrorKind::Unclear => Ok(()),
                published => published,
            };
            if let Err(error) = published {
                self.lingers(open_object(label, &key, trace));
                self.abandon(label, held.map(|(_, received)| received).collect());
                return Err(error);
            }
            self.sent(label, &stored);
            self.saved(uploads::note(unfinished, label, stored));
        }
        Ok(())
    }

    /// Removes what a store received.
    fn abandon(&self, label: &str, volumes: Vec<ReceivedVolume<'_>>) {
        for ReceivedVolume { key, object } in volumes {
            let trace = object.trace();
            let Err(error) = object.abandon() else {
                continue;
            };
            let hint = "the next run tries again";
            let text = format!("what was sent of '{key}' cannot be removed: {error}");
            self.events
                .warn(Section::CleanUp, text, Some(hint.to_owned()));
            self.lingers(open_object(label, &key, trace));
        }
    }

    /// Removes what did not become part of a backup, and forgets what was begun.
    pub(super) fn end_streams(&self, progress: &mut StepsDone<'_>) {
        for ((name, _), held) in std::mem::take(&mut progress.streamed) {
            let label = self.stores.get(&name).map_or("", |store| store.label());
            let received = held.into_iter().map(|(_, received)| received);
            self.abandon(label, received.collect());
        }
        self.keep_traces(Section::CleanUp);
    }
}

/// Takes portions until one fails, and none after that: the other stores do not wait until this one
/// has removed what it received.
fn take_all(
    portions: Receiver<Portion>,
    step: &mut dyn FnMut(Portion) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    portions.into_iter().try_for_each(step)
}

/// Names the volumes in the result of a stage. False if they are not all of the archive.
fn take_volumes(archived: &mut Archived, order: &StageOrder, volumes: &mut Vec<ObjectRef>) -> bool {
    if archived.volumes.is_empty() {
        // Nothing was left to archive.
        volumes.clear();
    }
    let bytes = |sizes: &mut dyn Iterator<Item = u64>| sizes.sum::<u64>();
    let made = bytes(&mut archived.volumes.iter().map(|volume| volume.size));
    let sent = bytes(&mut volumes.iter().map(|volume| volume.size));
    let file = |sent: &ObjectRef| WorkFile {
        path: order.work.join(&sent.key).to_native(),
        key: sent.key.clone(),
        size: sent.size,
        made: Some(sent.clone()),
    };
    archived.volumes = volumes.iter().map(file).collect();
    made == sent
}

fn joined<'s>(store: &dyn Store, thread: ScopedJoinHandle<'_, Reception<'s>>) -> Reception<'s> {
    let lost = |_| Err(no_thread(store, io::Error::other("it was lost")));
    thread.join().unwrap_or_else(lost)
}

fn no_thread(store: &dyn Store, why: io::Error) -> StoreError {
    StoreError {
        store: store.label().to_owned(),
        what: "starting the upload".to_owned(),
        why: format!("its thread cannot run: {why}"),
        kind: StoreErrorKind::Local,
        hint: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_failed_takes_no_portion_more() {
        let (to, portions) = sync_channel(3);
        let mut taken = 0;
        for _ in 0..2 {
            to.send(Portion::VolumeEnd).unwrap();
        }
        let failed = take_all(portions, &mut |_| {
            taken += 1;
            Err(StoreError {
                store: String::new(),
                what: String::new(),
                why: String::new(),
                kind: StoreErrorKind::Full,
                hint: String::new(),
            })
        });
        assert_eq!((failed.unwrap_err().kind, taken), (StoreErrorKind::Full, 1));
        // What it received is not removed yet, and nobody waits for it.
        assert!(to.send(Portion::VolumeEnd).is_err());
    }
}
