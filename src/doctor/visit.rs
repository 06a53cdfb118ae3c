//! What several checks look at, looked up once: stores, the plan of a run that would start now,
//! what its walks find.

use std::cell::{OnceCell, RefCell};
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::Permissions;
use crate::adapters::credential;
use crate::adapters::process::ToolError;
use crate::adapters::store::open;
use crate::adapters::store::open::sentence;
use crate::adapters::store::{DirectoryStore, S3Store, Store, StoreError};
use crate::model::cancel::Cancel;
use crate::model::catalog::Catalog;
use crate::model::event::{Event, Events, Severity, Sink};
use crate::model::job::Job;
use crate::model::policy::Reference;
use crate::model::secret::Secret;
use crate::model::store_name::StoreName;
use crate::plan::backup::{Facts, Plan, StoreFacts};
use crate::run::backup::stage::{self, StagePaths};
use crate::run::backup::survey::{self, Request};

/// A store that could be opened, and what it holds.
pub(super) struct ListedStore<S> {
    pub store: S,
    pub catalog: Result<Catalog, StoreError>,
}

/// A store, or why it could not be opened.
pub(super) type VisitedStore<S> = Result<ListedStore<S>, StoreError>;

/// The job under examination. What takes time is looked up when the first check asks.
pub(super) struct Visit<'a> {
    pub job: &'a Job,
    pub options: Permissions,
    pub cancel: &'a Cancel,
    pub now: DateTime<Utc>,
    secrets: RefCell<Vec<(Reference, Result<Secret, String>)>>,
    s3: OnceCell<Option<VisitedStore<S3Store>>>,
    directory: OnceCell<Option<VisitedStore<DirectoryStore>>>,
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
    /// Bytes of mounts that the mirror does not hold yet.
    pub unmirrored_bytes: u64,
    /// Paths that cannot be backed up, with the reason.
    pub unreadable: Vec<String>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(job: &'a Job, options: Permissions, cancel: &'a Cancel) -> Visit<'a> {
        credential::withhold_from_programs(job.secrets());
        Visit {
            job,
            options,
            cancel,
            now: Utc::now(),
            secrets: RefCell::default(),
            s3: OnceCell::new(),
            directory: OnceCell::new(),
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

    /// The bucket, if the job has one.
    pub(super) fn s3(&self) -> Option<&VisitedStore<S3Store>> {
        let resolve = |reference: &Reference| self.secret(reference);
        let list = |s3| open::open_s3(s3, resolve, self.cancel).map(|store| self.list(store));
        self.s3
            .get_or_init(|| self.job.s3.as_ref().map(list))
            .as_ref()
    }

    /// The directory store, if the job has one.
    pub(super) fn directory(&self) -> Option<&VisitedStore<DirectoryStore>> {
        let open = |path: &crate::model::path::FullPath| {
            DirectoryStore::open(&path.to_native(), self.cancel.clone())
                .map(|store| self.list(store))
        };
        self.directory
            .get_or_init(|| self.job.directory.as_ref().map(open))
            .as_ref()
    }

    fn list<S: Store>(&self, store: S) -> ListedStore<S> {
        let catalog = survey::catalog(self.job, &store);
        ListedStore { store, catalog }
    }

    /// What the stores that can be listed hold.
    pub(super) fn catalogs(&self) -> impl Iterator<Item = &Catalog> {
        fn listed<S>(opened: Option<&VisitedStore<S>>) -> Option<&Catalog> {
            opened?.as_ref().ok()?.catalog.as_ref().ok()
        }
        listed(self.s3())
            .into_iter()
            .chain(listed(self.directory()))
    }

    /// The facts of a plan, and the program that copies to the mirror, when it is missing.
    pub(super) fn surveyed(&self) -> &(Facts, Option<ToolError>) {
        self.surveyed.get_or_init(|| {
            let mut stores = Vec::new();
            if let Some(opened) = self.s3() {
                stores.push((StoreName::S3, store_facts(opened)));
            }
            if let Some(opened) = self.directory() {
                stores.push((StoreName::Directory, store_facts(opened)));
            }
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
            walked.archived_bytes += match order.archive {
                Some(_) => counts.archived_bytes,
                // Once today's problem is solved, the next run may be a full backup.
                None if self.job.has_store() => counts.bytes,
                None => 0,
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

fn store_facts<S: Store>(opened: &VisitedStore<S>) -> StoreFacts {
    let listed = |listed: &ListedStore<S>| StoreFacts {
        label: listed.store.label().to_owned(),
        catalog: listed.catalog.clone().map_err(|e| sentence(&e)),
    };
    opened.as_ref().map_or_else(
        |e| StoreFacts {
            label: e.store.clone(),
            catalog: Err(sentence(e)),
        },
        listed,
    )
}

/// Hears of what cannot be backed up.
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
