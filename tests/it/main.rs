//! The integration tests: one binary, one module a subject.

mod architecture;
#[cfg(unix)]
mod aws;
mod docs;
mod doctor;
mod environment;
mod import;
#[cfg(all(unix, feature = "keyring"))]
mod keyring;
mod memory;
mod other_accounts;
mod plan;
mod profile;
mod property;
mod render;
mod restore;
mod scenarios;
mod schedule;
mod secrets;
#[cfg(unix)]
mod shells;
mod stores;
mod support;
mod unattended;
mod windows;
