//! Runs that nobody watches: every way they end, and who is told.

mod email;
mod endings;
mod kit;
mod terminal;
mod told;
