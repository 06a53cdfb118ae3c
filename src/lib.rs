//! AAM Auto Backup: a declarative backup runner.
//!
//! The whole program in one line: `profile -> job -> plan -> rendered files -> events -> report`.
//! `docs/ARCHITECTURE.md` has the code map and the rules between folders.

pub mod adapters;
pub mod cli;
pub mod doctor;
pub mod import;
pub mod model;
pub mod plan;
pub mod profile;
pub mod render;
pub mod run;
