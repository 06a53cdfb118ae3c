//! What a backup does, day by day: one list of scenarios as data, and those that need something to
//! happen in the middle.

mod changing;
mod cut_off;
mod home;
mod killed;
pub mod list;
mod mirror;
mod mirror_truth;
mod own_places;
mod quiet;
mod round_trip;
mod stream;
mod trouble;
mod unfinished;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::lab;
use crate::support::look::{differences, look};
use crate::support::machine::{Machine, Ran};

/// One thing that happens, or that must hold.
pub enum Step {
    /// Writes a file below `home`.
    Write(&'static str, &'static str),
    Delete(&'static str),
    Rename(&'static str, &'static str),
    /// Gives it a modification time of years ago.
    Old(&'static str),
    /// The file cannot be read, or can be again.
    Unreadable(&'static str),
    Readable(&'static str),
    /// A run that is killed, as by a crash of the computer, when the first of two mounts is
    /// archived.
    Killed,
    /// A run that somebody ends by Ctrl-C at the same place; it says all this.
    Interrupted(&'static [&'static str]),
    /// A run that is started while another is at that place: it ends with this exit code and says
    /// all this. The other ends well.
    Beside(&'static [&'static str], i32, &'static [&'static str]),
    /// The same, but the second run is ended by nobody and waits for the first; both end well.
    Waits,
    /// From now on archives are made on a disk of this many KiB. Where none can be mounted, what
    /// follows is left out.
    SmallDisk(u32),
    /// Anything else.
    Do(fn(&mut Machine)),
    /// A run with these arguments ends with this exit code and says all this.
    Run(&'static [&'static str], i32, &'static [&'static str]),
    /// A restore of everything with these arguments into a new directory ends with this exit code
    /// and says all this.
    Restore(&'static [&'static str], i32, &'static [&'static str]),
    /// The same by somebody who has nothing but the bucket's name and the key.
    Bare(&'static [&'static str], i32, &'static [&'static str]),
    /// What the last restore brought back is `home` as it is now.
    Back,
    /// What follows is for Unix only, because of this.
    OnlyUnix(&'static str),
    /// The store holds this many backups with markers; the newest is full and holds exactly this.
    Full(usize, &'static [&'static str]),
    /// The newest is incremental.
    Incremental(usize, &'static [&'static str]),
    /// The mirror holds exactly these files of `home`.
    Mirror(&'static [&'static str]),
    /// The newest manifests list it.
    Manifested(&'static str),
    /// This many entries of the newest manifests are carried over unseen.
    Unseen(usize),
}

/// Plays a scenario on a new machine.
pub fn play(steps: &[Step]) {
    lab::unless_wine_dies(|| play_once(steps));
}

fn play_once(steps: &[Step]) {
    let mut machine = Machine::of_either_system();
    for step in steps {
        if let (Step::OnlyUnix(why), true) = (step, machine.is_windows()) {
            println!("left out on Windows from here on: {why}");
            return;
        }
        if let Step::SmallDisk(size) = step
            && !machine.make_small_disk(*size)
        {
            return;
        }
        one(&mut machine, step);
    }
}

fn one(machine: &mut Machine, step: &Step) {
    let home = machine.home();
    match step {
        Step::Write(path, content) => machine.write(path, content),
        Step::Delete(path) if home.join(path).is_dir() => {
            std::fs::remove_dir_all(home.join(path)).unwrap()
        }
        Step::Delete(path) => std::fs::remove_file(home.join(path)).unwrap(),
        Step::Rename(from, to) => std::fs::rename(home.join(from), home.join(to)).unwrap(),
        Step::Old(path) => machine.make_old(path),
        Step::Unreadable(path) => machine.make_unreadable(path),
        Step::Readable(path) => machine.make_readable(path),
        Step::Killed => {
            let held = machine.hold_at_second_mount();
            machine.kill(held);
        }
        Step::Interrupted(phrases) => {
            let held = machine.hold_at_second_mount();
            says(machine, &held.interrupt(), 130, phrases);
            assert_eq!(
                machine.left_over(),
                Vec::<PathBuf>::new(),
                "work files are removed"
            );
        }
        Step::Beside(arguments, code, phrases) => {
            let held = machine.hold_at_second_mount();
            says(machine, &machine.aam("run", arguments), *code, phrases);
            held.go_on().exit(0);
        }
        Step::Waits => {
            let held = machine.hold_at_second_mount();
            let waiting = machine.start_and_wait_for("another backup is running (");
            held.go_on().exit(0);
            waiting.end().exit(0);
        }
        Step::Do(action) => action(machine),
        Step::Run(arguments, code, phrases) => {
            says(machine, &machine.run(arguments), *code, phrases)
        }
        Step::Restore(arguments, code, phrases) => {
            let to = machine.profile.said(&machine.nothing_restored());
            let arguments = [&["--to", &to, "--layout", "original"], *arguments].concat();
            says(machine, &machine.aam("restore", &arguments), *code, phrases);
        }
        Step::Bare(arguments, code, phrases) => {
            let to = machine.profile.said(&machine.nothing_restored());
            let arguments = [&["--to", &to, "--layout", "original"], *arguments].concat();
            says(machine, &machine.restore_bare(&arguments), *code, phrases);
        }
        Step::Back => {
            // Times are kept by 7-Zip in steps of 100 ns, and Windows has no modes.
            let [expected, found] = [
                look(&home),
                look(&machine.below(&machine.path("back"), &home)),
            ]
            .map(|mut seen| {
                for entry in seen.values_mut() {
                    entry.modified /= 100;
                    entry.mode = if machine.is_windows() { 0 } else { entry.mode };
                }
                seen
            });
            assert_eq!(differences(&expected, &found), Vec::<String>::new());
        }
        Step::OnlyUnix(_) | Step::SmallDisk(_) => {}
        Step::Manifested(path) => assert!(
            machine.manifests().contains(path),
            "{}",
            machine.manifests()
        ),
        Step::Full(count, paths) | Step::Incremental(count, paths) => {
            let backups = machine.backups();
            assert_eq!(backups.len(), *count, "{backups:?}");
            let full = matches!(step, Step::Full(..));
            assert_eq!(backups.last().map(|b| b.full), Some(full), "{backups:?}");
            assert_eq!(machine.archived(), set(paths));
        }
        Step::Mirror(paths) => assert_eq!(machine.mirrored(), set(paths)),
        Step::Unseen(count) => {
            let manifests = machine.manifests();
            assert_eq!(
                manifests.matches("\"unseen\":true").count(),
                *count,
                "{manifests}"
            );
        }
    }
}

fn says(machine: &Machine, ran: &Ran, code: i32, phrases: &[&str]) {
    ran.exit(code);
    phrases.iter().for_each(|phrase| {
        ran.says(&machine.said(phrase));
    });
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
