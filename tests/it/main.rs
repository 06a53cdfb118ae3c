//! The one integration-test binary.

mod architecture;
mod docs;
mod property;
mod restore;
mod stores;
mod support;
