//! The one integration-test binary.

mod property;
mod restore;
mod scenarios;
mod secrets;
mod stores;
mod support;
