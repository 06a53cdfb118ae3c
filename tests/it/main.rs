//! The one integration-test binary.

mod property;
mod restore;
mod scenarios;
mod stores;
mod support;
