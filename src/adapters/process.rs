//! Running other programs: found once, run without a shell, secrets by standard input, output
//! decoded tolerantly.
//!
//! Exit codes decide; text a tool prints is logged and never trusted (SPEC#run).

#[cfg(unix)]
pub mod guard;
mod locate;
#[cfg(unix)]
mod naming;
mod output;
mod streams;
mod tree;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::model::cancel::Cancel;
use crate::model::secret::Secret;
pub use locate::locate;
use tree::Tree;
pub use tree::wait_for_end;

/// The environment variable that tells a stage inside a snapshot which process runs the backup.
pub const RUN_VARIABLE: &str = "AAM_BACKUP_RUN_PROCESS";

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
    /// It shows its progress by writing lines again: each version of one counts as a line.
    pub rewrites: bool,
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
            rewrites: false,
        }
    }

    /// A program that shows its progress by writing lines again.
    #[must_use]
    pub fn rewriting(mut self) -> Invocation {
        self.rewrites = true;
        self
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
        let started = self.start(input)?;
        self.follow_lines(started, cancel, line)
    }

    fn follow_lines(
        &self,
        mut started: Started,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<i32, ToolError> {
        let lines = output::lines(&mut started.child, self.rewrites);
        let (started, lines) = self.reading(started, lines)?;
        self.follow(started, &lines, cancel, &mut |read: Vec<String>| {
            read.iter().for_each(|text| line(text));
        })
    }

    /// Starts the program with the line `input` on its standard input.
    fn start(&self, input: Option<&Secret>) -> Result<Started, ToolError> {
        let Some(secret) = input else {
            return self.start_on(Stdio::null());
        };
        let mut started = self.start_on(Stdio::piped())?;
        if let Some(mut stdin) = started.child.stdin.take() {
            // A program that ends without reading its input has its own exit code to say why.
            let _ = writeln!(stdin, "{}", secret.expose());
        }
        Ok(started)
    }

    /// Starts the program with pipes for what it prints.
    fn start_on(&self, input: impl Into<Stdio>) -> Result<Started, ToolError> {
        let mut command = self.command();
        command.stdin(input).stderr(Stdio::piped());
        let (child, tree) = self.start_group(command)?;
        Ok(Started::new(child, tree))
    }

    /// A program whose output nobody can read is stopped.
    fn reading<T>(
        &self,
        mut started: Started,
        output: std::io::Result<T>,
    ) -> Result<(Started, T), ToolError> {
        match output {
            Ok(output) => Ok((started, output)),
            Err(why) => {
                started.stop();
                let program = self.shown();
                Err(ToolError::Start { program, why })
            }
        }
    }

    fn start_group(&self, command: Command) -> Result<(Child, Tree), ToolError> {
        // One that cleans up after itself lives to do so.
        let ends_with_us = self.stop_file.is_none();
        Tree::start(command, ends_with_us).map_err(|why| self.not_started(why))
    }

    fn not_started(&self, why: std::io::Error) -> ToolError {
        ToolError::Start {
            program: self.shown(),
            why,
        }
    }

    /// The program with its arguments and environment, no input, and its output in a pipe.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let withheld = WITHHELD.lock().unwrap_or_else(PoisonError::into_inner);
        withheld.iter().for_each(|name| {
            command.env_remove(name);
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
        command
    }

    /// Passes on what the program prints until it has ended, and returns its exit code. Stops it
    /// when it is cancelled or takes too long. What it started and left behind is not waited for.
    fn follow<T>(
        &self,
        mut started: Started,
        pieces: &mpsc::Receiver<T>,
        cancel: &Cancel,
        take: &mut dyn FnMut(T),
    ) -> Result<i32, ToolError> {
        let begun = Instant::now();
        let mut asked: Option<Instant> = None;
        let (mut printed, mut ended): (Instant, Option<(ExitStatus, Instant)>) = (begun, None);
        let status = loop {
            let open = match pieces.recv_timeout(LOOK) {
                Ok(piece) => {
                    take(piece);
                    printed = Instant::now();
                    true
                }
                Err(mpsc::RecvTimeoutError::Timeout) => true,
                Err(mpsc::RecvTimeoutError::Disconnected) => false,
            };
            if ended.is_none() {
                let status = started.child.try_wait().map_err(|why| ToolError::Lost {
                    program: self.shown(),
                    why,
                })?;
                ended = status.map(|status| (status, Instant::now()));
            }
            if let Some((status, since)) = ended {
                let quiet = printed.max(since).elapsed() > SETTLE;
                let is_enough = match started.is_read_to_the_end {
                    true => cancel.is_set(),
                    false => quiet || since.elapsed() > SETTLE_AT_MOST,
                };
                if !open || is_enough {
                    break status;
                }
                continue;
            }
            if !open {
                std::thread::sleep(GLANCE);
            }
            self.stop_if(&mut started, begun, &mut asked, cancel)?;
        };
        started.tree.let_go();
        if cancel.is_set() {
            return Err(ToolError::Interrupted);
        }
        status
            .code()
            .ok_or_else(|| ToolError::Killed(self.shown(), signal(status)))
    }

    /// Stops a program that is cancelled or takes too long; one with a stop file is `asked` first.
    fn stop_if(
        &self,
        started: &mut Started,
        begun: Instant,
        asked: &mut Option<Instant>,
        cancel: &Cancel,
    ) -> Result<(), ToolError> {
        if cancel.is_set() && asked.is_none() {
            *asked = Some(Instant::now());
            match &self.stop_file {
                // If the file cannot be made, the wait ends by the time limit.
                Some(path) => drop(std::fs::write(path, "")),
                None => {
                    started.stop();
                    return Err(ToolError::Interrupted);
                }
            }
        }
        if let Some(limit) = self.limit.filter(|limit| begun.elapsed() > *limit) {
            started.stop();
            return Err(ToolError::TooLong {
                program: self.shown(),
                limit,
            });
        }
        if asked.is_some_and(|since| since.elapsed() > PATIENCE) {
            started.stop();
            return Err(ToolError::Interrupted);
        }
        Ok(())
    }
}

/// A program that runs.
struct Started {
    child: Child,
    tree: Tree,
    /// Its output counts to the last byte, however slowly it is taken.
    is_read_to_the_end: bool,
}

impl Started {
    fn new(child: Child, tree: Tree) -> Started {
        Started {
            child,
            tree,
            is_read_to_the_end: false,
        }
    }

    fn stop(&mut self) {
        self.tree.stop(&mut self.child);
    }
}

/// Variables of this program's environment that hold secrets: no tool and no hook gets them.
static WITHHELD: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// From now on, no program gets this environment variable, which contains a secret.
pub fn withhold(variable: &str) {
    let mut withheld = WITHHELD.lock().unwrap_or_else(PoisonError::into_inner);
    withheld.insert(variable.to_owned());
}

/// How long a program asked to stop is waited for: long enough for a snapshot program to remove its
/// snapshot, and not longer than a person who pressed Ctrl-C waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a program is looked at while it prints nothing.
const LOOK: Duration = Duration::from_millis(100);

/// The same when its output has ended: most programs end at that moment.
const GLANCE: Duration = Duration::from_millis(2);

/// How long output is read after the program itself has ended, because a program that it left in
/// the background may keep its pipes open for ever. Otherwise, the pipes end with the program.
const SETTLE: Duration = Duration::from_secs(1);

/// The longest wait for a background program that continues to print.
const SETTLE_AT_MOST: Duration = Duration::from_secs(5);

#[cfg(unix)]
fn signal(status: std::process::ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)
}

#[cfg(not(unix))]
fn signal(_status: std::process::ExitStatus) -> i32 {
    0
}

#[cfg(all(test, unix))]
mod tests;
