//! From what a store holds to the steps of a restore (SPEC#restore).

pub mod at;
pub mod build;
pub mod choose;
pub mod error;
pub mod estimate;
pub mod layout;
pub mod only;
pub mod plan;
pub mod portion;
pub mod sets;
pub mod unsafe_names;
pub mod volumes;
