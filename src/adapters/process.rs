//! Running other programs: found once, run without a shell, secrets by standard input, output
//! decoded tolerantly.
//!
//! Exit codes decide; text a tool prints is logged and never trusted (SPEC#run).

mod tree;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::model::cancel::Cancel;
use crate::model::secret::Secret;
use tree::{Tree, own_group};

/// The environment variable that carries the archive key into a snapshot; every tool is started
/// without it.
pub const KEY_VARIABLE: &str = "AAM_BACKUP_STAGE_KEY";

/// Why a tool did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("'{name}' was not found{places}")]
    Missing {
        name: String,
        places: String,
        hint: String,
    },
    #[error("'{program}' could not be started: {why}")]
    Start {
        program: String,
        why: std::io::Error,
    },
    #[error("'{program}' was lost: {why}")]
    Lost {
        program: String,
        why: std::io::Error,
    },
    #[error("'{program}' did not end within {} and was stopped", humantime::format_duration(*.limit))]
    TooLong { program: String, limit: Duration },
    #[error("'{0}' was ended by signal {1}")]
    Killed(String, i32),
    #[error("interrupted")]
    Interrupted,
}

impl ToolError {
    /// What the user can do.
    pub fn hint(&self) -> Option<&str> {
        match self {
            ToolError::Missing { hint, .. } => Some(hint),
            ToolError::TooLong { .. } => {
                Some("hooks.give-up-after in the profile says how long a hook may run")
            }
            _ => None,
        }
    }
}

/// A program to run.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Working directory; that of this program when `None`.
    pub directory: Option<PathBuf>,
    /// Variables added to the environment.
    pub environment: Vec<(OsString, Secret)>,
    /// How long it may run; for ever when `None`. Hooks have a limit.
    pub limit: Option<Duration>,
    /// A program that must clean up after itself is not killed: this file is made, and it is given
    /// time to end.
    pub stop_file: Option<PathBuf>,
}

impl Invocation {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Invocation {
        Invocation {
            program: program.into(),
            args: Vec::new(),
            directory: None,
            environment: Vec::new(),
            limit: None,
            stop_file: None,
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Invocation {
        self.args.push(arg.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Invocation {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// In another directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Invocation {
        self.directory = Some(directory.into());
        self
    }

    fn shown(&self) -> String {
        self.program.display().to_string()
    }

    /// Runs the program to its end and returns its exit code. `input`, when given, is the one line
    /// on its standard input; otherwise standard input is empty. Each line of output goes to
    /// `line`, decoded as UTF-8 as far as it is.
    ///
    /// # Errors
    /// When it cannot be started, is killed, runs too long, or `cancel` is set: then it and all its
    /// children have been stopped.
    pub fn run(
        &self,
        input: Option<&Secret>,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<i32, ToolError> {
        let mut child = self
            .command(input.is_some())
            .spawn()
            .map_err(|why| ToolError::Start {
                program: self.shown(),
                why,
            })?;
        let tree = Tree::of(&child);
        if let (Some(secret), Some(mut stdin)) = (input, child.stdin.take()) {
            // A program that ends without reading its input has its own exit code to say why.
            let _ = writeln!(stdin, "{}", secret.expose());
        }
        let (lines, readers) = output_lines(&mut child);
        self.follow(&mut child, &tree, &lines, cancel, line)?;
        for reader in readers {
            // A reader that panicked has lost output, nothing else.
            let _ = reader.join();
        }
        let status = child.wait().map_err(|why| ToolError::Lost {
            program: self.shown(),
            why,
        })?;
        if cancel.is_set() {
            return Err(ToolError::Interrupted);
        }
        status
            .code()
            .ok_or_else(|| ToolError::Killed(self.shown(), signal(status)))
    }

    /// The program with its arguments, environment and pipes.
    fn command(&self, with_input: bool) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.stdin(if with_input {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        command.env_remove(KEY_VARIABLE);
        command.envs(
            self.environment
                .iter()
                .map(|(name, value)| (name, value.expose())),
        );
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        own_group(&mut command);
        command
    }

    /// Passes on lines until the output ends. Stops the program when it is cancelled or takes too
    /// long.
    fn follow(
        &self,
        child: &mut Child,
        tree: &Tree,
        lines: &mpsc::Receiver<String>,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), ToolError> {
        let started = Instant::now();
        let mut asked: Option<Instant> = None;
        loop {
            match lines.recv_timeout(Duration::from_millis(100)) {
                Ok(text) => line(&text),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if cancel.is_set() && asked.is_none() {
                asked = Some(Instant::now());
                match &self.stop_file {
                    // If the file cannot be made, the wait ends by the time limit.
                    Some(path) => drop(std::fs::write(path, "")),
                    None => {
                        tree.stop(child);
                        return Err(ToolError::Interrupted);
                    }
                }
            }
            if let Some(limit) = self.limit.filter(|limit| started.elapsed() > *limit) {
                tree.stop(child);
                return Err(ToolError::TooLong {
                    program: self.shown(),
                    limit,
                });
            }
            if asked.is_some_and(|since| since.elapsed() > PATIENCE) {
                tree.stop(child);
                return Err(ToolError::Interrupted);
            }
        }
    }
}

/// Standard output and standard error as lines, and the threads that read them.
fn output_lines(child: &mut Child) -> (mpsc::Receiver<String>, Vec<JoinHandle<()>>) {
    let (sender, lines) = mpsc::sync_channel(WAITING_LINES);
    let pipes = [
        child.stdout.take().map(boxed),
        child.stderr.take().map(boxed),
    ];
    let readers = pipes
        .into_iter()
        .flatten()
        .map(|pipe| {
            let sender = sender.clone();
            std::thread::spawn(move || read_lines(pipe, &sender))
        })
        .collect();
    (lines, readers)
}

/// Lines read but not yet passed on: enough that a tool does not wait for a slow log, and at most
/// 16 MiB with [`LINE_LIMIT`].
const WAITING_LINES: usize = 256;

/// How long a program asked to stop is waited for: long enough for a snapshot program to remove its
/// snapshot, and not longer than a person who pressed Ctrl-C waits.
const PATIENCE: Duration = Duration::from_secs(60);

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

/// The longest piece of one line kept: progress bars and binary noise must not fill memory.
const LINE_LIMIT: u64 = 64 * 1024;

fn read_lines(pipe: Box<dyn Read + Send>, sender: &mpsc::SyncSender<String>) {
    let mut input = BufReader::new(pipe);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match input
            .by_ref()
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut buffer)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while matches!(buffer.last(), Some(b'\n' | b'\r')) {
            buffer.pop();
        }
        if sender.send(decode(&buffer)).is_err() {
            return;
        }
    }
}

/// Text of a tool in whatever code page it came: UTF-8 where it is that, else that of the console.
#[cfg(windows)]
fn decode(line: &[u8]) -> String {
    std::str::from_utf8(line).map_or_else(
        |_| crate::adapters::windows::decode_console(line),
        str::to_owned,
    )
}

#[cfg(not(windows))]
fn decode(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(unix)]
fn signal(status: std::process::ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)
}

#[cfg(not(unix))]
fn signal(_status: std::process::ExitStatus) -> i32 {
    0
}

/// Finds a program: the path a profile gives, or the first of `names` on the search path.
///
/// # Errors
/// When there is none; the message says where it was looked for, the hint how to get it.
pub fn locate(configured: Option<&str>, names: &[&str], hint: &str) -> Result<PathBuf, ToolError> {
    let missing = |name: &str, places: &str| ToolError::Missing {
        name: name.to_owned(),
        places: places.to_owned(),
        hint: hint.to_owned(),
    };
    if let Some(path) = configured.filter(|p| Path::new(p).components().count() > 1) {
        return if Path::new(path).is_file() {
            Ok(PathBuf::from(path))
        } else {
            Err(missing(path, ""))
        };
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let wanted: Vec<&str> = configured
        .into_iter()
        .chain(
            if configured.is_some() { &[][..] } else { names }
                .iter()
                .copied(),
        )
        .collect();
    wanted
        .iter()
        .flat_map(|name| {
            let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            std::env::split_paths(&search)
                .map(move |dir| dir.join(&file))
                .collect::<Vec<_>>()
        })
        .find(|path| is_program(path))
        .ok_or_else(|| missing(&wanted.join("' or '"), " on the search path"))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
