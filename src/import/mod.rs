//! From v1.0 to a profile: a command line or batch file and an instruction file become YAML and
//! findings (SPEC#import).
//!
//! Text in, text out. What is wrong with a profile is what `check` says of it; here is only where
//! it came from.

mod argument_reader;
mod arguments;
pub mod batch;
mod draft;
mod instructions;
mod remark;
mod restores;
mod words;

use std::path::Path;

pub use arguments::Arguments;
pub use batch::CommandLine;
pub use remark::{Remark, RemarkLevel, RemarkPlace};

use crate::model::name::Format;
use crate::model::path::FullPath;
use crate::model::secret::Secret;
use crate::plan::backup::Mode;
use crate::profile::{self, Diagnostic};
use crate::render::RenderError;
use crate::render::profile::{Draft, text};
use draft::Drafted;

/// What the command line of `import` decides.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// What the v1.0 command line came from, for a comment.
    pub from: String,
    /// Name of the profile. By default that of the location.
    pub name: Option<String>,
    /// In the place of argument 18.
    pub location: Option<String>,
    pub region: Option<String>,
    pub secrets: WhereTo,
}

/// Where the profile will find the secrets.
#[derive(Clone, Debug, Default)]
pub enum WhereTo {
    #[default]
    Environment,
    /// Files in this directory, as the profile names it.
    Files(String),
}

/// The secrets of a v1.0 command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    ArchiveKey,
    AccessKeyId,
    SecretAccessKey,
}

impl SecretName {
    /// The environment variable that a profile refers to.
    pub fn variable(self) -> &'static str {
        match self {
            SecretName::ArchiveKey => "AAM_BACKUP_KEY",
            SecretName::AccessKeyId => "AAM_ACCESS_KEY_ID",
            SecretName::SecretAccessKey => "AAM_SECRET_ACCESS_KEY",
        }
    }

    /// The file that a profile refers to.
    pub fn file(self) -> &'static str {
        match self {
            SecretName::ArchiveKey => "archive-key",
            SecretName::AccessKeyId => "access-key-id",
            SecretName::SecretAccessKey => "secret-access-key",
        }
    }

    /// The argument of v1.0 that holds it.
    pub fn argument(self) -> usize {
        match self {
            SecretName::ArchiveKey => 16,
            SecretName::AccessKeyId => 19,
            SecretName::SecretAccessKey => 20,
        }
    }
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Import {
    /// A profile that passes `check`; none when there are errors.
    pub profile: Option<String>,
    /// The name in it.
    pub name: String,
    /// The secrets that it refers to and that were on the command line.
    pub secrets: Vec<(SecretName, Secret)>,
    pub findings: Vec<Remark>,
}

impl Import {
    fn add(&mut self, finding: Remark) {
        self.findings.push(finding);
    }

    /// Puts the findings in order: the worst first, by arguments and lines.
    pub fn sort(&mut self) {
        self.findings
            .sort_by(|a, b| (a.severity, &a.spot).cmp(&(b.severity, &b.spot)));
    }

    /// Whether anything of this severity was said.
    pub fn has(&self, severity: RemarkLevel) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == severity)
    }
}

/// Makes a profile. `file` is what messages call the instruction file, `lists` what is in it.
///
/// # Errors
/// When the template is at fault.
pub fn import(
    arguments: &Arguments,
    file: &str,
    lists: &str,
    choices: &Choices,
) -> Result<Import, RenderError> {
    let mut import = Import::default();
    match instructions::read(file, lists) {
        Err(findings) => import.findings.extend(findings),
        Ok(lists) => {
            let drafted = draft::draft(arguments, file, lists, choices, &mut import);
            import.name.clone_from(&drafted.draft.name);
            settle(drafted, arguments, &mut import)?;
        }
    }
    if import.profile.is_some() {
        add_notes(arguments, &mut import);
    }
    import.findings = import
        .findings
        .into_iter()
        .map(|finding| arguments.masked(finding))
        .collect();
    Ok(import)
}

/// A log directory where sources are, which v1.0 allowed, is left out: that changes nothing of what
/// is backed up.
fn other_log(draft: &mut Draft) -> Option<Remark> {
    let log = draft
        .log
        .take()
        .filter(|log| FullPath::parse(log).is_ok())?;
    let message = format!("'{log}' is itself backed up; the profile does not set a log directory");
    let hint = "logs go to the state directory; set `log.directory` for another one";
    Some(Remark::warning(RemarkPlace::Argument(6), message).hint(hint))
}

/// Checks the draft, and corrects what can be corrected without changing what is backed up.
fn settle(
    mut drafted: Drafted,
    arguments: &Arguments,
    import: &mut Import,
) -> Result<(), RenderError> {
    let (_, mut wrong) = checked(&drafted.draft)?;
    wrong.dedup_by(|a, b| a.path == b.path);
    leave_out(&wrong, &mut drafted, arguments, import);
    let (mut profile, again) = checked(&drafted.draft)?;
    wrong = again;
    let mut other = drafted.draft.clone();
    if let Some(warning) = other_log(&mut other).filter(|_| !wrong.is_empty()) {
        let (text, fewer) = checked(&other)?;
        if fewer.len() < wrong.len() {
            import.add(warning);
            (profile, wrong, drafted.draft) = (text, fewer, other);
        }
    }
    for diagnostic in &wrong {
        import.add(remark(diagnostic, &drafted));
    }
    import.profile = wrong.is_empty().then_some(profile);
    Ok(())
}

/// Leaves out the exclusions that `check` refuses: without them more is backed up, not less.
fn leave_out(
    wrong: &[Diagnostic],
    drafted: &mut Drafted,
    arguments: &Arguments,
    import: &mut Import,
) {
    // Last ones first: the others keep their places.
    for diagnostic in wrong
        .iter()
        .rev()
        .filter(|d| d.path.starts_with("/exclude/"))
    {
        let spot = drafted.origin(&diagnostic.path);
        let Some(entry) = drafted.take(&diagnostic.path) else {
            continue;
        };
        drafted.draft.left_out.insert(
            0,
            arguments.mask(&format!("left out, line {}: {}", entry.line, entry.text)),
        );
        let message = format!(
            "{}; it is left out, so more is backed up",
            diagnostic.message
        );
        import.add(Remark {
            hint: diagnostic.hint.clone(),
            ..Remark::warning(spot, message)
        });
    }
}

/// What `check` says, at the argument or line that it comes from.
fn remark(diagnostic: &Diagnostic, drafted: &Drafted) -> Remark {
    let hint = match diagnostic.path.as_str() {
        "/location" => Some(
            "choose another with --location; existing backups in the bucket keep the old one"
                .to_owned(),
        ),
        "/name" => Some("choose another with --name".to_owned()),
        _ => diagnostic.hint.clone(),
    };
    let spot = drafted.origin(&diagnostic.path);
    let message = match spot {
        RemarkPlace::Whole => format!("{}: {}", diagnostic.path, diagnostic.message),
        _ => diagnostic.message.clone(),
    };
    Remark {
        hint,
        ..Remark::error(spot, message)
    }
}

/// The profile, and what `check` says of it.
fn checked(draft: &Draft) -> Result<(String, Vec<Diagnostic>), RenderError> {
    let text = text(draft)?;
    let wrong = profile::load_bytes(Path::new("profile.yaml"), text.as_bytes())
        .err()
        .map(Vec::from)
        .unwrap_or_default();
    Ok((text, wrong))
}

/// What a profile cannot say, and what comes next.
fn add_notes(arguments: &Arguments, import: &mut Import) {
    let name = import.name.clone();
    for (secret, value) in import.secrets.clone() {
        if let (SecretName::ArchiveKey, Err(error)) =
            (secret, profile::check::check_key(Format::Zip, &value))
        {
            import.add(Remark::warning(
                RemarkPlace::Argument(16),
                format!("{error}; backups cannot be made with it"),
            ));
        }
    }
    // It meant nothing to an incremental-only backup.
    if arguments.force_full && arguments.aws.is_some() && arguments.mode == Mode::Regular {
        let message = "is `yes`: every run of that command is a full backup; with a profile, that is an option of `run`";
        let hint = format!(
            "run `aam-backup run {name} --force-full`, or set `force-full: always` in the profile"
        );
        import.add(Remark::warning(RemarkPlace::Argument(21), message).hint(hint));
    }
    if arguments.aws.is_some() && arguments.when_instructions_change {
        let message = "the first run makes a full backup, because the profile is newer than the last backup of v1.0";
        let hint = format!(
            "begin with `aam-backup run {name}`, because an incremental-only run makes no full backup"
        );
        import.add(Remark::note(RemarkPlace::Argument(22), message).hint(hint));
    }
    let mode = if arguments.mode == Mode::IncrementalOnly {
        " --mode incremental-only"
    } else {
        ""
    };
    let message = format!(
        "the command is now `aam-backup run {name}{mode}`; `aam-backup schedule install {name}{mode}` runs it every night"
    );
    import.add(Remark::note(RemarkPlace::Whole, message));
}
