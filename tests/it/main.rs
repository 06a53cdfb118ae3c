//! The one integration-test binary.

mod restore;
mod stores;
mod support;
