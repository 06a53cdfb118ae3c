//! What several tests need.

pub mod http;
pub mod moto;
pub mod pc;
