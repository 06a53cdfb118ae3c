//! The one integration-test binary.

mod architecture;
mod docs;
mod restore;
mod stores;
mod support;
