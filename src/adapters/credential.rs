//! Reading a secret from where a profile says it is kept (SPEC#credentials).
//!
//! Called only when a run needs the secret. An error names the reference, never the value. Who may
//! read a secret's file is not checked here: a file that everybody can read still works, `doctor`
//! is where to say so.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::adapters::process::{Invocation, ToolError, withhold};
use crate::model::cancel::Cancel;
use crate::model::policy::{Keyring, Reference};
use crate::model::secret::Secret;

/// No secret is larger. A reference to a disk image must not fill the memory.
const MAX_BYTES: u64 = 64 * 1024;
/// A command that waits for a person must not hang a run at night.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a secret is not available.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("{0} is not set")]
    NotSet(String),
    #[error("{0} is empty")]
    Empty(String),
    #[error("{0} does not hold UTF-8 text")]
    NotText(String),
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, #[source] io::Error),
    #[error("{0} failed with {1}")]
    Failed(String, String),
    #[error("{0} did not answer in time")]
    TimedOut(String),
    #[error("{0} was interrupted")]
    Interrupted(String),
    #[error("{0} cannot be read: {1}")]
    Keyring(String, String),
}

/// What a reference is called in messages. Arguments of a command are left out.
pub fn describe(reference: &Reference) -> String {
    match reference {
        Reference::Env(name) => format!("the environment variable {name}"),
        Reference::File(path) => format!("the secret's file '{path}'"),
        Reference::Command(words) => {
            format!(
                "the secret's command '{}'",
                words.first().map_or("", String::as_str)
            )
        }
        Reference::Keyring(Keyring { service, user }) => {
            format!("the keyring entry of the service '{service}' and user '{user}'")
        }
    }
}

/// Why a secret that is kept in the environment or a file is not there now, without asking a
/// command or a keyring: for a preview, which starts nothing.
pub fn missing_here(reference: &Reference) -> Option<CredentialError> {
    match reference {
        Reference::Env(_) | Reference::File(_) => resolve(reference, &Cancel::new()).err(),
        Reference::Command(_) | Reference::Keyring(_) => None,
    }
}

/// From now on no program is started with a variable of the environment that one of these names.
pub fn withhold_from_programs<'a>(references: impl IntoIterator<Item = &'a Reference>) {
    for reference in references {
        if let Reference::Env(name) = reference {
            withhold(name);
        }
    }
}

/// Reads the secret: an environment variable; the first line of a file; the first line of a
/// command's output; an entry of the keyring.
///
/// # Errors
/// When it does not exist or is empty.
pub fn resolve(reference: &Reference, cancel: &Cancel) -> Result<Secret, CredentialError> {
    let name = || describe(reference);
    withhold_from_programs([reference]);
    match reference {
        Reference::Env(variable) => match env::var(variable) {
            Ok(value) => first_line(name, Zeroizing::new(value.into_bytes())),
            Err(env::VarError::NotPresent) => Err(CredentialError::NotSet(name())),
            Err(env::VarError::NotUnicode(_)) => Err(CredentialError::NotText(name())),
        },
        Reference::File(path) => {
            let file =
                File::open(path).map_err(|error| CredentialError::Unreadable(name(), error))?;
            first_line(
                name,
                bytes(file).map_err(|error| CredentialError::Unreadable(name(), error))?,
            )
        }
        Reference::Command(words) => first_line(name, output(name, words, cancel)?),
        Reference::Keyring(entry) => {
            let text =
                from_keyring(entry).map_err(|error| CredentialError::Keyring(name(), error))?;
            first_line(name, Zeroizing::new(text.into_bytes()))
        }
    }
}

/// Whether a secret's file has more than one line: only the first is the secret.
pub fn has_more_lines(reference: &Reference) -> bool {
    let Reference::File(path) = reference else {
        return false;
    };
    let read = File::open(path).and_then(bytes).unwrap_or_default();
    let mut lines = read.split(|b| matches!(b, b'\n' | b'\r')).skip(1);
    lines.any(|line| !line.is_empty())
}

fn bytes(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The secret on the first line. Editors end a line, and Notepad starts a file with a mark.
fn first_line(
    name: impl Fn() -> String,
    bytes: Zeroizing<Vec<u8>>,
) -> Result<Secret, CredentialError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let line = bytes
        .split(|b| matches!(b, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    match std::str::from_utf8(line) {
        Ok("") => Err(CredentialError::Empty(name())),
        Ok(line) => Ok(Secret::new(line)),
        Err(_) => Err(CredentialError::NotText(name())),
    }
}

/// Runs a command without a shell. Its output is the secret and goes nowhere else; what it
/// complains about is shown.
fn output(
    name: impl Fn() -> String,
    words: &[String],
    cancel: &Cancel,
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| CredentialError::Empty(name()))?;
    let mut command = Invocation::new(program).args(arguments);
    command.limit = Some(PATIENCE);
    match command.secret_output(cancel) {
        Ok((0, read)) => Ok(read),
        Ok((code, _)) => Err(CredentialError::Failed(name(), format!("exit code {code}"))),
        Err(ToolError::Start { why, .. } | ToolError::Lost { why, .. }) => {
            Err(CredentialError::Unreadable(name(), why))
        }
        Err(ToolError::TooLong { .. }) => Err(CredentialError::TimedOut(name())),
        Err(ToolError::Killed(_, signal)) => {
            Err(CredentialError::Failed(name(), format!("signal {signal}")))
        }
        Err(ToolError::Interrupted) => Err(CredentialError::Interrupted(name())),
        Err(missing @ ToolError::Missing { .. }) => {
            Err(CredentialError::Failed(name(), missing.to_string()))
        }
    }
}

#[cfg(feature = "keyring")]
fn from_keyring(entry: &Keyring) -> Result<String, String> {
    match keyring::Entry::store_status() {
        Ok(()) => {
            let found = keyring::Entry::new(&entry.service, &entry.user)
                .and_then(|entry| entry.get_password());
            // Only the kind: the library's own text may hold what it found.
            found.map_err(|error| match error {
                keyring::Error::NoEntry => "there is no such entry".to_owned(),
                keyring::Error::NoStorageAccess(_) => "the keyring is locked".to_owned(),
                _ => "the keyring refuses".to_owned(),
            })
        }
        Err(_) => Err("this session has no keyring".to_owned()),
    }
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(_: &Keyring) -> Result<String, String> {
    Err("this build has no keyring support (cargo feature `keyring`)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reference: &Reference) -> Result<String, String> {
        resolve(reference, &Cancel::new())
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lines_after_the_first_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for (content, more) in [
            ("key", false),
            ("key\n", false),
            ("key\r\n", false),
            ("key\n\n", false),
            ("key\nrest", true),
            ("key\r\nrest\r\n", true),
        ] {
            std::fs::write(&path, content).unwrap();
            let reference = Reference::File(path.display().to_string());
            assert_eq!(has_more_lines(&reference), more, "{content:?}");
        }
        assert!(!has_more_lines(&Reference::Env("HOME".to_owned())));
    }

    #[test]
    fn files_give_their_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let name = path.display().to_string();
        for (content, expected) in [
            (&b"hunter2"[..], Ok("hunter2".to_owned())),
            (b"hunter2\nrest\n", Ok("hunter2".to_owned())),
            (b"\xef\xbb\xbfhunter2\r\n", Ok("hunter2".to_owned())),
            (b" hunter 2 \n", Ok(" hunter 2 ".to_owned())),
            (b"", Err(format!("the secret's file '{name}' is empty"))),
            (
                b"\nhunter2",
                Err(format!("the secret's file '{name}' is empty")),
            ),
            (
                b"\xff\xfe",
                Err(format!(
                    "the secret's file '{name}' does not hold UTF-8 text"
                )),
            ),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(
                read(&Reference::File(name.clone())),
                expected,
                "{content:?}"
            );
        }
        let gone = dir.path().join("gone").display().to_string();
        assert!(
            read(&Reference::File(gone.clone()))
                .unwrap_err()
                .contains(&gone)
        );
    }

    #[test]
    fn environment_variables() {
        assert_eq!(
            read(&Reference::Env("AAM_BACKUP_TEST_NOT_SET".to_owned())),
            Err("the environment variable AAM_BACKUP_TEST_NOT_SET is not set".to_owned())
        );
        // Cargo sets this one for every test.
        assert_eq!(
            read(&Reference::Env("CARGO_PKG_NAME".to_owned())),
            Ok("aam-auto-backup".to_owned())
        );
    }

    #[cfg(unix)]
    #[test]
    fn commands_run_without_a_shell_and_hide_their_arguments() {
        let command = |words: &[&str]| {
            read(&Reference::Command(
                words.iter().map(|w| (*w).to_owned()).collect(),
            ))
        };
        assert_eq!(
            command(&["printf", "%s\\nrest", "$HOME"]),
            Ok("$HOME".to_owned())
        );
        assert_eq!(
            command(&["true", "hunter2"]),
            Err("the secret's command 'true' is empty".to_owned())
        );
        let failed = command(&["false", "hunter2"]).unwrap_err();
        assert!(
            failed.starts_with("the secret's command 'false' failed with")
                && !failed.contains("hunter2")
        );
        assert!(
            command(&["/no/such/program"])
                .unwrap_err()
                .contains("cannot be read")
        );
    }

    #[cfg(not(feature = "keyring"))]
    #[test]
    fn a_build_without_keyring_says_so() {
        let entry = Keyring {
            service: "aam".to_owned(),
            user: "me".to_owned(),
        };
        assert!(
            read(&Reference::Keyring(entry))
                .unwrap_err()
                .contains("no keyring support")
        );
    }
}
