//! The world of a history: a computer, perhaps a second one, its stores, their clock, and what is
//! in the profile.

mod paths;
mod tools;

use tools::{faketime, wrap_tools};

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::model::{Exclusions, Model};
use super::step::{Event, Fault, Setting, Step, Trouble};
use super::tree::{self, SOURCES};
use crate::property::dice::Dice;
use crate::support::harm::Mounted;
use crate::support::lab;
use crate::support::look::{Seen, look};
use crate::support::machine::{Machine, Ran};
use crate::support::proxy::Proxy;

pub const KEYS: [&str; 3] = [
    "the-first-key-of-all",
    "the-second-key-of-all",
    "a-third-key",
];
pub const MISTYPED: &str = "the-first-kye-of-all";

/// Numbers of stores.
pub const DIRECTORY: usize = 0;
pub const BUCKET: usize = 1;

/// What may be deleted from a mirror by one run.
const FEW: usize = 2;

/// Attributes and tags of files on Windows (`tests/windows/attributes.c`).
const REPARSE_POINTS: &str = "alias.x=0x0:0x8000001b:1920;deduplicated.x=0x200:0x80000013:0";

/// Names, with what tells whether they changed: size and time.
pub type Objects = BTreeMap<String, (u64, i64)>;

pub struct World {
    pub machine: Machine,
    pub proxy: Option<Arc<Proxy>>,
    pub model: Model,
    /// Seconds from the real time to that of the computers.
    pub clock: i64,
    sources: [bool; SOURCES],
    pub detached: [bool; SOURCES],
    pub exclusions: Exclusions,
    format_7z: bool,
    small_volumes: bool,
    force_full: usize,
    /// Of the mirror: `keep`, `delete`, or `delete` within [`FEW`].
    pub extra: usize,
    pub mirror: bool,
    pub directory: bool,
    pub key: usize,
    /// The key of the last backup, by host.
    pub last_key: [Option<usize>; 2],
    /// The stores may have backups with another key.
    pub is_rekeyed: bool,
    /// Who made the last backup, by store.
    pub owners: BTreeMap<usize, usize>,
    /// Something happened that may be told as a warning, until a run ends without trouble.
    pub unusual: bool,
    /// The clock may say less than the newest backup.
    pub set_back: bool,
    /// What is known of local state may be less than what was.
    pub forgetful: bool,
    disks: Vec<Mounted>,
    faketime: Option<PathBuf>,
    /// Where a run on Windows is held: it is told so by its environment.
    held_at: Option<PathBuf>,
}

impl World {
    pub fn new(dice: &mut Dice, steps: &[Step]) -> World {
        let mut machine = Machine::of_either_system();
        fs::remove_dir_all(machine.home()).unwrap();
        fs::create_dir(machine.home()).unwrap();
        let proxy = dice.percent(40).then(|| machine.add_bucket_behind_proxy());
        let is_odd = machine.is_windows() && dice.percent(40);
        if is_odd {
            fs::write(machine.path(tree::ODD), "").unwrap();
        }
        tree::plant(&machine);
        let needs_disks = steps.iter().any(|step| {
            matches!(step, Step::Run(run) if matches!(run.trouble, Some(Trouble::FullDisk(..))))
        });
        let mut disks = Vec::new();
        if needs_disks {
            for name in ["mirror", "store", "work"] {
                fs::remove_dir(machine.path(name)).unwrap();
                match Mounted::of_size(&machine.path(name), 8000) {
                    Some(disk) => disks.push(disk),
                    None => {
                        let _ = fs::create_dir(machine.path(name));
                    }
                }
            }
        }
        if !machine.is_windows() {
            wrap_tools(&mut machine);
        }
        let exclusions = Exclusions {
            windows: machine.is_windows(),
            ..Exclusions::default()
        };
        let faketime = faketime().filter(|_| !machine.is_windows());
        World {
            machine,
            proxy,
            model: Model::default(),
            // Long before now: files then never seem older than the backups that hold them.
            clock: -400 * 24 * 3600,
            sources: [true, true, dice.percent(50)],
            detached: [false; SOURCES],
            exclusions,
            format_7z: dice.percent(30),
            small_volumes: dice.percent(40),
            force_full: dice.below(3),
            extra: dice.below(3),
            mirror: dice.percent(70) && !is_odd,
            directory: true,
            key: 0,
            last_key: [None; 2],
            is_rekeyed: false,
            owners: BTreeMap::new(),
            unusual: false,
            set_back: false,
            forgetful: false,
            disks,
            faketime,
            held_at: None,
        }
    }

    pub fn sources(&self) -> Vec<PathBuf> {
        let listed = (0..SOURCES).filter(|n| self.sources[*n]);
        listed.map(|n| tree::source(&self.machine, n)).collect()
    }

    pub fn every_source(&self) -> Vec<PathBuf> {
        (0..SOURCES)
            .map(|n| tree::source(&self.machine, n))
            .collect()
    }

    /// Sources of the profile that are not there.
    pub fn missing(&self) -> Vec<PathBuf> {
        let gone = (0..SOURCES).filter(|n| self.sources[*n] && self.detached[*n]);
        gone.map(|n| tree::source(&self.machine, n)).collect()
    }

    /// The source on a mount of its own, if it is not in the profile.
    pub fn taken_out(&self) -> Option<PathBuf> {
        (!self.sources[tree::OTHER_MOUNT]).then(|| tree::source(&self.machine, tree::OTHER_MOUNT))
    }

    pub fn selected(&self) -> Seen {
        super::model::selected(&self.sources(), &self.exclusions)
    }

    /// Stores of the profile.
    pub fn stores(&self) -> Vec<usize> {
        let both = [(DIRECTORY, self.directory), (BUCKET, self.proxy.is_some())];
        both.into_iter()
            .filter(|(_, on)| *on)
            .map(|(store, _)| store)
            .collect()
    }

    pub fn store_name(store: usize) -> &'static str {
        ["directory", "s3"][store]
    }

    /// How many files a run may delete from the mirror.
    pub fn may_delete(&self) -> usize {
        [0, 1000, FEW][self.extra]
    }

    pub fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Source(n) => {
                let n = n % SOURCES;
                self.sources[n] = !self.sources[n];
                if self.sources == [false; SOURCES] {
                    self.sources[0] = true;
                }
            }
            Setting::Exclusion(n) => {
                let docs = tree::source(&self.machine, 0);
                let toggled = |now: &Option<PathBuf>, path| now.is_none().then(|| docs.join(path));
                let out = &mut self.exclusions;
                match n % 4 {
                    0 => out.cache = !out.cache,
                    1 => out.tmp = !out.tmp,
                    2 => out.directory = toggled(&out.directory, "sub/deep"),
                    _ => out.file = toggled(&out.file, "a.txt"),
                }
            }
            Setting::Format => self.format_7z = !self.format_7z,
            Setting::VolumeSize => self.small_volumes = !self.small_volumes,
            Setting::ForceFull(n) => self.force_full = n % 3,
            Setting::Extra(n) => self.extra = n % 3,
            Setting::Mirror => self.mirror = !self.mirror && !tree::is_odd(&self.machine),
            Setting::Directory => self.directory = !self.directory || self.proxy.is_none(),
            Setting::Key => {
                self.key = (self.key + 1) % KEYS.len();
                self.is_rekeyed = true;
            }
        }
    }

    pub fn befall(&mut self, event: Event) {
        match event {
            Event::StateLost => {
                for host in 0..2 {
                    let _ = fs::remove_dir_all(self.state(host).join("state"));
                }
                self.unusual = true;
                self.forgetful = true;
                self.last_key = [None; 2];
            }
            Event::StateDamaged(which, how) => {
                let state = self.state(0).join("state");
                let files: Vec<PathBuf> = look(&state)
                    .into_iter()
                    .filter(|(_, found)| found.kind == "file")
                    .map(|(path, _)| state.join(std::ffi::OsStr::from_bytes(&path)))
                    .collect();
                if let Some(file) = files.get(which % files.len().max(1)) {
                    let bytes = fs::read(file).unwrap();
                    let damaged = match how % 3 {
                        0 => bytes[..bytes.len() / 2].to_vec(),
                        1 => Vec::new(),
                        _ => vec![0; bytes.len()],
                    };
                    fs::write(file, damaged).unwrap();
                    self.unusual = true;
                    self.forgetful = true;
                }
            }
            Event::ObjectGone(store, which) => self.harm(store, which, false),
            Event::ObjectCut(store, which) => self.harm(store, which, true),
            Event::Clock(hours) => {
                if self.faketime.is_some() {
                    self.clock += i64::from(hours) * 3600;
                    self.set_back |= hours < 0;
                }
            }
            Event::Detached(n) => {
                let n = n % SOURCES;
                self.detached[n] = tree::detach(&self.machine, n);
                self.unusual = true;
            }
            Event::OtherProfile => {}
        }
    }

    /// Somebody deletes or cuts an object.
    fn harm(&mut self, store: usize, which: usize, cut: bool) {
        let stores = self.stores();
        let store = stores[store % stores.len()];
        let names: Vec<String> = self.objects(store).into_keys().collect();
        let Some(name) = names.get(which % names.len().max(1)) else {
            return;
        };
        match (store, cut) {
            (DIRECTORY, false) => fs::remove_file(self.machine.path("store").join(name)).unwrap(),
            (DIRECTORY, true) => {
                let path = self.machine.path("store").join(name);
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }
            _ => self.machine.remove_from_bucket(name),
        }
        let fields: Vec<&str> = name.split('_').collect();
        let set = fields[1..3].join("_");
        let stamp = if fields[3] == "0" {
            set.clone()
        } else {
            fields[3..5].join("_")
        };
        self.model.harmed.insert((store, set, stamp));
        self.unusual = true;
    }

    /// Names of a store's objects of this location, with what tells whether they changed.
    pub fn objects(&self, store: usize) -> Objects {
        let ours = format!("{}_", self.machine.profile.location);
        if store == BUCKET {
            let names = self.machine.in_bucket().into_iter();
            return names
                .filter(|n| n.starts_with(&ours))
                .map(|n| (n, (0, 0)))
                .collect();
        }
        let names = self
            .machine
            .stored()
            .into_iter()
            .filter(|n| n.starts_with(&ours));
        names
            .filter_map(|name| {
                let meta = fs::metadata(self.machine.path("store").join(&name)).ok()?;
                Some((name, (meta.len(), meta.mtime())))
            })
            .collect()
    }

    pub fn state(&self, host: usize) -> PathBuf {
        let state = self.machine.path(["state", "state-2"][host]);
        if host == 1 && !state.exists() {
            fs::create_dir_all(&state).unwrap();
            fs::write(state.join("machine"), "0123456789abcdef").unwrap();
        }
        state
    }

    /// The program, with the profile as it is now, on this computer, at the time of the world.
    pub fn command(&mut self, host: usize, key: &'static str, arguments: &[&str]) -> Command {
        self.write_profile();
        self.machine.key = key;
        let before = fs::read(self.machine.path("profile.yaml")).ok();
        let mut command = self.machine.command(arguments);
        if before != fs::read(self.machine.path("profile.yaml")).ok() {
            let now = SystemTime::now() - Duration::from_secs(self.clock.unsigned_abs());
            let now = filetime::FileTime::from_system_time(now);
            filetime::set_file_mtime(self.machine.path("profile.yaml"), now).unwrap();
        }
        command.env("AAM_BACKUP_STATE_DIR", self.said(&self.state(host)));
        if self.machine.is_windows() {
            command.env("AAM_LAB_ATTRIBUTES", REPARSE_POINTS);
        }
        if let Some(place) = &self.held_at {
            let [held, go] = ["held", "go"].map(|name| self.said(&place.join(name)));
            command.env("AAM_STANDIN_GATE", format!("|{held}|{go}"));
        }
        if let Some(library) = &self.faketime {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("{:+}s", self.clock))
                .env("NO_FAKE_STAT", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    /// Any command that takes the profile, to its end.
    pub fn aam(&mut self, host: usize, key: &'static str, verb: &str, more: &[&str]) -> Ran {
        let profile = self.said(&self.machine.path("profile.yaml"));
        let arguments = [&[verb, &profile], more].concat();
        Ran::of(lab::output(&mut self.command(host, key, &arguments)))
    }

    /// The program under `strace`, which makes a system call fail. Only that call is traced.
    pub fn failing(
        &mut self,
        fault: Fault,
        host: usize,
        key: &'static str,
        args: &[&str],
    ) -> Command {
        let plain = self.command(host, key, args);
        let what = match fault.error {
            "KILL" => "signal=KILL".to_owned(),
            error => format!("error={error}"),
        };
        let mut command = Command::new("strace");
        command.env_clear().current_dir("/");
        command.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e"]);
        command.arg(format!("trace={}", fault.call));
        command.args([
            "-e",
            &format!("inject={}:{what}:when={}", fault.call, fault.n),
        ]);
        command.arg(plain.get_program()).args(plain.get_args());
        command.envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
