//! The integration tests: one binary, one module a subject.

mod architecture;
mod docs;
mod profile;
mod property;
mod restore;
mod scenarios;
mod stores;
mod support;
