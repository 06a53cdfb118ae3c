//! Restore: from a store alone back to files (SPEC §9).
//!
//! [`gather`] asks a store, [`RestorePlan`] decides (pure), [`run`] does it and tells events. Thawing and resuming stand
//! between plan and run; neither needs another decision.

mod archive;
pub mod at;
mod build;
pub mod check;
mod choose;
mod disk;
pub mod error;
mod fetch;
mod finish;
pub mod gather;
mod index;
pub mod layout;
pub mod only;
pub mod plan;
mod run;
pub mod sets;
mod target;
mod volumes;
mod way;

pub use at::At;
pub use choose::newest_state;
pub use error::{PlanError, RestoreError};
pub use finish::Tally;
pub use index::MANIFEST_FILE;
pub use layout::Layout;
pub use plan::{Options, RestorePlan};
pub use run::{Tools, run};
