//! Profiles: YAML text -> document -> checked [`crate::job::Job`].

pub mod document;
