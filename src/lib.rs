//! AAM Auto Backup: a declarative backup runner.
//!
//! The whole program in one line: `profile -> job -> plan -> rendered files -> events -> report`.
//! `docs/ARCHITECTURE.md` has the code map and the rules between folders.

mod adapters;
mod cli;
mod doctor;
mod import;
mod model;
mod plan;
mod profile;
mod render;
mod run;

pub use cli::main;

/// What the integration tests drive without the binary. It promises nothing to anybody else.
#[doc(hidden)]
pub mod parts {
    pub use crate::adapters::aws::AccessKey;
    pub use crate::adapters::manifest_file::FileReader;
    pub use crate::adapters::scheduler::{LastResult, SchedulerError};
    pub use crate::adapters::seven_zip::SevenZip;
    pub use crate::adapters::store::{
        DirectoryStore, GrowingObject, Progress, Purpose, S3Settings, S3Store, Store, StoreError,
        StoreErrorKind, open_store,
    };
    pub use crate::cli::Exit;
    pub use crate::doctor::CHECKS;
    pub use crate::import::batch::Variables;
    pub use crate::import::{Arguments, Choices, CommandLine};
    pub use crate::model::bandwidth::{Bandwidth, Transfers};
    pub use crate::model::cancel::Cancel;
    pub use crate::model::event::{Event, Events, Outcome, Section, Severity, Sink, Work};
    pub use crate::model::exclusion::Exclusion;
    pub use crate::model::file_system::{FileSystem, Modes};
    pub use crate::model::job::{Job, MaxDelete, MountPoint};
    pub use crate::model::manifest::delta::{write_delta, write_state};
    pub use crate::model::manifest::details::{Link, LinkKind, Owner};
    pub use crate::model::manifest::{
        DeltaBase, Details, Entry, EntryKind, Header, ManifestChain, Meta, Moment, Reader, RelPath,
        Stored, Writer,
    };
    pub use crate::model::marker::Marker;
    pub use crate::model::mount::{Mount, mounts};
    pub use crate::model::name::{BackupId, Extension, Format, MountName, ObjectName, Part};
    pub use crate::model::object::{Object, ObjectRef, ThawState};
    pub use crate::model::path::{Family, FullPath};
    pub use crate::model::policy::Every;
    pub use crate::model::policy::{
        ExtraFiles, ForceFull, Links, Reference, StorageClass, Tier, Transfer, UNREACHABLE_AFTER,
    };
    pub use crate::model::secret::Secret;
    pub use crate::model::select::{Kind, Selection, SelectionSpec, Verdict};
    pub use crate::model::stamp::{Stamp, Zone};
    pub use crate::model::store::{S3, StoreSettings};
    pub use crate::plan::backup::{ArchiveOrder, Changes, MirrorOrder, Mode, StageOrder};
    pub use crate::plan::cost::price::Prices;
    pub use crate::plan::restore::layout::Layout;
    pub use crate::plan::restore::plan::{RestoreOptions, RestorePlan};
    pub use crate::render::robocopy::CopyCommand;
    pub use crate::render::schedule::{Rendered, Schedule, Scheduler, TaskName};
    pub use crate::run::backup::stage::{NoOutlet, StagePaths, WalkCounts};
    pub use crate::run::restore::clock::Clock;
    pub use crate::run::restore::error::RestoreError;
    pub use crate::run::restore::extraction::tally::Tally;
    pub use crate::run::restore::tools::{RestoreStep, RestoreTools, ThawPolicy};
    pub use crate::run::session::{Files, MailRule, Session};

    pub mod gather {
        pub use crate::run::restore::gather::{catalog, plan};
    }

    pub mod import {
        pub use crate::import::{RemarkLevel, import};
    }

    pub mod profile {
        pub use crate::profile::schema::schema;
        pub use crate::profile::{load, load_bytes, readable};
    }

    pub mod render {
        pub use crate::render::{rsync_entry, script, seven_zip_line};
    }

    pub mod report {
        pub use crate::render::report::backup;
    }

    pub mod restore {
        pub use crate::run::restore::journal::find_begun;
        pub use crate::run::restore::run;
        pub use crate::run::restore::status::status;
    }

    pub mod scheduler {
        pub use crate::adapters::scheduler::{find, install, pause, remove};
    }

    pub mod stage {
        pub use crate::run::backup::stage::{prepare, run};
    }

    pub mod text {
        pub use crate::model::text::describe;
    }
}
