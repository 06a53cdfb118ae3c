//! v1.0's arguments and lists as a profile (SPEC#import), and the places its values came from.

use std::time::Duration;

use super::arguments::{Arguments, Kept};
use super::instructions::{InstructionLine, Instructions};
use super::remark::{Remark, RemarkPlace};
use super::{Choices, Import, SecretName, WhereTo};
use crate::model::path::FullPath;
use crate::model::policy::ForceFull;
use crate::profile::document::default_volume_size;
use crate::render::profile::{
    Draft, DraftArchive, DraftCredentials, DraftEmail, DraftLock, DraftMirror, DraftReference,
    DraftS3,
};

/// What v1.0 used when AWS was set up as its author did.
const REGION: &str = "us-east-1";

/// A draft, and the lines its lists came from.
pub struct Drafted {
    pub draft: Draft,
    sources: Vec<InstructionLine>,
    directories: Vec<InstructionLine>,
    files: Vec<InstructionLine>,
    file: String,
}

impl Drafted {
    /// Where the value at a JSON pointer of the profile came from.
    pub fn origin(&self, pointer: &str) -> RemarkPlace {
        let argument = match pointer {
            "/lock/retry-every" => 4,
            "/lock/give-up-after" => 5,
            "/log/directory" => 6,
            "/email/from-name" => 8,
            "/email/from" => 9,
            "/email/to/0" => 10,
            "/snapshot/mount" => 12,
            "/destinations/mirror/path" => 14,
            "/destinations/s3/bucket" => 17,
            "/location" => 18,
            _ => {
                let line = self.list(pointer).and_then(|(list, i)| list.get(i));
                return line.map_or(RemarkPlace::Whole, |entry| {
                    RemarkPlace::Line(self.file.clone(), entry.line)
                });
            }
        };
        RemarkPlace::Argument(argument)
    }

    fn list(&self, pointer: &str) -> Option<(&[InstructionLine], usize)> {
        let (list, i) = pointer.rsplit_once('/')?;
        let entries = match list {
            "/sources" => &self.sources,
            "/exclude/directories" => &self.directories,
            "/exclude/files" => &self.files,
            _ => return None,
        };
        Some((entries, i.parse().ok()?))
    }

    /// Takes an exclusion out, and gives it back.
    pub fn take(&mut self, pointer: &str) -> Option<InstructionLine> {
        let i = self.list(pointer)?.1;
        let (entries, texts) = match pointer.starts_with("/exclude/directories/") {
            true => (&mut self.directories, &mut self.draft.directories),
            false => (&mut self.files, &mut self.draft.files),
        };
        (i < entries.len()).then(|| {
            texts.remove(i);
            entries.remove(i)
        })
    }
}

/// The draft of a profile. Findings go to `import`.
pub fn draft(
    arguments: &Arguments,
    file: &str,
    lists: Instructions,
    choices: &Choices,
    import: &mut Import,
) -> Drafted {
    let sources = without_repeated(file, lists.sources, import);
    for entry in lists.directories.iter().chain(&lists.files) {
        outside(file, entry, &sources, import);
    }
    let location = choices.location.as_ref().unwrap_or(&arguments.location);
    if choices.region.is_none() && (arguments.aws.is_some() || arguments.email.is_some()) {
        import.add(assumed_region());
    }
    let mut place = |name: SecretName, kept: &Kept| reference(name, kept, &choices.secrets, import);
    let archive = arguments.aws.as_ref().map(|aws| DraftArchive {
        key: place(SecretName::ArchiveKey, &aws.key),
        volume_size: default_volume_size(),
        stream: false,
    });
    let credentials = arguments
        .access
        .as_ref()
        .map(|(id, secret)| DraftCredentials {
            access_key_id: place(SecretName::AccessKeyId, id),
            secret_access_key: place(SecretName::SecretAccessKey, secret),
        });
    let draft = Draft {
        about: vec![format!(
            "Made from the v1.0 command line of {} and {file}.",
            choices.from
        )],
        name: choices.name.as_ref().unwrap_or(location).clone(),
        location: location.clone(),
        sources: texts(&sources),
        directories: lists
            .directories
            .iter()
            .map(|entry| directory(&entry.text))
            .collect(),
        files: texts(&lists.files),
        archive,
        ..copied(arguments, credentials, choices.region.as_deref())
    };
    let (directories, files) = (lists.directories, lists.files);
    Drafted {
        draft,
        sources,
        directories,
        files,
        file: file.to_owned(),
    }
}

fn assumed_region() -> Remark {
    let message =
        format!("v1.0 took the region from the AWS settings of its computer; {REGION} is assumed");
    Remark::warning(RemarkPlace::Whole, message)
        .hint("set it with --region, or change it in the profile")
}

/// The parts that stand in the arguments as the profile has them.
fn copied(
    arguments: &Arguments,
    credentials: Option<DraftCredentials>,
    given_region: Option<&str>,
) -> Draft {
    let region = given_region.unwrap_or(REGION).to_owned();
    let region_assumed = given_region.is_none();
    Draft {
        mount: Some(drive(&arguments.mount)),
        mirror: arguments.mirror.as_ref().map(|mirror| DraftMirror {
            path: mirror.path.clone(),
            extra_files: mirror.extra_files,
        }),
        // A mirror knows no full backups.
        force_full: arguments
            .aws
            .as_ref()
            .map(|_| match arguments.when_instructions_change {
                true => ForceFull::WhenProfileChanges,
                false => ForceFull::Never,
            }),
        lock: Some(DraftLock {
            retry_every: span(arguments.retry_every),
            give_up_after: span(arguments.give_up_after),
        }),
        log: Some(arguments.log.clone()).filter(|log| !log.is_empty()),
        s3: arguments.aws.as_ref().map(|aws| DraftS3 {
            bucket: aws.bucket.clone(),
            region: region.clone(),
            region_assumed,
            credentials: credentials.clone(),
        }),
        email: arguments.email.as_ref().map(|email| DraftEmail {
            from_name: Some(email.from_name.clone()).filter(|name| !name.is_empty()),
            from: email.from.clone(),
            to: email.to.clone(),
            region,
            region_assumed,
            credentials,
        }),
        local_time: arguments.aws.is_some(),
        ..Draft::default()
    }
}

/// Where the profile finds a secret; one that is on the command line is kept in `import`.
fn reference(name: SecretName, kept: &Kept, to: &WhereTo, import: &mut Import) -> DraftReference {
    let secret = match kept {
        Kept::Variable(variable) => {
            let message =
                format!("comes from the environment variable {variable}, also in the profile");
            import.add(Remark::note(
                RemarkPlace::Argument(name.argument()),
                message,
            ));
            return DraftReference::Env(variable.clone());
        }
        Kept::Here(secret) => secret,
    };
    if import.secrets.iter().all(|(known, _)| *known != name) {
        import.secrets.push((name, secret.clone()));
    }
    match to {
        WhereTo::Environment => DraftReference::Env(name.variable().to_owned()),
        WhereTo::Files(directory) => {
            let separator = if directory.contains('\\') { '\\' } else { '/' };
            DraftReference::File(format!(
                "{}{separator}{}",
                directory.trim_end_matches(['\\', '/']),
                name.file()
            ))
        }
    }
}

fn texts(entries: &[InstructionLine]) -> Vec<String> {
    entries.iter().map(|entry| entry.text.clone()).collect()
}

/// A name without the `\` that made it a directory; `check` takes a path with it.
fn directory(text: &str) -> String {
    let bare = text.trim_end_matches(['\\', '/']);
    if bare.is_empty() || bare.contains(['\\', '/', ':']) {
        text.to_owned()
    } else {
        bare.to_owned()
    }
}

fn span(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// v1.0 took the letter alone.
fn drive(text: &str) -> String {
    let letter = text.trim().trim_end_matches([':', '\\', '/']);
    match letter.chars().collect::<Vec<_>>().as_slice() {
        [letter] if letter.is_ascii_alphabetic() => format!("{}:", letter.to_ascii_uppercase()),
        _ => text.to_owned(),
    }
}

fn without_repeated(
    file: &str,
    entries: Vec<InstructionLine>,
    import: &mut Import,
) -> Vec<InstructionLine> {
    let mut kept: Vec<(InstructionLine, Option<FullPath>)> = Vec::new();
    for entry in entries {
        let path = FullPath::parse(&entry.text).ok();
        let same = |(_, other): &&(InstructionLine, Option<FullPath>)| matches!((&path, other), (Some(a), Some(b)) if a.same(b));
        match kept.iter().find(same) {
            Some((first, _)) => {
                let message = format!(
                    "'{}' is listed twice, first on line {}; the second is ignored",
                    entry.text, first.line
                );
                import.add(Remark::note(
                    RemarkPlace::Line(file.to_owned(), entry.line),
                    message,
                ));
            }
            None => kept.push((entry, path)),
        }
    }
    kept.into_iter().map(|(entry, _)| entry).collect()
}

/// An exclusion that excludes nothing may have been meant as a source: an empty line makes the
/// difference.
fn outside(file: &str, entry: &InstructionLine, sources: &[InstructionLine], import: &mut Import) {
    let Some(path) = FullPath::parse(&entry.text)
        .ok()
        .filter(|_| !entry.text.contains(['*', '?']))
    else {
        return;
    };
    let mut sources = sources
        .iter()
        .filter_map(|source| FullPath::parse(&source.text).ok());
    if !sources.any(|source| path.starts_with(&source) || source.starts_with(&path)) {
        let message = format!(
            "'{}' is excluded, but it is not below any directory that is backed up",
            entry.text
        );
        let hint = "if it should be backed up, remove the empty line above it; v1.0 did not back it up either";
        import.add(
            Remark::warning(RemarkPlace::Line(file.to_owned(), entry.line), message).hint(hint),
        );
    }
}
