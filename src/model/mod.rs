//! The words of the trade as pure types and rules. Nothing here reads a disk, a clock or YAML.

pub mod bandwidth;
pub mod cancel;
pub mod catalog;
pub mod digest;
pub mod event;
pub mod exclusion;
pub mod file_system;
pub mod job;
pub mod key_fingerprint;
pub mod lifecycle;
pub mod listed;
pub mod manifest;
pub mod marker;
pub mod mount;
pub mod name;
pub mod object;
pub mod path;
pub mod policy;
pub mod secret;
pub mod select;
pub mod slices;
pub mod stamp;
pub mod store;
pub mod text;
pub mod upload_record;
pub mod work_name;
