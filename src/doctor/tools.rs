//! The programs a run starts: there, and able to do what they are started for.

use super::visit::Visit;
use super::{CheckAnswer, executable, ok, problem, warning};
use crate::adapters::process::{Invocation, ToolError, locate};
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::name::Format;
use crate::model::path::Family;
use crate::model::secret::Secret;
use crate::run::backup::survey::snapshot_problem;

fn missing(error: &ToolError) -> CheckAnswer {
    problem(
        error.to_string(),
        error.hint().unwrap_or("try to run it by hand"),
    )
}

pub(super) fn seven_zip(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(archive) = &visit.job.archive else {
        return Vec::new();
    };
    let tool = match SevenZip::locate(visit.job.tools.seven_zip.as_deref()) {
        Ok(tool) => tool,
        Err(error) => return vec![missing(&error)],
    };
    let program = tool.program().display();
    let version = match tool.version(visit.cancel) {
        Ok(version) => version,
        Err(error) => return vec![missing(&error)],
    };
    let hint = "install 7-Zip from 7-zip.org or your distribution (Debian: 7zip), and set tools.7z to its path";
    vec![match encrypts(&tool, archive.format, visit.cancel) {
        Ok(true) => ok(format!("{version}, encrypts with AES-256: {program}")),
        Ok(false) => problem(
            format!(
                "{program} ({version}) does not make an encrypted {} archive",
                archive.format.extension()
            ),
            hint,
        ),
        Err(why) => problem(
            format!("{program} ({version}) cannot make an archive: {why}"),
            hint,
        ),
    }]
}

/// Makes a small archive as a run would, and looks whether it is encrypted.
fn encrypts(tool: &SevenZip, format: Format, cancel: &Cancel) -> Result<bool, String> {
    let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
    std::fs::write(directory.path().join("probe"), "probe").map_err(|e| e.to_string())?;
    let key = Secret::new("probe");
    let method: &[&str] = match format {
        Format::Zip => &["-tzip", "-mem=AES256"],
        Format::SevenZip => &["-t7z", "-mhe=on"],
    };
    let call = Invocation::new(tool.program())
        .directory(directory.path())
        .arg("a")
        .args(method);
    let call = call.args(["-p", "-bd", "--", "probe.archive", "probe"]);
    let mut output = String::new();
    let code = call.run(Some(&key), cancel, &mut |line| {
        if line.to_lowercase().contains("error") {
            output = line.to_owned();
        }
    });
    match code.map(SevenZipExit::of) {
        Ok(SevenZipExit::Ok) => {}
        Ok(exit) => return Err(format!("{exit} {output}").trim_end().to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut encrypted = false;
    let listed = tool.list(
        &directory.path().join("probe.archive"),
        &key,
        cancel,
        &mut |entry| {
            encrypted |= entry.is_encrypted;
        },
    );
    match listed {
        Ok(SevenZipExit::Ok) => Ok(encrypted),
        Ok(exit) => Err(exit.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn copier(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    if visit.job.mirror.is_none() {
        return Vec::new();
    }
    let (facts, absent) = visit.surveyed();
    if let Some(error) = absent {
        return vec![missing(error)];
    }
    let program = &facts.copier;
    // Robocopy cannot print its version.
    if visit.job.family == Family::Windows {
        return vec![ok(format!("Robocopy: {program}"))];
    }
    let mut first = String::new();
    let ended = Invocation::new(program)
        .arg("--version")
        .run(None, visit.cancel, &mut |line| {
            if first.is_empty() {
                first = line
                    .split_whitespace()
                    .take(3)
                    .collect::<Vec<_>>()
                    .join(" ");
            }
        });
    vec![match ended {
        Ok(0) => ok(format!("{first}: {program}")),
        Ok(code) => problem(
            format!("'{program} --version' ended with code {code}"),
            "reinstall rsync (Debian: apt-get install rsync), or set tools.rsync in the profile",
        ),
        Err(error) => missing(&error),
    }]
}

pub(super) fn snapshot(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(snapshot) = &visit.job.snapshot else {
        return match visit.job.family {
            Family::Unix => vec![ok("no snapshot program: files are read as they are")],
            Family::Windows => vec![warning(
                "no snapshot program, so files that are open in other programs are not backed up",
                "set snapshot.program and snapshot.mount in the profile",
            )],
        };
    };
    if let Some((text, hint)) = snapshot_problem(visit.job) {
        return vec![problem(text, hint)];
    }
    let Some(program) = &snapshot.program else {
        let text = format!(
            "Windows makes shadow copies, shown at {}, which is free",
            snapshot.mount
        );
        return vec![ok(text)];
    };
    match locate(Some(program), &[], "") {
        Err(error) => vec![missing(&error)],
        Ok(program) => match executable::wrong_bitness(&program) {
            Some(why) => vec![problem(
                format!("snapshots cannot be made: {} {why}", program.display()),
                "install the ShadowSpawn build for this Windows",
            )],
            None => vec![ok(format!(
                "{} shows snapshots at {}, which is free",
                program.display(),
                snapshot.mount
            ))],
        },
    }
}
