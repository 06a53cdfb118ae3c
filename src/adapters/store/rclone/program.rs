//! Runs of the program rclone: its arguments, what it prints, and what its exit codes mean.

use std::io::{PipeWriter, Read};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use super::RcloneStore;
use crate::adapters::process::{Invocation, ToolError};
use crate::adapters::store::{Act, Progress, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;

/// A remote that cannot be reached is known within two minutes.
const LIMITS: [&str; 4] = [
    "--contimeout=20s",
    "--retries=1",
    "--low-level-retries=3",
    "--use-json-log",
];

/// How long the removal of an unfinished object may take after an interrupt.
const CLEAN_UP: Duration = Duration::from_secs(30);

/// The most of its complaints that is read.
const MOST_COMPLAINTS: u64 = 64 * 1024;

/// The exit code of rclone, and the last that it said.
pub(super) type RcloneEnd = (Result<i32, ToolError>, Option<String>);

impl RcloneStore {
    fn invocation(&self, arguments: &[&str]) -> Invocation {
        let mut call = Invocation::new(&self.program).args(LIMITS).args(arguments);
        if let Some(config) = &self.config {
            call = call.arg("--config").arg(config);
        }
        // It must not ask on the terminal.
        call = call.arg("--ask-password=false");
        if let Some(password) = &self.password {
            let variable = ("RCLONE_CONFIG_PASS".into(), password.clone());
            call.environment.push(variable);
        }
        call
    }

    /// Runs rclone, and gives what it prints to `take` until that fails.
    pub(super) fn streamed(
        &self,
        act: &Act,
        arguments: &[&str],
        stop: &Cancel,
        take: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let local = |error| act.local(&std::env::temp_dir(), "write to", &error);
        let file = tempfile::NamedTempFile::new().map_err(local)?;
        let errors = file.reopen().map_err(local)?;
        let call = self.invocation(arguments);
        let mut taken = Ok(());
        let code = call.stream(errors, stop, &mut |piece| {
            if taken.is_ok() {
                taken = take(piece);
            }
        });
        taken?;
        let mut said = String::new();
        // What it says is for people only.
        let _ = file
            .as_file()
            .take(MOST_COMPLAINTS)
            .read_to_string(&mut said);
        self.judge(act, code, said.lines().filter_map(message).next_back())
    }

    /// Everything that rclone prints.
    pub(super) fn printed(&self, act: &Act, arguments: &[&str]) -> Result<Vec<u8>, StoreError> {
        let mut printed = Vec::new();
        self.streamed(act, arguments, &self.cancel, &mut |piece| {
            printed.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(printed)
    }

    /// Runs rclone for what it does.
    pub(super) fn logged(&self, act: &Act, arguments: &[&str]) -> Result<(), StoreError> {
        self.printed(act, arguments).map(drop)
    }

    /// Copies a local file, and overwrites an existing object.
    pub(super) fn copy(
        &self,
        act: &Act,
        from: &Path,
        to: &str,
        size: u64,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let arguments = [
            "copyto",
            "--ignore-times",
            "--retries=3",
            "--stats=500ms",
            "--stats-log-level=NOTICE",
        ];
        // The file comes first: its path need not be UTF-8.
        let mut call = self.invocation(&arguments);
        call = call
            .arg("--")
            .arg(std::path::absolute(from).unwrap_or_else(|_| from.to_owned()));
        call = call.arg(to);
        let (mut sent, mut said) = (0, None);
        let code = call.run(None, &self.cancel, &mut |line| match sent_so_far(line) {
            Some(bytes) => {
                let more = bytes.min(size).saturating_sub(sent);
                sent += more;
                progress(more);
            }
            None => said = message(line).or(said.take()),
        });
        self.judge(act, code, said)?;
        progress(size - sent);
        Ok(())
    }

    /// Starts rclone to write what it reads to an object.
    pub(super) fn receive(
        &self,
        act: &Act,
        to: &str,
        stop: &Cancel,
    ) -> Result<(PipeWriter, JoinHandle<RcloneEnd>), StoreError> {
        let local = |why| {
            act.error(
                StoreErrorKind::Local,
                format_args!("cannot start rclone: {why}"),
                "",
            )
        };
        let (reader, writer) = std::io::pipe().map_err(local)?;
        let call = self.invocation(&["rcat", to]);
        let cancel = stop.clone();
        let work = move || {
            let mut said = None;
            let code = call.run_on(reader, &cancel, &mut |line| {
                said = message(line).or(said.take())
            });
            (code, said)
        };
        let program = std::thread::Builder::new().spawn(work).map_err(local)?;
        Ok((writer, program))
    }

    /// Removes what an upload left, also after an interrupt. If that fails, the next upload of the
    /// same object replaces it.
    /// False if it may still be there.
    pub(super) fn clean_up(&self, place: &str) -> bool {
        let mut call = self.invocation(&["deletefile", place]);
        call.limit = Some(CLEAN_UP);
        // It says with 3 and 4 that there is nothing.
        let code = call.run(None, &Cancel::new(), &mut |_| {});
        matches!(code, Ok(0 | 3 | 4))
    }

    pub(super) fn judge(
        &self,
        act: &Act,
        code: Result<i32, ToolError>,
        said: Option<String>,
    ) -> Result<(), StoreError> {
        let (kind, hint) = match code {
            Ok(0) => return Ok(()),
            Err(ToolError::Interrupted) => return Err(act.interrupted()),
            Err(error) => return Err(act.error(StoreErrorKind::Other, error, "")),
            // The directory or the file is not there.
            Ok(3 | 4) => (
                StoreErrorKind::NotFound,
                "check destinations.rclone.remote; `rclone mkdir` makes a directory",
            ),
            // It tried several times.
            Ok(5) => (StoreErrorKind::Unreachable, "check the network"),
            Ok(_) => (
                StoreErrorKind::Other,
                "try `rclone lsf` with this remote; `rclone config` sets it up",
            ),
        };
        let why = said.unwrap_or_else(|| "rclone failed and did not say why".to_owned());
        Err(act.error(kind, why, hint))
    }
}

/// The bytes sent, of a line that says how far a transfer is.
fn sent_so_far(line: &str) -> Option<u64> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line.pointer("/stats/bytes")?.as_u64()
}

/// The message of a line of the log. The query of an address is left out, because it may contain a
/// signature.
fn message(line: &str) -> Option<String> {
    let text = match serde_json::from_str::<serde_json::Value>(line) {
        Ok(line) => line.get("msg")?.as_str()?.trim().to_owned(),
        // Its last line is plain, after date and time.
        Err(_) => line.splitn(3, ' ').last()?.trim().to_owned(),
    };
    let masked = text.split(' ').map(|word| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?***"),
        _ => word.to_owned(),
    });
    Some(masked.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_signatures_left_out() {
        for (line, said) in [
            (
                "2026/11/26 16:31:37 Failed to lsjson: directory not found",
                Some("Failed to lsjson: directory not found"),
            ),
            (r#"{"level":"error","msg":"no room\n"}"#, Some("no room")),
            (
                r#"{"msg":"Put \"https://a.example/b?sig=SECRET\": refused"}"#,
                Some("Put \"https://a.example/b?*** refused"),
            ),
            ("", None),
        ] {
            assert_eq!(message(line).as_deref(), said, "{line}");
        }
        let stats = r#"{"msg":"","stats":{"bytes":26701824}}"#;
        assert_eq!(sent_so_far(stats), Some(26_701_824));
        assert_eq!(sent_so_far("x"), None);
    }
}
