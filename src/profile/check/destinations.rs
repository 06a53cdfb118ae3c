//! Destinations and the archives they need.

use super::{Checker, Mistake};
use crate::model::bandwidth::Transfers;
use crate::model::job::{Archive, MaxDelete, Mirror, S3, UNREACHABLE_AFTER};
use crate::model::path::{Family, FullPath};
use crate::profile::document::{self, Document};
use crate::profile::schema_errors;

/// Short on purpose, for paths as long as Windows takes them.
const WINDOWS_WORK: &str = r"C:\temp";
/// Survives a restart, unlike `/tmp`, so that an upload can be resumed.
const UNIX_WORK: &str = "/var/tmp";

impl Checker<'_> {
    pub(super) fn some_destination(&mut self, document: &Document) {
        let document::Destinations {
            mirror,
            s3,
            directory,
        } = &document.destinations;
        let none = mirror.is_none() && s3.is_none() && directory.is_none();
        // A destination that was taken out because it is wrong is one all the same.
        if none && !self.broken.touches("/destinations") {
            self.report(schema_errors::no_destination());
        }
    }

    pub(super) fn mirror(&mut self, mirror: Option<&document::MirrorSection>) -> Option<Mirror> {
        let document::MirrorSection {
            path,
            extra_files,
            max_delete,
        } = mirror?;
        let max_delete = match max_delete {
            document::DeleteLimit::Count(count) => MaxDelete::Count(*count),
            document::DeleteLimit::Percent(text) => match percent(text) {
                Some(share) => MaxDelete::Percent(share),
                None => {
                    let message = format!(
                        "'{}' is neither a number nor a percentage",
                        text.escape_debug()
                    );
                    let finding = Mistake::value("/destinations/mirror/max-delete", message);
                    self.report(finding.hint("write a number such as `100`, or `0%` to `100%`"));
                    MaxDelete::Percent(0)
                }
            },
        };
        let path = self.path("/destinations/mirror/path", path)?;
        Some(Mirror {
            path,
            extra_files: *extra_files,
            max_delete,
        })
    }

    pub(super) fn s3(
        &mut self,
        s3: Option<&document::S3Section>,
        upload: Transfers,
        download: Transfers,
    ) -> Option<S3> {
        let document::S3Section {
            bucket,
            region,
            endpoint,
            storage_class,
            give_up_after,
            credentials,
        } = s3?;
        if let Some(problem) = bucket_problem(bucket) {
            let message = format!(
                "'{}' is not a bucket name: {problem}",
                bucket.escape_debug()
            );
            self.report(Mistake::value("/destinations/s3/bucket", message));
        }
        Some(S3 {
            bucket: bucket.clone(),
            region: self.region("/destinations/s3/region", region),
            endpoint: self.endpoint("/destinations/s3/endpoint", endpoint.as_deref()),
            storage_class: *storage_class,
            give_up_after: self.span(
                "/destinations/s3/give-up-after",
                give_up_after.as_ref(),
                UNREACHABLE_AFTER,
            ),
            credentials: self.credentials("/destinations/s3/credentials", credentials.as_ref()),
            upload,
            download,
        })
    }

    pub(super) fn directory(
        &mut self,
        directory: Option<&document::Directory>,
    ) -> Option<FullPath> {
        let document::Directory { path } = directory?;
        self.path("/destinations/directory/path", path)
    }

    pub(super) fn archive(&mut self, document: &Document) -> Option<Archive> {
        let Some(archive) = &document.archive else {
            let destinations = &document.destinations;
            let needed_by = if destinations.s3.is_some() {
                "s3"
            } else {
                "directory"
            };
            if destinations.makes_archives() && !self.broken.touches("/archive") {
                let message =
                    format!("the section 'archive', which '{needed_by}' needs, is missing");
                let finding = Mistake::key(format!("/destinations/{needed_by}"), message);
                self.report(finding.hint("add `archive: {encryption-key: {env: NAME}}`"));
            }
            return None;
        };
        let document::ArchiveSection {
            encryption_key,
            format,
            volume_size,
            compression_level,
            work_directory,
        } = archive;
        self.reference("/archive/encryption-key", encryption_key);
        let default = if self.family == Family::Windows {
            WINDOWS_WORK
        } else {
            UNIX_WORK
        };
        let work = work_directory.as_deref().unwrap_or(default);
        Some(Archive {
            encryption_key: encryption_key.clone(),
            format: *format,
            volume_size: *volume_size,
            compression_level: *compression_level,
            work_directory: self.path("/archive/work-directory", work)?,
        })
    }
}

fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%')?;
    let share: u8 = digits.parse().ok().filter(|share| *share <= 100)?;
    // `+5%` and `05%` are ambiguous for readers.
    (share.to_string() == digits).then_some(share)
}

/// The naming rules of S3 for general-purpose buckets.
fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if bucket.contains("://") || bucket.contains('/') {
        return Some("write only the name, without `s3://` and without a directory");
    }
    if !(3..=63).contains(&bucket.len()) {
        return Some("it must have 3 to 63 characters");
    }
    if !bucket.chars().all(allowed) {
        return Some("it may contain only lower-case letters, digits, `.` and `-`");
    }
    if !edge(bucket.chars().next()) || !edge(bucket.chars().last()) || bucket.contains("..") {
        return Some(
            "it must begin and end with a letter or digit and must not contain two dots in a row",
        );
    }
    bucket
        .parse::<std::net::Ipv4Addr>()
        .ok()
        .map(|_| "it must not look like an IP address")
}
