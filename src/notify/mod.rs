//! Who is told that a run started or how it ended: e-mail, pings, hooks (SPEC §10, §11).
//!
//! E-mail and pings try within a time limit; a hook runs as long as it likes, and only `before` can stop a backup.

mod email;
mod hook;
mod identity;
mod ping;

pub use email::{SendError, Ses};
pub use hook::{NOT_TODAY, run_hook};
pub use ping::{PingError, ping};
