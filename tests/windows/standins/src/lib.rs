//! Stand-ins for Robocopy and ShadowSpawn that do what is known of the real ones, their faults too.
//! What they cannot do they refuse: a test must never pass because an option was ignored.
//!
//! Sources of what is known: the transcripts in the design document, reproduced in `cases/`, and
//! ShadowSpawn's source. They talk to their tests by environment variables, all of which begin with
//! `AAM_STANDIN_`.

pub mod console;
pub mod robocopy;
pub mod shadowspawn;
pub mod system;
