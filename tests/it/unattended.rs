//! Runs that nobody watches: every way they end, and who is told.

mod email;
mod endings;
mod journal;
mod kit;
mod log;
mod metrics;
mod network;
mod notify;
mod restored;
mod smtp;
mod status;
mod terminal;
mod told;

pub use metrics::names as names_of_metrics;
