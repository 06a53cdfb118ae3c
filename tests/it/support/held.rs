//! A run that waits in the middle for the test: its first mount is archived, and the second is
//! about to be copied.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::machine::{Machine, Ran};
use super::processes::{Gate, kill_all, signal, under_wine};

/// How long a run may take to come to the place where it is held.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Held {
    run: Child,
    gate: Door,
    /// What all its processes have in their environment, and no others. On Windows only.
    mark: Option<String>,
    /// How many of them are this program.
    programs: usize,
}

enum Door {
    Pipes(Gate),
    /// Opened by making this file.
    File(PathBuf),
}

impl Machine {
    /// Starts a run and waits until it is held. Runs that are started later are not.
    pub fn hold_at_second_mount(&mut self) -> Held {
        let Some(lab) = &self.lab else {
            let gate = Gate::new(&self.new_directory());
            self.hook_rsync(&format!(
                "case \"$*\" in *aam-other-*) {} ;; esac",
                gate.hook()
            ));
            let mut run = self.start(&[]);
            gate.wait(&mut run);
            self.profile.rsync = None;
            return Held {
                run,
                gate: Door::Pipes(gate),
                mark: None,
                programs: 1,
            };
        };
        let place = self.new_directory();
        let (reached, opened) = (place.join("reached"), place.join("opened"));
        let gate = [&reached, &opened]
            .map(|path| self.profile.said(path))
            .join("|");
        let profile = self.profile.said(&self.path("profile.yaml"));
        let mut command = self.command(&["run", &profile]);
        let command = command.env("AAM_STANDIN_GATE", format!("aam-other-|{gate}"));
        let mut run = command.spawn().unwrap();
        let started = Instant::now();
        while !reached.exists() {
            if run.try_wait().unwrap().is_some() || started.elapsed() > PATIENCE {
                lab.crash();
                panic!(
                    "it did not come to its second mount\n{}",
                    Ran::of(run.wait_with_output().unwrap())
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Held {
            run,
            gate: Door::File(opened),
            mark: Some(self.profile.said(&self.path("state"))),
            programs: match self.profile.snapshot.as_ref() {
                Some((program, _)) if program.as_os_str().is_empty() => 1,
                _ => 3,
            },
        }
    }

    /// Kills a run as a crash of the computer would, with everything it started.
    pub fn kill_run(&self, run: &mut Child) {
        match &self.lab {
            None => kill_all(run),
            Some(lab) => {
                lab.crash();
                run.wait().unwrap();
            }
        }
    }

    fn new_directory(&self) -> PathBuf {
        tempfile::tempdir_in(self.path(".")).unwrap().keep()
    }

    /// Kills it as a crash of the computer would, with everything it started.
    pub fn kill(&self, mut held: Held) {
        self.kill_run(&mut held.run);
        assert!(
            !self.left_over().is_empty(),
            "it was in the middle of its work"
        );
    }
}

/// A run that waits for another.
pub struct Waiting {
    run: Child,
    said: BufReader<ChildStderr>,
    so_far: String,
}

impl Machine {
    /// Starts a run that is to say this before it goes on.
    pub fn start_and_wait_for(&self, phrase: &str) -> Waiting {
        let mut run = self.start(&[]);
        let mut said = BufReader::new(run.stderr.take().unwrap());
        let mut so_far = String::new();
        while !so_far.contains(phrase) {
            let length = said.read_line(&mut so_far).unwrap();
            assert!(length > 0, "it ended and never said: {phrase}\n{so_far}");
        }
        Waiting { run, said, so_far }
    }
}

impl Waiting {
    /// How it ended.
    pub fn end(mut self) -> Ran {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let mut ran = Ran::of(self.run.wait_with_output().unwrap());
        ran.stderr = self.so_far + &rest;
        ran
    }
}

impl Held {
    /// Lets it go on to its end.
    pub fn go_on(self) -> Ran {
        match &self.gate {
            Door::Pipes(gate) => gate.open(),
            Door::File(opened) => fs::write(opened, "").unwrap(),
        }
        Ran::of(self.run.wait_with_output().unwrap())
    }

    /// The end of a run that was killed by itself.
    pub fn abandoned(mut self) -> std::io::Result<std::process::ExitStatus> {
        self.run.wait()
    }

    /// Somebody presses Ctrl-C.
    pub fn interrupt(self) -> Ran {
        match &self.mark {
            None => signal(i32::try_from(self.run.id()).unwrap(), Signal::INT),
            // Wine's word for Ctrl-C, to the program, and to ShadowSpawn and the stage if there are
            // such, as the console tells all of them.
            Some(mark) => {
                let told = under_wine(mark, "aam-backup.exe");
                assert_eq!(told.len(), self.programs);
                told.into_iter().for_each(|pid| signal(pid, Signal::INT));
            }
        }
        Ran::of(self.run.wait_with_output().unwrap())
    }
}
