//! AAM Auto Backup: a declarative backup runner.
//!
//! The whole program in one line: `profile -> job -> plan -> rendered files -> events -> report`.
//! `docs/ARCHITECTURE.md` has the code map and the rules between modules.

pub mod cancel;
pub mod catalog;
pub mod cli;
pub mod digest;
pub mod event;
pub mod job;
pub mod manifest;
pub mod marker;
pub mod mount;
pub mod name;
pub mod path;
pub mod profile;
pub mod restore;
pub mod secret;
pub mod select;
pub mod stamp;
pub mod store;
pub mod tool;
