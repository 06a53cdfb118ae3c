//! What several checks look at, looked up once: stores, the plan of a run that would start now,
//! what its walks find.

use std::cell::{OnceCell, RefCell};
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::Permissions;
use crate::adapters::credential;
use crate::adapters::process::ToolError;
use crate::adapters::store::open::sentence;
use crate::adapters::store::{Store, StoreError, open_store};
use crate::model::cancel::Cancel;
use crate::model::catalog::Catalog;
use crate::model::event::{Event, Events, Severity, Sink};
use crate::model::job::Job;
use crate::model::policy::{Reference, Transfer};
use crate::model::secret::Secret;
use crate::model::store::StoreSettings;
use crate::plan::backup::{Facts, Plan, StoreFacts};
use crate::plan::cost::work_space::MountLoad;
use crate::run::backup::stage::{self, Encrypted, StagePaths};
use crate::run::backup::survey::{self, Request};

/// A store that could be opened, and its content.
pub(super) struct ListedStore {
    pub store: Box<dyn Store>,
    pub catalog: Result<Catalog, StoreError>,
}

/// A store, or why it could not be opened.
pub(super) type VisitedStore = Result<ListedStore, StoreError>;

/// The job that is examined. What takes time is looked up when a check first needs it.
pub(super) struct Visit<'a> {
    pub job: &'a Job,
    pub options: Permissions,
    pub cancel: &'a Cancel,
    pub now: DateTime<Utc>,
    secrets: RefCell<Vec<(Reference, Result<Secret, String>)>>,
    stores: OnceCell<Vec<(StoreSettings, VisitedStore)>>,
    surveyed: OnceCell<(Facts, Option<ToolError>)>,
    walked: OnceCell<Walked>,
}

/// What a run that starts now would do with the sources.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Why there can be no run, or no end of the walk.
    pub failed: Option<String>,
    pub files: u64,
    pub bytes: u64,
    /// Bytes that the run would archive, before compression.
    pub archived_bytes: u64,
    /// Bytes that it would need in the work directory.
    pub work_bytes: u64,
    /// Bytes of mounts that are not in the mirror yet.
    pub unmirrored_bytes: u64,
    /// Files that Windows keeps encrypted for one user.
    pub encrypted: Encrypted,
    /// Paths that cannot be backed up, with the reason.
    pub unreadable: Vec<String>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(job: &'a Job, options: Permissions, cancel: &'a Cancel) -> Visit<'a> {
        credential::withhold_from_programs(&job.secrets);
        Visit {
            job,
            options,
            cancel,
            now: Utc::now(),
            secrets: RefCell::default(),
            stores: OnceCell::new(),
            surveyed: OnceCell::new(),
            walked: OnceCell::new(),
        }
    }

    /// The secret that a reference leads to, or why it cannot be read. A command is run once,
    /// because it may ask the user.
    pub(super) fn secret(&self, reference: &Reference) -> Result<Secret, String> {
        let known = self
            .secrets
            .borrow()
            .iter()
            .find(|(known, _)| known == reference)
            .map(|(_, secret)| secret.clone());
        known.unwrap_or_else(|| {
            let secret =
                credential::resolve(reference, self.cancel).map_err(|error| error.to_string());
            self.secrets
                .borrow_mut()
                .push((reference.clone(), secret.clone()));
            secret
        })
    }

    /// The stores of the job.
    pub(super) fn stores(&self) -> &[(StoreSettings, VisitedStore)] {
        let resolve = |reference: &Reference| self.secret(reference);
        let visited = |settings: &StoreSettings| {
            let opened = open_store(settings, &resolve, self.cancel);
            let listed = opened.map(|store| {
                let catalog = survey::catalog(self.job, &*store);
                ListedStore { store, catalog }
            });
            (settings.clone(), listed)
        };
        self.stores
            .get_or_init(|| self.job.stores().map(visited).collect())
    }

    /// The content of the stores that can be listed.
    pub(super) fn catalogs(&self) -> impl Iterator<Item = &Catalog> {
        let stores = self.stores().iter();
        stores.filter_map(|(_, opened)| opened.as_ref().ok()?.catalog.as_ref().ok())
    }

    /// The facts of a plan, and the program that copies to the mirror, when it is missing.
    pub(super) fn surveyed(&self) -> &(Facts, Option<ToolError>) {
        self.surveyed.get_or_init(|| {
            let facts = |(settings, opened): &(StoreSettings, VisitedStore)| StoreFacts {
                label: settings.label(),
                catalog: match opened {
                    Ok(listed) => listed.catalog.clone().map_err(|e| sentence(&e)),
                    Err(error) => Err(sentence(error)),
                },
            };
            let stores = self.stores().iter();
            let stores = stores.map(|store| (store.0.name(), facts(store))).collect();
            survey::facts(self.job, Request::default(), self.now, stores)
        })
    }

    /// Walks all sources, as they are now.
    pub(super) fn walked(&self) -> &Walked {
        self.walked.get_or_init(|| {
            let mut walked = Walked::default();
            if let Err(why) = self.walk(&mut walked) {
                walked.failed = Some(why);
            }
            walked
        })
    }

    fn walk(&self, walked: &mut Walked) -> Result<(), String> {
        let plan = Plan::new(self.job, &self.surveyed().0).map_err(|e| e.to_string())?;
        let unreadable = Unreadable::default();
        let events = Events::new(vec![Box::new(&unreadable)]);
        for order in &plan.stages {
            let read = order.mount.path.to_native();
            let place = StagePaths {
                read: &read,
                write: None,
            };
            let counts =
                stage::prepare(order, place, self.cancel, &events).map_err(|e| e.to_string())?;
            walked.files += counts.files;
            walked.bytes += counts.bytes;
            walked.encrypted.files += counts.encrypted.files;
            let example = walked.encrypted.example.take();
            walked.encrypted.example = example.or(counts.encrypted.example);
            let (files, bytes) = match order.archive {
                Some(_) => (counts.archived_files, counts.archived_bytes),
                // Once today's problem is solved, the next run may be a full backup.
                None if self.job.has_store() => (counts.files, counts.bytes),
                None => (0, 0),
            };
            walked.archived_bytes += bytes;
            let archive = self.job.archive.as_ref();
            walked.work_bytes += match archive.map(|archive| archive.transfer) {
                Some(Transfer::Stream) => {
                    let load = MountLoad {
                        mount: order.number,
                        entries: counts.files + counts.directories,
                        archived_files: files,
                        archived_bytes: bytes,
                    };
                    load.needs(Transfer::Stream)
                }
                _ => bytes,
            };
            if order
                .mirror
                .as_ref()
                .is_some_and(|mirror| !mirror.target.to_native().exists())
            {
                walked.unmirrored_bytes += counts.bytes;
            }
        }
        drop(events);
        walked.unreadable = unreadable.0.into_inner().unwrap_or_default();
        Ok(())
    }
}

/// Collects what cannot be backed up.
#[derive(Default)]
struct Unreadable(Mutex<Vec<String>>);

impl Sink for &Unreadable {
    fn emit(&self, event: &Event) {
        let Event::Ignored {
            path,
            why,
            severity: Some(Severity::Warning | Severity::Error),
        } = event
        else {
            return;
        };
        if let Ok(mut list) = self.0.lock() {
            list.push(format!("'{path}': {why}"));
        }
    }
}
