//! Where backups are: in the stores of a profile, or in one named on the command line of a bare
//! computer (SPEC#commands).

use std::path::PathBuf;

use clap::Args;

use super::when::written_before;
use super::{Exit, Global, output};
use crate::adapters::credential;
use crate::adapters::store::open::{open_stores, sentence};
use crate::adapters::store::{DirectoryStore, S3Settings, S3Store, Store, open_store};
use crate::model::bandwidth::Transfers;
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::policy::StorageClass;
use crate::model::policy::UNREACHABLE_AFTER;
use crate::model::store::{Rclone, StoreKind, StoreName, StoreSettings};
use crate::plan::restore::written_before::WrittenBefore;
use crate::profile::Search;
use crate::run::restore::origin::{Candidate, RestoreOrigin};

/// A profile, or a store and a location.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    #[arg(
        required_unless_present = "location",
        conflicts_with_all = ["location", "directory", "bucket", "remote"]
    )]
    pub profile: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
}

impl PlaceArgs {
    /// Opens the stores. Mistakes in the arguments are reported on standard error.
    ///
    /// # Errors
    /// The exit code of the program.
    pub fn open(&self, global: &Global, cancel: &Cancel) -> Result<RestoreOrigin, Exit> {
        self.store.open(self.profile.as_deref(), global, cancel)
    }
}

/// The store and the location on a computer without the profile, or which store of a profile.
#[derive(Debug, Default, Args)]
pub struct StoreArgs {
    /// Without a profile: the location, with which every object name starts.
    #[arg(long, requires = "store")]
    pub location: Option<String>,
    /// Without a profile: the directory that holds the archives.
    #[arg(long, value_name = "DIR", group = "store", conflicts_with = "bucket")]
    pub directory: Option<PathBuf>,
    /// Without a profile: the S3 bucket. The access key is looked up as by other AWS tools.
    #[arg(long, group = "store", requires = "region")]
    pub bucket: Option<String>,
    /// Without a profile: the remote of rclone, such as `nas:backups`. Its configuration is that
    /// of your account.
    #[arg(long, value_name = "NAME:PATH", group = "store")]
    pub remote: Option<String>,
    /// Region of the bucket.
    #[arg(long, requires = "bucket")]
    pub region: Option<String>,
    /// Address of an S3-compatible server. May be repeated: the nodes of a cluster, which are tried
    /// in this order.
    #[arg(long, value_name = "URL", requires = "bucket")]
    pub endpoint: Vec<String>,
    /// Store of the profile to use. Default: the store with the newest backup.
    #[arg(long, value_enum, value_name = "STORE", conflicts_with = "location")]
    pub from: Option<StoreName>,
}

impl StoreArgs {
    /// Whether no store is named.
    pub fn is_empty(&self) -> bool {
        self.directory.is_none() && self.bucket.is_none() && self.remote.is_none()
    }

    /// Opens the stores of a profile, or that of the options.
    ///
    /// # Errors
    /// The exit code of the program.
    pub fn open(
        &self,
        profile: Option<&str>,
        global: &Global,
        cancel: &Cancel,
    ) -> Result<RestoreOrigin, Exit> {
        let Some(name) = profile else {
            return Ok(self.bare(cancel));
        };
        let job = Search::new(global.profiles.as_deref())
            .load(name)
            .map_err(|diagnostics| {
                output::note(diagnostics);
                Exit::Usage
            })?;
        let origin = stores_of(job, self.from, cancel);
        if origin.candidates.is_empty() {
            let store = self
                .from
                .map_or_else(|| "store".to_owned(), |from| from.to_string());
            output::note(format_args!(
                "error: the profile '{name}' has no destination {store} that holds archives\n"
            ));
            return Err(Exit::Usage);
        }
        Ok(origin)
    }

    fn bare(&self, cancel: &Cancel) -> RestoreOrigin {
        let mut candidates = Vec::new();
        if let Some(directory) = &self.directory {
            let store = DirectoryStore::open(directory, cancel.clone())
                .map(|s| Box::new(s) as Box<dyn Store>);
            candidates.push(Candidate {
                label: directory.display().to_string(),
                store,
            });
        }
        if let (Some(bucket), Some(region)) = (&self.bucket, &self.region) {
            let settings = S3Settings {
                bucket: bucket.clone(),
                region: region.clone(),
                endpoints: self.endpoint.clone(),
                storage_class: StorageClass::default(),
                give_up_after: UNREACHABLE_AFTER,
                credentials: None,
                upload: Transfers::default(),
                download: Transfers::default(),
            };
            let store =
                S3Store::open(settings, cancel.clone()).map(|s| Box::new(s) as Box<dyn Store>);
            candidates.push(Candidate {
                label: format!("s3://{bucket}"),
                store,
            });
        }
        if let Some(remote) = &self.remote {
            let rclone = Rclone {
                remote: remote.clone(),
                program: None,
                config: None,
                config_password: None,
                keep: None,
            };
            candidates.push(Candidate {
                label: rclone.label(),
                store: open_store(
                    &StoreSettings::Rclone(rclone),
                    &|_| Err(String::new()),
                    cancel,
                ),
            });
        }
        RestoreOrigin {
            location: self.location.clone().unwrap_or_default(),
            candidates,
            job: None,
        }
    }
}

/// Which objects of a store count.
#[derive(Debug, Args)]
pub struct ReceivedArgs {
    /// Use only what the store had received before this day (2026-11-20, yesterday) or time
    /// ('2026-11-20 18:30', in local time), by the clock of the store.
    ///
    /// For the case that somebody else had the access key: names of objects can be forged, these
    /// times cannot. If the bucket keeps versions, what was overwritten or deleted since is read
    /// as it was.
    #[arg(long, value_name = "WHEN", value_parser = written_before)]
    pub written_before: Option<WrittenBefore>,
}

/// The stores of a profile, or one of them.
pub fn stores_of(job: Job, from: Option<StoreName>, cancel: &Cancel) -> RestoreOrigin {
    credential::withhold_from_programs(&job.secrets);
    let wanted = |store: StoreName| from.is_none_or(|from| from == store);
    let mut candidates: Vec<Candidate> = open_stores(&job, cancel)
        .into_iter()
        .filter(|(name, ..)| wanted(*name))
        .map(|(_, label, store)| Candidate { label, store })
        .collect();
    candidates.reverse();
    RestoreOrigin {
        location: job.location.clone(),
        candidates,
        job: Some(job),
    }
}

/// An error and its hint, on standard error.
pub fn complain(word: &str, text: &str, hint: &str) {
    output::note(format_args!("{word}: {text}\n"));
    if !hint.is_empty() {
        output::note(format_args!("  hint: {hint}\n"));
    }
}

/// As [`complain`], of a store.
pub fn complain_store(word: &str, error: &crate::adapters::store::StoreError) {
    output::note(format_args!("{word}: {}\n", sentence(error)));
}
