//! The S3 store.

/// What an S3 store needs to know.
pub struct S3Settings;

/// Archives in an S3 bucket.
pub struct S3Store;
