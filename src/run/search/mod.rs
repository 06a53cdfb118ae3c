//! Searches in the manifests of many states (SPEC#search): those in local state first, then those
//! of the stores, of which a copy is kept. Decides nothing, prints nothing.

mod answer;
mod away;
mod lists;
pub mod states;

pub use answer::{WalkedMount, diff, diff_now, exactly, find, last_state, list};
