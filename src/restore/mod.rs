//! Restore: from a store alone back to files (SPEC §9).
//!
//! [`gather`] asks a store, [`RestorePlan`] decides (pure), [`run`] does it and tells events. Archived objects are
//! requested first; [`run`] can be started again at any moment and goes on.

mod archive;
mod arriving;
pub mod at;
mod batches;
mod build;
pub mod check;
mod choose;
pub mod clock;
mod disk;
mod drill;
pub mod error;
pub mod estimate;
mod fetch;
mod finish;
pub mod gather;
mod index;
mod journal;
pub mod layout;
mod line;
mod mounts;
pub mod only;
mod parallel;
pub mod plan;
mod portion;
mod run;
pub mod sets;
pub mod status;
mod target;
mod thaw;
mod view;
mod volumes;
mod way;

pub use at::At;
pub use choose::newest_state;
pub use clock::{Clock, SystemClock};
pub use drill::sample;
pub use error::{PlanError, RestoreError};
pub use estimate::Estimate;
pub use finish::Tally;
pub use index::MANIFEST_FILE;
pub use journal::{Begun, begun};
pub use layout::Layout;
pub use plan::{Options, RestorePlan};
pub use run::{Step, Tools, run};
pub use thaw::Thawing;
