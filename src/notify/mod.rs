//! Who is told that a run started or how it ended: e-mail, pings, hooks (SPEC §10, §11).
//!
//! Each tries within a time limit and says what went wrong; none can end a backup.

mod email;
mod hook;
mod identity;
mod ping;

pub use email::{SendError, Ses};
pub use hook::{NOT_TODAY, run_hook};
pub use ping::{PingError, ping};
