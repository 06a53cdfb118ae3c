//! Everything that touches the world. Nothing here decides.

pub mod accounts;
pub mod awake;
pub mod aws;
pub mod closed_view;
pub mod compare;
pub mod credential;
pub mod destination_id;
pub mod dumps;
pub mod file_system;
pub mod fs;
pub mod key_fingerprint;
pub mod log;
pub mod machine;
pub mod manifest_file;
pub mod mirror_record;
pub mod notify;
pub mod own_places;
pub mod place;
pub mod process;
pub mod scheduler;
pub mod seven_zip;
pub mod state;
pub mod store;
pub mod wait;
pub mod walk;
pub mod windows;
