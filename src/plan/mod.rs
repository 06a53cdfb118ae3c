//! Pure decisions: what a run does, what a restore does, and what both cost.

pub mod backup;
pub mod copy;
pub mod cost;
pub mod fleet;
pub mod prune;
pub mod restore;
pub mod search;
pub mod verify;
