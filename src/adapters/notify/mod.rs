//! Reports that a run started and how it ended: email, pings, hooks (SPEC#notifications).
//!
//! All within a time limit: a hook that hangs would hold the lock. Only the hook `before` can stop
//! a backup.

mod email;
mod hook;
mod identity;
mod ping;

pub use email::{SendError, Ses};
pub use hook::{NOT_TODAY, run_hook};
pub use ping::ping;
