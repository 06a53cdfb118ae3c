//! One case: steps in the order they stand in its file. A line that is not indented begins a step,
//! the indented lines below it belong to it.
//!
//! `tree DIRECTORY`, `file PATH`, `env NAME=VALUE`, `directory PATH` and `hold PATH` set the scene
//! for all commands below them; `run COMMAND LINE` and `kill COMMAND LINE` (as soon as its helper
//! sleeps) run; `exit CODE`, `output`, `says TEXT` and `bytes HEX` judge the last run, `result
//! DIRECTORY` judges a tree. `{shadowspawn}` in a command line is its path.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::tree;

/// No command of a case takes longer than this, unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

const TEMP: &str = r"C:\Temp";
const MOUNT: &str = r"Q:\";

pub struct Case {
    steps: Vec<Step>,
}

struct Step {
    verb: String,
    rest: String,
    lines: Vec<String>,
}

/// What commands of a case are run in.
#[derive(Default)]
struct Scene {
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
    held: Vec<std::fs::File>,
    last: Option<Output>,
}

impl Case {
    pub fn parse(text: &str) -> Result<Case, String> {
        let mut steps: Vec<Step> = Vec::new();
        for line in text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        {
            match (line.strip_prefix("  "), steps.last_mut()) {
                (Some(line), Some(step)) => step.lines.push(line.to_owned()),
                (Some(_), None) => return Err("begins with an indented line".to_owned()),
                (None, _) => {
                    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
                    steps.push(Step {
                        verb: verb.to_owned(),
                        rest: rest.to_owned(),
                        lines: Vec::new(),
                    });
                }
            }
        }
        Ok(Case { steps })
    }

    pub fn run(&self) -> Result<(), String> {
        tree::wipe(Path::new(TEMP))?;
        tree::wipe(Path::new(MOUNT))?;
        let this = std::env::current_exe().map_err(|e| e.to_string())?;
        std::fs::copy(this, Path::new(TEMP).join("helper.exe"))
            .map_err(|e| format!("helper.exe: {e}"))?;
        let mut scene = Scene::default();
        self.steps.iter().try_for_each(|step| {
            scene
                .step(step)
                .map_err(|why| format!("  {} {}\n{why}", step.verb, step.rest))
        })
    }
}

impl Scene {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        let text = |error: std::io::Error| format!("{}: {error}", step.rest);
        let path = PathBuf::from(&step.rest);
        match step.verb.as_str() {
            "tree" => {
                std::fs::create_dir_all(&path).map_err(text)?;
                step.lines
                    .iter()
                    .try_for_each(|line| tree::make(&path, line))?;
                // Making what is in a directory has changed its time.
                step.lines
                    .iter()
                    .filter(|l| l.contains('/'))
                    .rev()
                    .try_for_each(|line| match line.split_once("/ @") {
                        Some(_) => tree::make(&path, line),
                        None => Ok(()),
                    })?;
            }
            "file" => std::fs::write(&path, step.lines.join("\r\n") + "\r\n").map_err(text)?,
            "env" => {
                let (name, value) = step.rest.split_once('=').ok_or("no '='")?;
                self.environment.push((name.to_owned(), value.to_owned()));
            }
            "directory" => self.directory = Some(path),
            "hold" => self
                .held
                .push(standins::system::open_alone(&path).map_err(text)?),
            "run" => self.last = Some(self.run(&step.rest, false)?),
            "kill" => self.last = Some(self.run(&step.rest, true)?),
            "exit" => {
                let code = self.last()?.status.code().map(|c| c.to_string());
                if code.as_deref() != Some(&step.rest) {
                    return Err(format!("  was {code:?}\n{}", self.said()?));
                }
            }
            "output" => {
                let wanted: Vec<String> =
                    step.lines.iter().filter_map(|line| normal(line)).collect();
                let found: Vec<String> = self.said()?.lines().filter_map(normal).collect();
                compare(&wanted, &found)?;
            }
            "says" if !self.said()?.contains(&step.rest) => return Err(self.said()?),
            "says" => {}
            "bytes" => {
                let wanted: Vec<u8> = step
                    .rest
                    .split(' ')
                    .filter_map(|byte| u8::from_str_radix(byte, 16).ok())
                    .collect();
                if !self
                    .last()?
                    .stdout
                    .windows(wanted.len())
                    .any(|bytes| bytes == wanted)
                {
                    return Err(format!("{:x?}", self.last()?.stdout));
                }
            }
            "result" => {
                let mut wanted = step.lines.clone();
                wanted.sort();
                let found: Vec<String> = tree::list(&path)
                    .iter()
                    .map(|line| tree::reduced(line, &wanted))
                    .collect();
                compare(&wanted, &found)?;
            }
            _ => return Err("no such step".to_owned()),
        }
        Ok(())
    }

    fn last(&self) -> Result<&Output, String> {
        self.last
            .as_ref()
            .ok_or_else(|| "nothing was run".to_owned())
    }

    fn said(&self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(&self.last()?.stdout).into_owned())
    }

    fn run(&self, line: &str, kill: bool) -> Result<Output, String> {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.replace(
            "{shadowspawn}",
            &program("shadowspawn").display().to_string(),
        );
        let mut command = Command::new(program(name));
        #[cfg(windows)]
        std::os::windows::process::CommandExt::raw_arg(&mut command, &rest);
        #[cfg(not(windows))]
        command.args(rest.split(' '));
        command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .envs(self.environment.iter().cloned());
        let output = Path::new(TEMP).join("output");
        command.stdout(std::fs::File::create(&output).map_err(|e| e.to_string())?);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let mut child = command
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                break status;
            }
            let runs =
                || std::fs::read_to_string(&output).is_ok_and(|text| text.contains(super::ASLEEP));
            if start.elapsed() > LIMIT || (kill && runs()) {
                child.kill().map_err(|e| e.to_string())?;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if start.elapsed() > LIMIT {
            return Err(format!("  did not end in {LIMIT:?}"));
        }
        Ok(Output {
            status,
            stdout: std::fs::read(&output).map_err(|e| e.to_string())?,
            stderr: Vec::new(),
        })
    }
}

fn program(name: &str) -> PathBuf {
    let own = match name {
        "robocopy" => {
            std::env::var("AAM_CASES_ROBOCOPY").unwrap_or(env!("CARGO_BIN_EXE_robocopy").to_owned())
        }
        "shadowspawn" => std::env::var("AAM_CASES_SHADOWSPAWN")
            .unwrap_or(env!("CARGO_BIN_EXE_shadowspawn").to_owned()),
        "7z" => r"C:\Program Files\7-Zip\7z.exe".to_owned(),
        _ => name.to_owned(),
    };
    std::path::absolute(&own).unwrap_or_else(|_| own.into())
}

/// A line without what differs from run to run or does not matter: blanks, rules, times, speeds,
/// progress. `None` when nothing is left.
fn normal(line: &str) -> Option<String> {
    const VARIES: [&str; 4] = ["Started :", "Ended :", "Speed :", "Times :"];
    let mut words: Vec<&str> = line
        .split(['\r', '\t', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    words.retain(|word| {
        word.strip_suffix('%')
            .is_none_or(|number| number.parse::<u32>().is_err())
    });
    let text = words.join(" ");
    let varies = VARIES.iter().any(|start| text.starts_with(start));
    (!text.is_empty() && !varies && !text.chars().all(|c| c == '-')).then_some(text)
}

fn compare(wanted: &[String], found: &[String]) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    let mut why = Vec::new();
    why.extend(
        wanted
            .iter()
            .filter(|line| !found.contains(line))
            .map(|line| format!("    missing: {line}")),
    );
    why.extend(
        found
            .iter()
            .filter(|line| !wanted.contains(line))
            .map(|line| format!("    unasked: {line}")),
    );
    if why.is_empty() {
        why.push(format!(
            "    in another order:\n      {}",
            found.join("\n      ")
        ));
    }
    Err(why.join("\n"))
}
