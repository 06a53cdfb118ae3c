//! AAM Auto Backup: a declarative backup runner.
//!
//! The whole program in one line: `profile -> job -> plan -> rendered files -> events -> report`.
//! `docs/ARCHITECTURE.md` has the code map and the rules between modules.

pub mod aws;
pub mod cancel;
pub mod catalog;
pub mod cli;
pub mod digest;
pub mod doctor;
pub mod event;
pub mod exec;
pub mod forecast;
pub mod history;
pub mod import;
pub mod job;
pub mod lock;
pub mod log;
pub mod manifest;
pub mod marker;
pub mod metrics;
pub mod mount;
pub mod name;
pub mod notify;
pub mod path;
pub mod plan;
pub mod price;
pub mod profile;
pub mod render;
pub mod report;
pub mod restore;
pub mod run;
pub mod schedule;
pub mod scheduler;
pub mod secret;
pub mod select;
pub mod session;
pub mod stage;
pub mod stamp;
pub mod state;
pub mod store;
pub mod survey;
pub mod terminal;
pub mod text;
pub mod tool;
pub mod unfinished;
pub mod walk;
pub mod windows;
