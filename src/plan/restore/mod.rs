//! From what a store holds to the steps of a restore (SPEC#restore).

pub mod arrival;
pub mod build;
pub mod chain;
pub mod choose;
pub mod error;
pub mod estimate;
pub mod layout;
pub mod legal_names;
pub mod list_cost;
mod looks;
pub mod mounts;
pub mod needed;
pub mod only;
pub mod parts;
pub mod plan;
pub mod point_in_time;
pub mod read_markers;
pub mod salvage;
pub mod sets;
pub mod timeline;
pub mod unsafe_names;
pub mod volumes;
pub mod written_before;
