//! Profiles: YAML text -> document -> checked [`crate::job::Job`].

pub mod credential;
pub mod document;
