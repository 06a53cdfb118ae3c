//! What several tests need.

// A toolbox: each tool is complete, whichever part of it today's tests use.
#![allow(dead_code)]

pub mod bucket;
pub mod closed;
pub mod golden;
pub mod harm;
pub mod held;
pub mod http;
pub mod https;
pub mod lab;
pub mod language_server;
pub mod look;
pub mod machine;
pub mod moto;
pub mod pc;
pub mod processes;
pub mod profile;
pub mod proxy;
pub mod recorder;
pub mod smtp;
pub mod stored;
pub mod strace;
pub mod wait;
