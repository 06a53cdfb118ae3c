//! Plans carried out. Nothing here decides, nothing prints.

pub mod backup;
pub mod copy;
mod gauge;
pub mod guard;
pub mod native;
pub mod parallel;
pub mod prune;
pub mod restore;
pub mod search;
pub mod session;
#[cfg(any(windows, test))]
pub mod shadow;
pub mod verify;
