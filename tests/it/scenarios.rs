//! What a backup does, day by day: one list of scenarios as data, and those that need something to happen in the middle.

mod cut_off;
mod list;
mod mirror;
mod round_trip;
mod trouble;

use std::collections::BTreeSet;

use crate::support::machine::Machine;

/// One thing that happens, or that must hold.
pub enum Step {
    /// Writes a file below `home`.
    Write(&'static str, &'static str),
    Delete(&'static str),
    Rename(&'static str, &'static str),
    /// Gives it a modification time of years ago.
    Old(&'static str),
    /// Anything else.
    Do(fn(&mut Machine)),
    /// A run with these arguments ends with this exit code and says all this.
    Run(&'static [&'static str], i32, &'static [&'static str]),
    /// The store holds this many backups with markers; the newest is full and holds exactly this.
    Full(usize, &'static [&'static str]),
    /// The newest is incremental.
    Incremental(usize, &'static [&'static str]),
    /// The mirror holds exactly these files of `home`.
    Mirror(&'static [&'static str]),
    /// This many entries of the newest manifests are carried over unseen.
    Unseen(usize),
}

/// Plays a scenario on a new machine.
pub fn play(steps: &[Step]) {
    let mut machine = Machine::of_either_system();
    for step in steps {
        one(&mut machine, step);
    }
}

fn one(machine: &mut Machine, step: &Step) {
    let home = machine.home();
    match step {
        Step::Write(path, content) => machine.write(path, content),
        Step::Delete(path) if home.join(path).is_dir() => std::fs::remove_dir_all(home.join(path)).unwrap(),
        Step::Delete(path) => std::fs::remove_file(home.join(path)).unwrap(),
        Step::Rename(from, to) => std::fs::rename(home.join(from), home.join(to)).unwrap(),
        Step::Old(path) => machine.make_old(path),
        Step::Do(action) => action(machine),
        Step::Run(arguments, code, phrases) => {
            let ran = machine.run(arguments);
            ran.exit(*code);
            phrases.iter().for_each(|phrase| {
                ran.says(&machine.said(phrase));
            });
        }
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
            assert_eq!(manifests.matches("\"unseen\":true").count(), *count, "{manifests}");
        }
    }
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
