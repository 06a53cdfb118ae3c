//! Reports that a run started and how it ended: email, calls of servers, hooks (SPEC#notifications).
//!
//! All within a time limit: a hook that hangs would hold the lock. Only the hook `before` can stop
//! a backup.

mod email;
mod hook;
mod identity;
mod post;
mod smtp;

pub use email::{SendError, Ses};
pub use hook::{NOT_TODAY, run_hook};
pub use post::{Post, PostError, is_web_address};
pub use smtp::send_by_smtp;
