//! Round trips with the systemd of a user; those with a crontab are beside. Each runs in a mount
//! namespace of its own, where `/run` or the spool is empty: nothing of this machine's own
//! schedulers is asked or changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::emptiness::profile_in_a_nasty_place;
use crate::support::machine::{Machine, Ran};
use crate::support::processes::is_root;

/// A script whose steps are looked at one by one.
pub(super) struct Steps {
    place: PathBuf,
    pub(super) text: String,
    count: usize,
}

impl Steps {
    pub(super) fn new(place: PathBuf) -> Steps {
        fs::create_dir_all(&place).unwrap();
        Steps {
            place,
            text: String::new(),
            count: 0,
        }
    }

    /// One more step; its number.
    pub(super) fn step(&mut self, command: &str) -> usize {
        let (n, at) = (self.count, self.place.display());
        self.text.push_str(&format!(
            "{{ {command}; }} >'{at}/{n}.out' 2>'{at}/{n}.err' && code=0 || code=$?; echo $code >'{at}/{n}.code'\n"
        ));
        self.count += 1;
        n
    }

    pub(super) fn ran(&self, step: usize) -> Ran {
        let read = |kind: &str| {
            fs::read_to_string(self.place.join(format!("{step}.{kind}"))).unwrap_or_default()
        };
        Ran {
            code: read("code").trim().parse().ok(),
            stdout: read("out"),
            stderr: read("err"),
        }
    }
}

/// Runs a script as root of a namespace, which ends with it; `machine`'s environment is there.
pub(super) fn in_a_namespace(machine: &Machine, script: &str) {
    let mut command = Command::new("timeout");
    command.args([
        "--kill-after=10",
        "600",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    if !is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["sh", "-euc", script])
        .env_clear()
        .current_dir("/");
    for (name, value) in machine.command(&[]).get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", Ran::of(output));
}

/// Whether this computer lets a namespace be made; a container may not. Says so if not.
pub(super) fn namespaces_are_allowed() -> bool {
    let mut try_one = Command::new("unshare");
    try_one.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !is_root() {
        try_one.arg("--map-root-user");
    }
    let allowed = try_one
        .args(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        .status()
        .is_ok_and(|s| s.success());
    if !allowed {
        eprintln!("NOT TESTED: a scheduler itself, for want of a namespace of its own");
    }
    allowed
}

/// The same of a control group.
fn control_groups_are_allowed() -> bool {
    let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(Path::new)
        .into_iter()
        .find(|p| p.is_dir());
    let group = root.map(|root| root.join(format!("aam-try-{}", std::process::id())));
    let allowed = group.is_some_and(|group| {
        fs::create_dir(&group)
            .and_then(|()| fs::remove_dir(&group))
            .is_ok()
    });
    if !allowed {
        eprintln!("NOT TESTED: systemd itself, for want of a control group of its own");
    }
    allowed
}

fn remove_control_group(name: &str) {
    let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(Path::new)
        .into_iter()
        .find(|p| p.is_dir())
        .unwrap();
    // Its processes were killed, and may need a moment to be gone.
    for _ in 0..100 {
        let mut find = Command::new("find");
        find.arg(root.join(name))
            .args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
        find.output().unwrap();
        if !root.join(name).exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the control group {name} is still in use");
}

pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', r"'\''"))
}

/// The program's `schedule`, as a shell says it.
pub(super) fn schedule(verb: &str, profile: &Path, more: &str) -> String {
    format!(
        "'{}' schedule {verb} {} {more}",
        env!("CARGO_BIN_EXE_aam-backup"),
        quoted(profile)
    )
}

/// Needs root, for a control group of its own: `.ci/run` has it.
#[test]
fn systemd_of_a_user() {
    if !is_root() {
        eprintln!("NOT TESTED: systemd itself, which needs root here");
        return;
    }
    if !namespaces_are_allowed() || !control_groups_are_allowed() {
        return;
    }
    let mut machine = Machine::new();
    let profile = profile_in_a_nasty_place(&machine);
    // Nothing else is started: these are all the units there are, beside those installed.
    let units = machine.path("units");
    fs::create_dir(&units).unwrap();
    for target in [
        "default", "basic", "timers", "shutdown", "exit", "sockets", "paths",
    ] {
        let wants = if target == "default" {
            "Wants=timers.target\n"
        } else {
            ""
        };
        fs::write(
            units.join(format!("{target}.target")),
            format!("[Unit]\nDescription={target}\n{wants}"),
        )
        .unwrap();
    }
    fs::write(units.join("app.slice"), "[Unit]\nDescription=app\n").unwrap();
    let mut steps = Steps::new(machine.path("steps"));
    let state = steps.step(&schedule("status", &profile, ""));
    let installed = steps.step(&schedule("install", &profile, "--at 03:15"));
    let started = steps.step("systemctl --user start aam-backup-test.service");
    let after = steps.step(&schedule("status", &profile, "--format json"));
    let also = steps.step(&schedule(
        "install",
        &profile,
        "--mode incremental-only --every hour --at 00:40",
    ));
    let replaced = steps.step(&schedule("install", &profile, "--at 04:15 --every sunday"));
    // The time limit is cut down to seconds, and the profile given something to wait for.
    let waiting = fs::read_to_string(&profile).unwrap() + "hooks: {before: [sleep, '600']}\n";
    fs::write(machine.path("waiting.yaml"), waiting).unwrap();
    let long = steps.step(&format!(
        "cp {profile} {kept}; cp {} {profile}; mkdir \"$HOME/.config/systemd/user/aam-backup-test.service.d\"
         printf '[Service]\\nTimeoutStartSec=10\\n' >\"$HOME/.config/systemd/user/aam-backup-test.service.d/x.conf\"
         systemctl --user daemon-reload; systemctl --user start aam-backup-test.service; code=$?
         rm -r \"$HOME/.config/systemd/user/aam-backup-test.service.d\"; cp {kept} {profile}; ( exit $code )",
        quoted(&machine.path("waiting.yaml")),
        profile = quoted(&profile),
        kept = quoted(&machine.path("kept.yaml")),
    ));
    let stopped = steps.step(&schedule("status", &profile, ""));
    let paused = steps.step(&schedule("pause", &profile, ""));
    let pausing = steps.step(&schedule("status", &profile, ""));
    let resumed = steps.step(&schedule("resume", &profile, ""));
    let broken = steps.step(&format!(
        "systemctl --user stop aam-backup-test.timer; {}",
        schedule("status", &profile, "")
    ));
    let failing = steps.step(&format!(
        "rm {}; systemctl --user start aam-backup-test.service",
        quoted(&profile)
    ));
    let named = schedule("status", Path::new("test"), "");
    let failed = steps.step(&named);
    let removed = steps.step(&schedule("remove", Path::new("test"), ""));
    let again = steps.step(&schedule("remove", Path::new("test"), ""));
    let gone = steps.step(&named);
    let left =
        steps.step("find \"$HOME/.config/systemd\" -name '*aam-backup*'; systemctl --user list-unit-files 'aam-*'");
    machine.become_ordinary();
    let user = machine.user.unwrap();
    let become_user = if is_root() {
        format!("setpriv --reuid {user} --regid {user} --clear-groups")
    } else {
        String::new()
    };
    let inner = format!(
        "export XDG_RUNTIME_DIR=/run/user/{user} SYSTEMD_UNIT_PATH=\"$HOME/.config/systemd/user:{units}\" SYSTEMD_LOG_TARGET=console
         mkdir -p \"$HOME/.config/systemd/user\"
         /lib/systemd/systemd --user >'{units}/log' 2>&1 &
         for n in $(seq 100); do systemctl --user is-system-running >/dev/null 2>&1 && break; sleep 0.1; done
         {steps}",
        units = units.display(),
        steps = steps.text,
    );
    fs::write(machine.path("inner.sh"), inner).unwrap();
    // A manager makes control groups: in one of its own, which goes away with the last process in
    // it.
    let group = format!("aam-test-{}", std::process::id());
    let script = format!(
        "mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system /run/user/{user}; chown {user} /run/user/{user}
         root=/sys/fs/cgroup; [ ! -d $root/unified ] || root=$root/unified
         mkdir $root/{group}; chown -R {user} $root/{group}; echo $$ >$root/{group}/cgroup.procs
         {become_user} sh {}",
        quoted(&machine.path("inner.sh")),
    );
    in_a_namespace(&machine, &script);
    remove_control_group(&group);

    let log = fs::read_to_string(units.join("log")).unwrap_or_default();
    let ran = |step: usize| {
        let ran = steps.ran(step);
        assert!(ran.code.is_some(), "step {step} was not run\n{log}");
        ran
    };
    if std::env::var_os("AAM_LOG").is_some() {
        println!("{log}");
    }
    ran(state).exit(1).says("'test' is not scheduled.");
    ran(installed)
        .exit(0)
        .says("'test' (regular) is scheduled in systemd: aam-backup-test.timer")
        .says("03:15:00")
        .says("has not run yet")
        .says("Try it now: systemctl --user start aam-backup-test.service")
        .says("loginctl enable-linger");
    // The installed unit, started by systemd itself, with the environment systemd gives it.
    ran(started).exit(0);
    assert_eq!(machine.backups().len(), 1, "{}\n{log}", ran(started));
    let after = ran(after);
    let told: serde_json::Value = serde_json::from_str(&after.exit(0).stdout).unwrap();
    assert_eq!(
        told["tasks"][0]["last-result"],
        serde_json::json!({"exit": 0}),
        "{after}"
    );
    assert_eq!(told["tasks"][0]["scheduler"], "systemd");
    ran(also)
        .exit(0)
        .says("aam-backup-test@incremental-only.timer")
        .says(":40:00");
    ran(replaced).exit(0).says("Sun ").says("04:15:00");
    ran(long).exit(1);
    ran(stopped).exit(0).says("stopped at the time limit");
    let logs = fs::read_dir(machine.path("state/logs")).unwrap();
    let logs: Vec<String> = logs
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    // It was asked to stop, and came to its report.
    let stopped =
        |log: &String| log.contains("running hooks.before") && log.contains("== Result ==");
    assert!(logs.iter().any(stopped), "{}", logs.join("\n"));
    ran(paused)
        .exit(0)
        .says("Paused in systemd: aam-backup-test.timer");
    ran(pausing)
        .exit(1)
        .says("the timer is not enabled")
        .says("next run:    none");
    ran(resumed).exit(0);
    ran(broken)
        .exit(1)
        .says("the timer is not started")
        .says("next run:    none");
    ran(failing).exit(1);
    ran(failed)
        .exit(1)
        .says("exit code 2: wrong command line or invalid profile");
    ran(removed)
        .exit(0)
        .says("aam-backup-test.timer")
        .says("aam-backup-test@incremental-only.service");
    ran(again).exit(0).says("Nothing to remove");
    ran(gone).exit(1).says("'test' is not scheduled.");
    let left = ran(left);
    assert!(
        left.stdout
            .lines()
            .next()
            .unwrap_or_default()
            .contains("0 unit files listed")
            || !left.stdout.contains("aam-"),
        "{left}"
    );
}
