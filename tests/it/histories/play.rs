//! Plays a history, and holds the program to what must hold after every step.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use super::judge;
use super::model::Backup;
use super::step::{Event, Run, Step, Trouble};
use super::tree;
use super::world::{BUCKET, DIRECTORY, KEYS, MISTYPED, Objects, World};
use crate::property::dice::Dice;
use crate::support::lab;
use crate::support::look::Seen;
use crate::support::machine::Ran;
use crate::support::proxy::Fault;

/// Longer than any run of a history; who exceeds it hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// All steps on a new world, and at the end two runs that nothing disturbs. What is wrong, if
/// anything.
pub fn play(seed: u64, index: u64, steps: &[Step]) -> Result<(), String> {
    let mut world = World::new(&mut Dice::new(seed ^ 0x5eed, index), steps);
    for (n, step) in steps.iter().enumerate() {
        one(&mut world, step).map_err(|why| format!("step {n}, {step:?}: {why}"))?;
    }
    the_end(&mut world).map_err(|why| format!("at the end: {why}"))
}

pub fn one(world: &mut World, step: &Step) -> Result<(), String> {
    match step {
        Step::Tree(change) => tree::change(&world.machine, *change),
        Step::Profile(setting) => world.set(*setting),
        Step::World(Event::OtherProfile) => other_profile(world)?,
        Step::World(event) => world.befall(*event),
        Step::Run(run) => self::run(world, run)?,
        Step::Look(which) => judge::an_older_state(world, *which)?,
    }
    Ok(())
}

/// Everything is attached again; then a run succeeds without help, a second one has nothing to do,
/// and every state that is offered can be restored.
fn the_end(world: &mut World) -> Result<(), String> {
    for n in 0..tree::SOURCES {
        if world.detached[n] {
            world.befall(Event::Detached(n));
        }
    }
    run(world, &Run::default())?;
    run(world, &Run::default())?;
    for store in world.stores() {
        judge::all_states(world, store)?;
    }
    Ok(())
}

/// What was there before a run.
struct Before {
    tree: Seen,
    mirror: Seen,
    objects: Vec<(usize, Objects)>,
}

fn run(world: &mut World, run: &Run) -> Result<(), String> {
    let host = usize::from(run.other_host);
    let adopt = world.owners.values().any(|owner| *owner != host);
    let mistyped = run.mistyped
        && !world.forgetful
        && !adopt
        && world.last_key[host].is_some_and(|key| key == world.key);
    let only = only(world, run);
    let archives = only.as_deref().is_none_or(|only| only != "mirror");
    // Without local state, or of another computer, the key of the last backup is that of the stores.
    let new_key = world.last_key[host].is_some_and(|key| key != world.key)
        || world.is_rekeyed && (world.forgetful || adopt);
    let mut arguments: Vec<&str> = Vec::new();
    let flags = [
        (
            run.incremental_only,
            ["--mode", "incremental-only"].as_slice(),
        ),
        (run.force_full, &["--force-full"]),
        (adopt, &["--adopt"]),
        (new_key && archives, &["--new-key"]),
    ];
    flags
        .iter()
        .filter(|(on, _)| *on)
        .for_each(|(_, flag)| arguments.extend(*flag));
    if let Some(only) = &only {
        arguments.extend(["--destination", only]);
    }
    let before = Before {
        tree: world.selected(),
        mirror: world.mirrored(),
        objects: world
            .stores()
            .into_iter()
            .map(|s| (s, world.objects(s)))
            .collect(),
    };
    world.model.saw(&before.tree);
    let key = if mistyped { MISTYPED } else { KEYS[world.key] };
    let trouble = run.trouble.as_ref().filter(|_| !mistyped);
    let ran = carry_out(world, host, key, &arguments, trouble)?;
    let after = world.selected();
    world.model.saw(&after);
    let told = format!("run {arguments:?} as {host}, {trouble:?}\n{ran}");
    let outcome = Outcome {
        run,
        host,
        mistyped,
        adopt,
        only,
        archives,
        changed: matches!(trouble, Some(Trouble::ChangeAtTool(..))),
        troubled: trouble
            .is_some_and(|t| !matches!(t, Trouble::Beside | Trouble::ChangeAtTool(..))),
    };
    judged(world, &outcome, &before, &after, &ran).map_err(|why| format!("{why}\n{told}"))
}

struct Outcome<'a> {
    run: &'a Run,
    host: usize,
    mistyped: bool,
    adopt: bool,
    only: Option<String>,
    archives: bool,
    /// The tree changed meanwhile.
    changed: bool,
    /// It may fail.
    troubled: bool,
}

fn judged(
    world: &mut World,
    outcome: &Outcome<'_>,
    before: &Before,
    after: &Seen,
    ran: &Ran,
) -> Result<(), String> {
    if ran.stderr.contains("panicked") {
        return Err("it panicked".to_owned());
    }
    let missing = world.missing();
    if let Some(stamp) = stamp_of(ran) {
        let mut backup = Backup::new(&before.tree, after);
        backup.unseen.clone_from(&missing);
        backup.taken_out = world.taken_out();
        backup.exclusions = world.exclusions.clone();
        backup.key = world.key;
        backup.host = outcome.host;
        backup.told = (ran.code != Some(0)).then(|| ran.to_string());
        if outcome.changed {
            backup.forgive();
        }
        if outcome.mistyped {
            return Err("a mistyped key was taken for a new one".to_owned());
        }
        world.model.backups.insert(stamp, backup);
    }
    judge::nothing_was_lost(world, &before.objects)?;
    judge::the_mirror_was_guarded(world, &before.mirror, ran)?;
    let guard = world.mirror && judge::too_many_to_delete(world, &before.mirror);
    let may_fail = outcome.troubled
        || outcome.mistyped
        || !missing.is_empty()
        || guard
        || outcome.run.incremental_only;
    let may_warn = may_fail
        || world.unusual
        || outcome.changed
        || outcome.adopt
        || outcome.only.is_some()
        || world.extra == 0
        || world.set_back;
    match ran.code {
        Some(0) if outcome.mistyped => return Err("a mistyped key is no success".to_owned()),
        Some(0) if !missing.is_empty() => {
            return Err("success, although a source is missing".to_owned());
        }
        Some(0) => {}
        Some(3) if may_warn => {}
        Some(1) if may_fail => {}
        // The program, or its profile, could not even be read.
        Some(2 | 4 | 127) if matches!(outcome.run.trouble, Some(Trouble::Fault(_))) => {}
        None if outcome.troubled => {}
        code => return Err(format!("it must not end with {code:?}")),
    }
    let whole = matches!(ran.code, Some(0 | 3));
    if whole && outcome.archives && stamp_of(ran).is_some() {
        world.last_key[outcome.host] = Some(world.key);
        let used = world.stores().into_iter();
        let used = used.filter(|s| {
            outcome
                .only
                .as_deref()
                .is_none_or(|o| o == World::store_name(*s))
        });
        let (used, stamp) = (used.collect::<Vec<_>>(), stamp_of(ran).unwrap_or_default());
        for store in &used {
            world.owners.insert(*store, outcome.host);
            judge::the_newest_state(world, *store, &stamp, ran)?;
        }
        judge::the_newest_of_all(world, &used, &stamp)?;
        if !outcome.changed && outcome.only.is_none() && !outcome.run.incremental_only {
            world.unusual = false;
            world.forgetful = false;
        }
    } else if let Some(stamp) = stamp_of(ran) {
        // It may have got as far as its markers, or to the note of its key.
        let known = world.owners.values().all(|owner| *owner == outcome.host);
        let is_marker = |key: &String| key.contains("_yes_") && key.contains(&*stamp);
        for store in world.stores() {
            if known || world.objects(store).keys().any(is_marker) {
                world.owners.insert(store, outcome.host);
            }
        }
        world.unusual = true;
    } else if outcome.troubled {
        world.unusual = true;
    }
    let mirrored = outcome.only.as_deref().is_none_or(|only| only == "mirror");
    if ran.code == Some(0) && world.mirror && mirrored && !outcome.changed {
        judge::the_mirror_is_whole(world, after)?;
    }
    Ok(())
}

/// The destination that a run is limited to, of those in the profile.
fn only(world: &World, run: &Run) -> Option<String> {
    let mut names: Vec<&str> = world.stores().into_iter().map(World::store_name).collect();
    names.extend(world.mirror.then_some("mirror"));
    run.only.map(|n| names[n % names.len()].to_owned())
}

/// The name of the backup that a run says it makes.
pub fn stamp_of(ran: &Ran) -> Option<String> {
    let all = [&ran.stdout, &ran.stderr];
    let mut lines = all.into_iter().flat_map(|text| text.lines());
    let line = lines.find_map(|line| line.trim().strip_prefix("this backup: "))?;
    Some(line.split_once(", ")?.1.to_owned())
}

/// Runs the program with what troubles it.
fn carry_out(
    world: &mut World,
    host: usize,
    key: &'static str,
    arguments: &[&str],
    trouble: Option<&Trouble>,
) -> Result<Ran, String> {
    let profile = world.said(&world.machine.path("profile.yaml"));
    let all = [&["run", &profile], arguments].concat();
    let mut filler: Option<PathBuf> = None;
    let mut beside = None;
    match trouble {
        Some(Trouble::KillAtTool(n) | Trouble::ChangeAtTool(n, _)) => world.hold_at_tool(*n),
        Some(Trouble::FullDisk(disk, leave)) => filler = world.fill(*disk, *leave),
        Some(Trouble::Cut(n, how)) => cut(world, *n, *how),
        Some(Trouble::Beside) => {
            let child = world.command(host, key, &all).spawn().unwrap();
            beside = Some(child);
        }
        Some(Trouble::Kill(_) | Trouble::Fault(_)) | None => {}
    }
    let mut command = match trouble {
        Some(Trouble::Fault(fault)) => world.failing(*fault, host, key, &all),
        _ => world.command(host, key, &all),
    };
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let (mut pending, mut killed) = (true, false);
    // Wine takes its time to start anything.
    let slowness = if world.machine.is_windows() { 15 } else { 1 };
    // Its output fits into the pipes: it is read when it has ended.
    while child.try_wait().unwrap().is_none() {
        match trouble {
            Some(Trouble::Kill(after))
                if started.elapsed() >= Duration::from_millis(*after * slowness) =>
            {
                killed = true;
                world.machine.kill_run(&mut child);
            }
            Some(Trouble::KillAtTool(_)) if world.is_held() => {
                killed = true;
                world.machine.kill_run(&mut child);
            }
            Some(Trouble::ChangeAtTool(_, change)) if pending && world.is_held() => {
                pending = false;
                tree::change(&world.machine, *change);
                world.let_go();
                world.machine.path("tools/held").exists().then(|| {
                    fs::remove_file(world.machine.path("tools/held")).unwrap();
                });
            }
            _ => {}
        }
        if started.elapsed() > PATIENCE {
            world.machine.kill_run(&mut child);
            return Err(format!(
                "it hangs: {}",
                Ran::of(child.wait_with_output().unwrap())
            ));
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    let mut ran = Ran::of(child.wait_with_output().unwrap());
    if killed {
        ran.code = None;
    }
    let other: Option<Child> = beside;
    if let Some(other) = other {
        let other = Ran::of(other.wait_with_output().unwrap());
        note_other(world, host, &other)?;
    }
    filler
        .into_iter()
        .for_each(|filler| fs::remove_file(filler).unwrap());
    if let Some(proxy) = &world.proxy {
        proxy.heal();
    }
    world.forget_holds();
    Ok(ran)
}

/// The run that was started before.
fn note_other(world: &mut World, host: usize, ran: &Ran) -> Result<(), String> {
    let tree = world.selected();
    if let Some(stamp) = stamp_of(ran) {
        let mut backup = Backup::new(&tree, &tree);
        backup.unseen = world.missing();
        backup.taken_out = world.taken_out();
        backup.exclusions = world.exclusions.clone();
        backup.key = world.key;
        backup.host = host;
        backup.told = (ran.code != Some(0)).then(|| ran.to_string());
        world.model.backups.insert(stamp, backup);
    }
    match ran.code {
        Some(0 | 1 | 3) => Ok(()),
        code => Err(format!("the other run ended with {code:?}\n{ran}")),
    }
}

/// From the n-th request on nothing gets through.
fn cut(world: &World, n: usize, how: usize) {
    let Some(proxy) = &world.proxy else { return };
    let left = std::sync::atomic::AtomicUsize::new(n);
    let is_cut = move |_: &crate::support::proxy::Request| {
        let mut spare = left.load(std::sync::atomic::Ordering::SeqCst);
        spare = spare.saturating_sub(1);
        left.store(spare, std::sync::atomic::Ordering::SeqCst);
        spare == 0
    };
    let fault = match how {
        0 => Fault::s3(403, "AccessDenied", "Access Denied"),
        1 => Fault::LoseAnswer,
        2 => Fault::CutRequest(0),
        _ => Fault::Reply(200, Vec::new(), String::new()),
    };
    proxy.spoil_when(is_cut, usize::MAX, fault);
}

/// Another profile at the same location: refused, and nothing is written.
fn other_profile(world: &mut World) -> Result<(), String> {
    let is_own = |store| world.owners.get(&store) == Some(&0);
    if !world.stores().into_iter().all(is_own) || world.forgetful {
        return Ok(());
    }
    let stores = [DIRECTORY, BUCKET]
        .into_iter()
        .filter(|s| world.stores().contains(s));
    let before: Vec<_> = stores.map(|s| (s, world.objects(s))).collect();
    drop(world.command(0, KEYS[world.key], &["check"]));
    let text = fs::read_to_string(world.machine.path("profile.yaml")).unwrap();
    let other = world.machine.path("other.yaml");
    fs::write(&other, text.replace("name: test", "name: another")).unwrap();
    let key = world.last_key[0].unwrap_or(world.key);
    let only = World::store_name(before[0].0);
    let other = world.said(&other);
    let arguments = ["run", &other, "--destination", only];
    let ran = Ran::of(lab::output(&mut world.command(0, KEYS[key], &arguments)));
    if ran.code != Some(1) {
        return Err(format!(
            "another profile at this location was not refused\n{ran}"
        ));
    }
    for (store, objects) in before {
        if world.objects(store) != objects {
            return Err(format!("another profile wrote to the store\n{ran}"));
        }
    }
    Ok(())
}
