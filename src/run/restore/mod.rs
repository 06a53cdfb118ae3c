//! Restore: from a store alone back to files (SPEC#restore).
//!
//! `work` is what the `restore` command does. `gather` asks a store, `plan::restore` decides, and
//! [`run()`] carries the plan out by three owners: `thaw`, `downloads` and `extraction`. A restore
//! can be started again at any moment and continues.

pub mod clock;
mod disk;
pub mod downloads;
pub mod drill;
pub mod error;
pub mod extraction;
pub mod facts;
pub mod gather;
mod held;
pub mod journal;
mod keyed_seven_zip;
mod left_out;
pub mod manifests;
pub mod origin;
pub mod run;
pub mod status;
pub mod target;
mod thaw;
pub mod tools;
mod touched;
mod wanted_lists;
pub mod work;

pub use run::run;
