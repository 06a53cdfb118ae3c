//! The program under `strace`.

use std::process::Command;

use super::machine::{Machine, Ran};

impl Machine {
    /// Any command under `strace`, to its end.
    pub fn traced(&self, strace: &[&str], arguments: &[&str]) -> Ran {
        let plain = self.command(arguments);
        let mut command = Command::new("strace");
        command.args(strace);
        command.arg(plain.get_program()).args(plain.get_args());
        command.env_clear().current_dir("/");
        for (name, value) in plain.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        Ran::of(command.output().unwrap())
    }
}

/// Whether processes may be traced here.
pub fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        "trace=openat",
        "true",
    ]);
    command.status().is_ok_and(|status| status.success())
}
