//! What can happen in a history. A step means something in every world, so that any of them can be
//! left out: one that does not apply does nothing.

use crate::property::dice::Dice;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Tree(Change),
    Profile(Setting),
    World(Event),
    Run(Run),
    /// An older state of a store is restored.
    Look(usize),
}

/// Numbers choose a file, directory, content or time, whatever exists.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// New content, now.
    Write(usize, usize),
    /// New content with the same size and modification time.
    Patch(usize, usize),
    /// Two files exchange their names.
    Swap(usize, usize),
    SwapDirectories(usize, usize),
    /// A file or directory is called the same but for case.
    Case(usize),
    Move(usize, usize),
    /// A file that is years old is moved in.
    OldFile(usize, usize),
    OldDirectory(usize, usize),
    Delete(usize),
    DeleteDirectory(usize),
    EmptyDirectory(usize),
    DirectoryBecomesFile(usize),
    FileBecomesDirectory(usize),
    Mode(usize, usize),
    Touch(usize, usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Setting {
    /// A source comes or goes.
    Source(usize),
    Exclusion(usize),
    Format,
    VolumeSize,
    ForceFull(usize),
    /// What happens to extra files in the mirror.
    Extra(usize),
    /// The mirror comes or goes.
    Mirror,
    /// The directory store comes or goes, if there is a bucket.
    Directory,
    /// Another archive key, which the next run is told of.
    Key,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    StateLost,
    /// A file of local state is cut, emptied or overwritten.
    StateDamaged(usize, usize),
    /// An object of a store is gone.
    ObjectGone(usize, usize),
    /// An object of a store has lost its end.
    ObjectCut(usize, usize),
    /// The clock moves by hours.
    Clock(i32),
    /// A source is not attached any more, or is again.
    Detached(usize),
    /// Another profile is run at this location.
    OtherProfile,
}

#[derive(Clone, Debug, Default)]
pub struct Run {
    pub incremental_only: bool,
    pub force_full: bool,
    /// To this destination only.
    pub only: Option<usize>,
    /// By the other computer, which adopts what is there.
    pub other_host: bool,
    /// With a key that is not the archive key.
    pub mistyped: bool,
    pub trouble: Option<Trouble>,
}

#[derive(Clone, Debug)]
pub enum Trouble {
    /// It is killed after this many milliseconds.
    Kill(u64),
    /// It is killed when it starts a tool for the n-th time.
    KillAtTool(usize),
    /// The tree changes when it starts a tool for the n-th time.
    ChangeAtTool(usize, Change),
    /// One of three disks has this many KiB left.
    FullDisk(usize, usize),
    /// The n-th request to the bucket and all later ones fail, in one of several ways.
    Cut(usize, usize),
    /// Another run starts at the same time.
    Beside,
    /// A system call fails.
    Fault(Fault),
}

/// A kind of system call that fails when a process of the run makes it for the n-th time.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub call: &'static str,
    /// The name of an error, or `KILL`: the process is killed there.
    pub error: &'static str,
    pub n: usize,
}

/// Half of `most` steps or more; half of them are runs.
pub fn history(dice: &mut Dice, most: usize) -> Vec<Step> {
    let length = dice.between(most / 2, most);
    let mut steps = vec![Step::Run(Run::default())];
    while steps.len() < length {
        match dice.below(100) {
            0..36 => {
                steps.push(Step::Tree(change(dice)));
                while dice.percent(40) {
                    steps.push(Step::Tree(change(dice)));
                }
            }
            36..48 => steps.push(Step::Profile(setting(dice))),
            48..60 => steps.push(Step::World(event(dice))),
            60..64 => steps.push(Step::Look(dice.below(100))),
            _ => steps.push(Step::Run(run(dice))),
        }
    }
    steps
}

pub fn change(dice: &mut Dice) -> Change {
    let (a, b) = (dice.below(100), dice.below(100));
    match dice.below(16) {
        0 | 1 => Change::Write(a, b),
        2 => Change::Patch(a, b),
        3 => Change::Swap(a, b),
        4 => Change::SwapDirectories(a, b),
        5 => Change::Case(a),
        6 => Change::Move(a, b),
        7 => Change::OldFile(a, b),
        8 => Change::OldDirectory(a, b),
        9 => Change::Delete(a),
        10 => Change::DeleteDirectory(a),
        11 => Change::EmptyDirectory(a),
        12 => Change::DirectoryBecomesFile(a),
        13 => Change::FileBecomesDirectory(a),
        14 => Change::Mode(a, b),
        _ => Change::Touch(a, b),
    }
}

fn setting(dice: &mut Dice) -> Setting {
    let number = dice.below(100);
    match dice.below(11) {
        0 | 1 => Setting::Source(number),
        2 | 3 => Setting::Exclusion(number),
        4 => Setting::Format,
        5 => Setting::VolumeSize,
        6 => Setting::ForceFull(number),
        7 => Setting::Extra(number),
        8 => Setting::Mirror,
        9 => Setting::Directory,
        _ => Setting::Key,
    }
}

fn event(dice: &mut Dice) -> Event {
    let (a, b) = (dice.below(100), dice.below(100));
    match dice.below(11) {
        0 => Event::StateLost,
        1 => Event::StateDamaged(a, b),
        2 => Event::ObjectGone(a, b),
        3 => Event::ObjectCut(a, b),
        4..7 => Event::Clock(*dice.pick(&[5, 24, 200, 800, 3000, -1, -20, -50, -700])),
        7..10 => Event::Detached(a),
        _ => Event::OtherProfile,
    }
}

fn run(dice: &mut Dice) -> Run {
    let trouble = match dice.below(100) {
        0..8 => Some(Trouble::Kill(dice.below(600) as u64)),
        8..16 => Some(Trouble::KillAtTool(dice.between(1, 7))),
        16..30 => Some(Trouble::ChangeAtTool(dice.between(1, 7), change(dice))),
        30..36 => Some(Trouble::FullDisk(
            dice.below(3),
            *dice.pick(&[0, 4, 16, 64]),
        )),
        36..46 => Some(Trouble::Cut(dice.between(1, 14), dice.below(4))),
        46..48 => Some(Trouble::Beside),
        _ => None,
    };
    Run {
        incremental_only: dice.percent(15),
        force_full: dice.percent(10),
        only: dice.percent(15).then(|| dice.below(3)),
        other_host: dice.percent(6),
        mistyped: dice.percent(4),
        trouble,
    }
}
