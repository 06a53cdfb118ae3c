//! The one integration-test binary.

mod property;
mod restore;
mod stores;
mod support;
