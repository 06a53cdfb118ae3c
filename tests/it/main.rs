//! The integration tests: one binary, one module a subject.

#[cfg(unix)]
mod answers;
mod architecture;
#[cfg(unix)]
mod attacker;
#[cfg(unix)]
mod aws;
mod docs;
mod doctor;
#[cfg(target_os = "linux")]
mod editor;
mod environment;
#[cfg(unix)]
mod expiry;
#[cfg(unix)]
mod histories;
mod import;
#[cfg(all(unix, feature = "keyring"))]
mod keyring;
mod memory;
mod other_accounts;
#[cfg(target_os = "linux")]
mod overview;
#[cfg(unix)]
mod packages;
mod plan;
mod plan_diff;
mod profile;
#[cfg(target_os = "linux")]
mod progress;
mod property;
mod render;
mod restore;
mod retention;
mod scenarios;
mod schedule;
mod search;
mod search_speed;
mod secrets;
#[cfg(unix)]
mod shells;
mod stores;
mod support;
#[cfg(target_os = "linux")]
mod system_calls;
mod texts;
mod unattended;
mod verify;
mod windows;
mod years;
