//! Shows a shadow copy of a directory at a drive letter while a command runs, with the contract
//! and the exit codes of ShadowSpawn (SPEC#snapshot).
#![cfg_attr(not(windows), allow(dead_code))]

use std::ffi::OsString;
use std::path::PathBuf;

/// What is shown where, and the command that runs.
#[derive(Debug)]
pub struct ShadowOrder {
    pub source: PathBuf,
    /// `Q:`.
    pub letter: String,
    pub command: Vec<OsString>,
}

/// Why the command did not run.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    #[error("{0}")]
    Usage(String),
    /// Another program is making a shadow copy.
    #[error("{text}")]
    Busy { text: String, hint: &'static str },
    #[error("{text}")]
    Failed { text: String, hint: &'static str },
}

impl ShadowError {
    /// ShadowSpawn's exit code: 1 is a shadow copy that was not made, 2 a wrong command line.
    pub fn code(&self) -> i32 {
        match self {
            ShadowError::Usage(_) => 2,
            ShadowError::Busy { .. } | ShadowError::Failed { .. } => 1,
        }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            ShadowError::Usage(_) => "aam-backup shadow SOURCE Q: COMMAND...",
            ShadowError::Busy { hint, .. } | ShadowError::Failed { hint, .. } => hint,
        }
    }
}

/// The exit code of `shadow`: that of the command gets a bit that distinguishes it from 1 and 2.
pub fn exit_code(command: i32) -> i32 {
    match command {
        0 => 0,
        code => 0x8000 | code,
    }
}

/// A device that shows a volume, and the path below its root, as one path.
pub fn below(device: &str, root: &str, source: &str) -> String {
    let rest = source.get(root.len()..).unwrap_or_default();
    format!("{device}\\{}", rest.trim_matches('\\'))
        .trim_end_matches('\\')
        .to_owned()
        + if rest.trim_matches('\\').is_empty() {
            "\\"
        } else {
            ""
        }
}

/// What VSS says while another program is making a shadow copy.
const BUSY: u32 = 0x8004_2316;

/// What a code of VSS means, and what to do.
pub fn meaning(code: u32) -> (&'static str, &'static str) {
    const EVENTS: &str = "look for VSS in the event log of Windows (Application)";
    match code {
        BUSY => (
            "another program is making a shadow copy",
            "wait until it has ended",
        ),
        0x8007_0005 => (
            "access is denied",
            "run as administrator; in Task Scheduler, with highest privileges",
        ),
        0x8004_230C => (
            "the volume does not support shadow copies",
            "back up local NTFS volumes only",
        ),
        0x8004_231F => (
            "there is not enough room for a shadow copy",
            "free some space on the volume; `vssadmin list shadowstorage` shows the limit",
        ),
        0x8004_2317 | 0x8004_2312 => (
            "there are too many shadow copies of this volume",
            "delete old ones: `vssadmin list shadows`, `vssadmin delete shadows`",
        ),
        0x8004_2308 => ("the volume was not found", "is its disk attached?"),
        0x8004_2306 => ("the provider of shadow copies vetoed it", EVENTS),
        0x8007_0422 | 0x8004_0154 | 0x8000_FFFF => (
            "the service Volume Shadow Copy does not answer",
            "start it (services.msc), and look for VSS in the event log",
        ),
        0x8004_2314 | 0x8004_2313 | 0x8004_23F2 => (
            "a program that prepares its files took too long",
            "run when the computer is less busy",
        ),
        _ => ("it failed", EVENTS),
    }
}

/// When a program failed to prepare its files for a shadow copy.
pub fn moment(state: i32) -> &'static str {
    match state {
        6 => "when it was found",
        7 | 8 => "when it was to prepare",
        9 => "when it was to stop writing",
        10 => "when it was to resume writing",
        11 => "after the shadow copy was made",
        _ => "",
    }
}

#[cfg(windows)]
pub use made::{ShadowSet, run};

#[cfg(windows)]
mod made {
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use super::{BUSY, ShadowError, ShadowOrder, below, exit_code, meaning, moment};
    use crate::adapters::windows::letter::{self, Letter};
    use crate::adapters::windows::tree::ProcessTree;
    use crate::adapters::windows::vss::{NoCopy, ShadowCopy, VssError};
    use crate::adapters::windows::{VolumeRoot, volume};
    use crate::model::cancel::Cancel;
    use crate::model::event::{Events, Section};

    impl From<VssError> for ShadowError {
        fn from(VssError { call, code }: VssError) -> ShadowError {
            let (what, hint) = meaning(code);
            let text = format!("no shadow copy was made: {what} ({call}: 0x{code:08x})");
            match code {
                BUSY => ShadowError::Busy { text, hint },
                _ => ShadowError::Failed { text, hint },
            }
        }
    }

    impl From<NoCopy> for ShadowError {
        fn from(none: NoCopy) -> ShadowError {
            match none {
                NoCopy::Failed(error) => error.into(),
                NoCopy::Cancelled => ShadowError::Failed {
                    text: "interrupted".to_owned(),
                    hint: "",
                },
            }
        }
    }

    /// A directory in full, and its volume.
    fn place(source: &Path) -> Result<(String, VolumeRoot), ShadowError> {
        let usage = |text: String| ShadowError::Usage(text);
        let full = std::path::absolute(source)
            .map_err(|e| usage(format!("'{}': {e}", source.display())))?;
        let shown = crate::model::path::shown(&full);
        if shown.starts_with(r"\\") {
            return Err(usage(format!("'{shown}' is on a network share")));
        }
        let root = volume(&full).map_err(|e| usage(format!("the volume of '{shown}': {e}")))?;
        Ok((shown, root))
    }

    /// Shadow copies of one moment, and the letter that shows them. They are taken down when it is
    /// dropped, at the latest.
    pub struct ShadowSet {
        copy: ShadowCopy,
        letter: String,
    }

    impl ShadowSet {
        /// Makes one of each volume that holds a source.
        ///
        /// # Errors
        /// When the letter is in use, or Windows refuses one of them.
        pub fn of(
            sources: &[PathBuf],
            letter: &str,
            cancel: &Cancel,
            events: &Events<'_>,
        ) -> Result<ShadowSet, ShadowError> {
            let mut roots = Vec::new();
            for source in sources {
                let (_, root) = place(source)?;
                if !roots.contains(&root) {
                    roots.push(root);
                }
            }
            let mut copy = ShadowCopy::open()?;
            letter::take_down_dangling(letter);
            if !letter::is_free(letter) {
                let text = format!("the letter {letter} is in use");
                return Err(ShadowError::Usage(text));
            }
            for writer in copy.make(&roots, cancel)? {
                let (name, when, code) = (&writer.name, moment(writer.state), writer.code);
                let text = format!(
                    "'{name}' failed {when} (0x{code:08x}): its files are in the backup as after a power cut"
                );
                events.warn(Section::Tools, text, None);
            }
            let letter = letter.to_owned();
            Ok(ShadowSet { copy, letter })
        }

        /// Whether it has the volume of this directory.
        pub fn has(&self, source: &Path) -> bool {
            place(source).is_ok_and(|(_, root)| self.copy.has(&root))
        }

        /// Shows a directory at the letter, until what is returned is dropped.
        ///
        /// # Errors
        /// When Windows refuses.
        pub fn show(&self, source: &Path) -> Result<Letter, ShadowError> {
            let (shown, root) = place(source)?;
            let target = below(&self.copy.device(&root)?, &root.to_string(), &shown);
            Letter::leading_to(&self.letter, &target).map_err(|e| ShadowError::Failed {
                text: format!("{} cannot be made to show {target}: {e}", self.letter),
                hint: "choose another letter in snapshot.mount",
            })
        }

        /// Takes the shadow copies down.
        pub fn end(mut self, events: &Events<'_>) {
            if let Err(VssError { call, code }) = self.copy.end() {
                let text = format!(
                    "the shadow copy is deleted only when this program ends ({call}: 0x{code:08x})"
                );
                events.note(Section::Tools, text);
            }
        }
    }

    /// Returns the exit code. The shadow copy and the letter have always been removed by then.
    ///
    /// # Errors
    /// When the command did not run.
    pub fn run(
        order: &ShadowOrder,
        cancel: &Cancel,
        events: &Events<'_>,
    ) -> Result<i32, ShadowError> {
        let sources = [order.source.clone()];
        let set = ShadowSet::of(&sources, &order.letter, cancel, events)?;
        let letter = set.show(&order.source)?;
        let code = command(order);
        drop(letter);
        set.end(events);
        code
    }

    fn command(order: &ShadowOrder) -> Result<i32, ShadowError> {
        let Some((program, arguments)) = order.command.split_first() else {
            return Err(ShadowError::Usage("no command is given".to_owned()));
        };
        let failed = |why: std::io::Error| ShadowError::Failed {
            text: format!("'{}' could not be started: {why}", program.display()),
            hint: "",
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::inherit())
            .spawn()
            .map_err(failed)?;
        // Without the shadow copy it would read what is not there.
        let tree = ProcessTree::ending_with_us(&child).ok();
        let status = child.wait().map_err(failed)?;
        tree.iter().for_each(ProcessTree::let_go);
        Ok(exit_code(status.code().unwrap_or(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_shows_what_lies_below_its_root() {
        let device = r"\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy7";
        for (root, source, expected) in [
            (r"C:\", r"C:\Users\allen", r"\Users\allen"),
            (r"C:\", r"C:\Users\allen\", r"\Users\allen"),
            (r"C:\", r"C:\", r"\"),
            (r"C:\mounted\disk\", r"C:\mounted\disk\a", r"\a"),
            (r"C:\mounted\disk\", r"C:\mounted\disk", r"\"),
        ] {
            let found = below(device, root, source);
            assert_eq!(found, format!("{device}{expected}"), "{source}");
        }
    }

    #[test]
    fn exit_codes_are_those_of_shadowspawn() {
        for (command, expected) in [(0, 0), (1, 32769), (130, 0x8000 | 130)] {
            assert_eq!(exit_code(command), expected);
        }
        assert_eq!(ShadowError::Usage(String::new()).code(), 2);
    }
}
