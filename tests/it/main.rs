//! The one integration-test binary.

mod architecture;
mod restore;
mod stores;
mod support;
