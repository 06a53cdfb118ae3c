//! The one integration-test binary.

mod architecture;
mod stores;
mod support;
