//! Restore: from a store alone back to files (SPEC#restore).
//!
//! [`gather`] asks a store, [`RestorePlan`] decides (pure), [`run`] does it and tells events.
//! Archived objects are requested first; [`run`] can be started again at any moment and goes on.

mod archive;
mod arriving;
mod batches;
pub mod clock;
pub mod drill;
pub mod error;
pub mod facts;
mod fetch;
pub mod finish;
mod free_space;
pub mod gather;
pub mod index;
pub mod journal;
mod mounts;
pub mod newest;
mod parallel;
mod paths;
mod pipeline;
pub mod run;
pub mod status;
mod target;
pub mod thaw;
mod view;

pub use drill::sample;
pub use journal::begun;
pub use run::run;
