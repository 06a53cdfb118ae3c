//! Destinations and the archives they need.

use std::time::Duration;

use bytesize::ByteSize;

use super::{Checker, Mistake};
use crate::model::bandwidth::Transfers;
use crate::model::job::{Archive, MaxDelete, Mirror, Reporting, default_work_directory};
use crate::model::name::Format;
use crate::model::path::{Family, FullPath};
use crate::model::policy::{Credentials, Reference, Transfer};
use crate::model::store::{JobStores, StoreSettings};
use crate::model::text::size;
use crate::profile::document::{
    self, Document, FieldChecks, LEAST_VOLUME, MAX_VOLUME, S3Credentials, Span, VolumeSize,
    default_volume_size,
};
use crate::profile::schema_errors;

impl Checker<'_> {
    pub(super) fn some_destination(&mut self, document: &Document) {
        let destinations = &document.destinations;
        let none = destinations.mirror.is_none() && destinations.stores().is_empty();
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
            optional,
            access_lists,
        } = mirror?;
        if *access_lists && self.family == Family::Unix {
            let message = "only Robocopy of Windows is told to copy access lists";
            let finding = Mistake::value("/destinations/mirror/access-lists", message);
            let hint =
                "remove the key: on Unix, the mirror keeps access lists where its file system does";
            self.report(finding.hint(hint));
        }
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
            optional: *optional,
            access_lists: *access_lists,
        })
    }

    pub(super) fn stores(&mut self, destinations: &document::Destinations) -> Vec<StoreSettings> {
        let sections = destinations.stores();
        let checked = sections.into_iter().map(|section| section.check(self));
        checked.flatten().collect()
    }

    /// A profile with a store has the section; that of a profile without one is checked, too.
    pub(super) fn archive(
        &mut self,
        document: &Document,
        stores: Vec<StoreSettings>,
    ) -> Option<Archive> {
        let Some(archive) = &document.archive else {
            let sections = document.destinations.stores();
            if let Some(section) = sections
                .first()
                .filter(|_| !self.broken.touches("/archive"))
            {
                let name = section.name();
                let message = format!("the section 'archive', which '{name}' needs, is missing");
                let finding = Mistake::key(format!("/destinations/{name}"), message);
                self.report(finding.hint("add `archive: {encryption-key: {env: NAME}}`"));
            }
            return None;
        };
        let document::ArchiveSection {
            encryption_key,
            format,
            volume_size,
            compression_level,
            transfer,
            // Also used without archives.
            work_directory: _,
        } = archive;
        self.reference("/archive/encryption-key", encryption_key);
        if *transfer == Transfer::Stream {
            self.streaming(document, *format, *compression_level);
        }
        Some(Archive {
            encryption_key: encryption_key.clone(),
            format: *format,
            volume_size: self.volume_size(volume_size),
            compression_level: *compression_level,
            transfer: *transfer,
            stores: JobStores::new(stores)?,
        })
    }

    /// What an archive that is sent while it is made cannot be.
    fn streaming(&mut self, document: &Document, format: Format, level: u8) {
        let spool = "remove archive.transfer, or set it to `spool`";
        let family = self.family;
        let mut refuse = |message: &str, hint: &str| {
            self.report(Mistake::value("/archive/transfer", message).hint(hint));
        };
        if format != Format::Zip {
            let message =
                "a 7z archive cannot be sent while it is made: its beginning is written last";
            refuse(
                message,
                "set archive.format to `zip`, or archive.transfer to `spool`",
            );
        }
        if level == 0 {
            let message = "7-Zip cannot send an archive that is not compressed while it makes it";
            refuse(
                message,
                "set archive.compression-level to 1, or archive.transfer to `spool`",
            );
        }
        if family == Family::Windows {
            refuse(
                "archives cannot be sent while they are made on Windows",
                spool,
            );
        } else if document.snapshot.is_some() {
            refuse(
                "archives of a snapshot cannot be sent while they are made",
                spool,
            );
        }
    }

    /// The schema checks a number; a text is checked here.
    fn volume_size(&mut self, given: &VolumeSize) -> u64 {
        let pointer = "/archive/volume-size";
        let text = match given {
            VolumeSize::Bytes(bytes) => return *bytes,
            VolumeSize::Text(text) => text.trim(),
        };
        let hint = "write a size such as `4 GB` or `500MB`";
        match text.parse::<ByteSize>().map(|size| size.as_u64()) {
            Ok(bytes) if bytes < LEAST_VOLUME => {
                let message = format!("must be at least {}", size(LEAST_VOLUME));
                self.report(Mistake::value(pointer, message).hint(hint));
            }
            Ok(bytes) if bytes > MAX_VOLUME => {
                let message = format!("must be at most {}", size(MAX_VOLUME));
                self.report(Mistake::value(pointer, message).hint(hint));
            }
            Ok(bytes) => return bytes,
            Err(_) => {
                let message = format!("'{}' is not a size", text.escape_debug());
                self.report(Mistake::value(pointer, message).hint(hint));
            }
        }
        default_volume_size()
    }

    pub(super) fn work_directory(&mut self, document: &Document) -> Option<FullPath> {
        let archive = document.archive.as_ref();
        match archive.and_then(|archive| archive.work_directory.as_deref()) {
            Some(path) if self.family == Family::Windows && path.contains('%') => {
                let message = "Windows replaces what stands between two '%' in it, because batch files are in it";
                let finding = Mistake::value("/archive/work-directory", message);
                self.report(finding.hint("name a directory without '%'"));
                None
            }
            Some(path) => self.path("/archive/work-directory", path),
            None => Some(default_work_directory(self.family)),
        }
    }

    /// Every reference to a secret in the document.
    pub(super) fn secrets(
        document: &Document,
        stores: &[StoreSettings],
        reporting: &Reporting,
    ) -> Vec<Reference> {
        let key = document
            .archive
            .iter()
            .map(|archive| &archive.encryption_key);
        let stores = stores.iter().flat_map(|store| store.secrets());
        let reporting = reporting.references().into_iter();
        key.chain(stores.map(|(_, reference)| reference))
            .chain(reporting.map(|(_, reference)| reference))
            .cloned()
            .collect()
    }
}

impl FieldChecks for Checker<'_> {
    fn report(&mut self, mistake: Mistake) {
        Checker::report(self, mistake);
    }

    fn path(&mut self, pointer: &str, text: &str) -> Option<FullPath> {
        Checker::path(self, pointer, text)
    }

    fn program(&mut self, pointer: &str, text: Option<&str>) -> Option<String> {
        Checker::program(self, pointer, text)
    }

    fn reference(&mut self, pointer: &str, reference: &Reference) {
        Checker::reference(self, pointer, reference);
    }

    fn transfers(&self) -> (Transfers, Transfers) {
        self.transfers.clone()
    }

    fn region(&mut self, pointer: &str, text: &str) -> String {
        Checker::region(self, pointer, text)
    }

    fn endpoint(&mut self, pointer: &str, text: Option<&str>) -> Option<String> {
        Checker::endpoint(self, pointer, text)
    }

    fn span(&mut self, pointer: &str, span: Option<&Span>, default: Duration) -> Duration {
        Checker::span(self, pointer, span, default)
    }

    fn credentials(&mut self, pointer: &str, given: Option<&S3Credentials>) -> Option<Credentials> {
        Checker::credentials(self, pointer, given)
    }
}

fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%')?;
    let share: u8 = digits.parse().ok().filter(|share| *share <= 100)?;
    // `+5%` and `05%` are ambiguous for readers.
    (share.to_string() == digits).then_some(share)
}
