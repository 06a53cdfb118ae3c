//! Runs every case in `cases/`: files that say which trees there are, which command lines are run,
//! and what must come of it. `C:\Temp` and what the drive Q: leads to are wiped, so this wants to
//! be told `AAM_CASES_MAY_WIPE=1`.
//!
//! On Windows `AAM_CASES_ROBOCOPY` may name the real Robocopy: then the cases say whether the
//! stand-in is like it.

mod case;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::Case;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = helper(&arguments) {
        return code;
    }
    if !cfg!(windows) || std::env::var_os("AAM_CASES_MAY_WIPE").is_none() {
        eprintln!("cases: not run (Windows or Wine only, and only with AAM_CASES_MAY_WIPE=1)");
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.iter().find(|a| !a.starts_with('-'));
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "case"))
        .filter(|path| wanted.is_none_or(|wanted| path.to_string_lossy().contains(wanted.as_str())))
        .collect();
    files.sort();
    let mut failed = 0;
    for file in &files {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match std::fs::read_to_string(file)
            .map_err(|e| e.to_string())
            .and_then(|text| Case::parse(&text)?.run())
        {
            Ok(()) => println!("ok      {name}"),
            Err(why) => {
                failed += 1;
                println!("FAILED  {name}\n{why}");
            }
        }
    }
    println!("{} cases, {failed} failed", files.len());
    if failed == 0 && !files.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What the helper says before it sleeps.
pub const ASLEEP: &str = "asleep";

/// Cases use this program as the command they run, by the name of `C:\Temp\helper.exe`.
fn helper(arguments: &[String]) -> Option<ExitCode> {
    let (verb, rest) = arguments.split_first()?;
    let number = || rest.first().and_then(|n| n.parse().ok()).unwrap_or(0);
    match verb.as_str() {
        "exit" => return Some(ExitCode::from(number())),
        "sleep" => {
            println!("{ASLEEP}");
            std::thread::sleep(std::time::Duration::from_secs(number().into()));
        }
        "show" => rest.iter().for_each(|argument| println!("[{argument}]")),
        "list" => tree::list(Path::new(rest.first()?))
            .iter()
            .for_each(|line| println!("{line}")),
        "write" => std::fs::write(rest.first()?, "late")
            .unwrap_or_else(|error| panic!("{rest:?}: {error}")),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}
