//! What must hold after every step.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::model::Backup;
use super::step::Fault;
use super::tree;
use super::world::{DIRECTORY, KEYS, Objects, World};
use crate::support::look::{Seen, look};
use crate::support::machine::Ran;

/// A state that a store offers: its set and its stamp.
type State = (String, String);

/// What is there to be restored, as `sets` says, oldest first.
fn offered(world: &mut World, store: usize) -> Result<Vec<State>, String> {
    let from = World::store_name(store);
    let key = KEYS[world.key];
    let ran = world.aam(0, key, "sets", &["--from", from, "--format", "json"]);
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(&ran.stdout);
    let (Some(0 | 3), Ok(stores)) = (ran.code, parsed) else {
        return Err(format!("sets failed\n{ran}"));
    };
    let mut states = Vec::new();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for set in list(&stores["stores"])
        .iter()
        .flat_map(|store| list(&store["sets"]))
    {
        if set["complete"] != true {
            continue;
        }
        states.push((text(&set["full"]), text(&set["full"])));
        for backup in list(&set["incrementals"]) {
            if backup["complete"] == true {
                states.push((text(&set["full"]), text(&backup["stamp"])));
            }
        }
    }
    Ok(states)
}

/// Right after a run that ended well: the newest state is that of the run.
pub fn the_newest_state(
    world: &mut World,
    store: usize,
    stamp: &str,
    ran: &Ran,
) -> Result<(), String> {
    let states = offered(world, store)?;
    let Some((set, _)) = states.iter().find(|(_, s)| s == stamp) else {
        return Err(format!(
            "the run ended with {:?}, and its backup is not in store {store}: {states:?}",
            ran.code
        ));
    };
    restores(world, Some(store), &(set.clone(), stamp.to_owned()), false)
}

/// The same without naming a store, whichever has it.
pub fn the_newest_of_all(world: &mut World, used: &[usize], stamp: &str) -> Result<(), String> {
    let Some(store) = used.first().filter(|_| world.stores().len() > 1) else {
        return Ok(());
    };
    let states = offered(world, *store)?;
    match states.iter().find(|(_, s)| s == stamp) {
        Some(state) => restores(world, None, &state.clone(), false),
        None => Ok(()),
    }
}

/// One of the states of a store.
pub fn an_older_state(world: &mut World, which: usize) -> Result<(), String> {
    let stores = world.stores();
    let store = stores[which % stores.len()];
    let states = offered(world, store)?;
    match states.get(which % states.len().max(1)) {
        Some(state) => restores(world, Some(store), state, true),
        None => Ok(()),
    }
}

pub fn all_states(world: &mut World, store: usize) -> Result<(), String> {
    for state in offered(world, store)? {
        restores(world, Some(store), &state, true)?;
    }
    Ok(())
}

/// Whatever the last run said: the newest state of each store comes back.
pub fn the_last_good_backup(world: &mut World) -> Result<(), String> {
    for store in world.stores() {
        let states = offered(world, store)?;
        let newest = states.iter().max_by_key(|(_, stamp)| stamp.clone());
        let newest = newest.ok_or("nothing can be restored any more")?;
        restores(world, Some(store), &newest.clone(), true)?;
    }
    Ok(())
}

/// A restore in which a system call fails says so, and goes on when it is started again.
pub fn a_restore_that_fails(world: &mut World, fault: Fault) -> Result<(), String> {
    let states = offered(world, DIRECTORY)?;
    let (set, stamp) = states.last().cloned().ok_or("nothing to restore")?;
    let backup = world.model.backups[&stamp].clone();
    let to = world.machine.nothing_restored();
    let profile = world.said(&world.machine.path("profile.yaml"));
    let said = world.said(&to);
    let arguments = ["restore", &profile, "--exact", "--layout", "original"];
    let arguments = [&arguments[..], &["--to", &said]].concat();
    let before = world.objects(DIRECTORY);
    let mut first = String::new();
    for with in [true, false] {
        let mut command = match with {
            true => world.failing(fault, 0, KEYS[backup.key], &arguments),
            false => world.command(0, KEYS[backup.key], &arguments),
        };
        let ran = Ran::of(command.output().unwrap());
        let wrong = world
            .model
            .differences(&set, &stamp, &came_back(world, &to, &backup));
        let lines: Vec<&str> = wrong.iter().map(|(_, line)| line.as_str()).collect();
        if ran.stderr.contains("panicked") {
            return Err(format!("it panicked\n{ran}"));
        }
        match ran.code {
            Some(0) if wrong.is_empty() => return Ok(()),
            // Done, with warnings: a time that could not be set, a log that could not be written.
            Some(3) if wrong.iter().all(|(path, _)| names(&ran, path)) => return Ok(()),
            Some(0 | 3) => return Err(format!("success, but\n{}\n{ran}", lines.join("\n"))),
            _ if with => first = ran.to_string(),
            _ => {
                return Err(format!(
                    "the same command does not go on: {}\n{first}\n{ran}",
                    lines.join("\n")
                ));
            }
        }
        if world.objects(DIRECTORY) != before {
            return Err(format!("a restore changed the store\n{ran}"));
        }
    }
    Ok(())
}

/// Whether a path is in what a run said.
fn names(ran: &Ran, path: &[u8]) -> bool {
    let path = String::from_utf8_lossy(path);
    [&ran.stdout, &ran.stderr]
        .iter()
        .any(|text| text.contains(&*path))
}

/// What a state brings back is what the model says.
fn restores(
    world: &mut World,
    store: Option<usize>,
    state: &State,
    at: bool,
) -> Result<(), String> {
    let (set, stamp) = state;
    let Some(backup) = world.model.backups.get(stamp).cloned() else {
        return Err(format!(
            "{stamp} is offered, and no run said that it makes it"
        ));
    };
    let to = world.machine.nothing_restored();
    let said = world.said(&to);
    let mut arguments = vec!["--exact", "--layout", "original", "--to", &said];
    if let Some(store) = store {
        arguments.extend(["--from", World::store_name(store)]);
    }
    if at {
        arguments.extend(["--at", stamp]);
    }
    let ran = world.aam(backup.host, KEYS[backup.key], "restore", &arguments);
    let back = came_back(world, &to, &backup);
    let wrong = world.model.differences(set, stamp, &back);
    let lines: Vec<&str> = wrong.iter().map(|(_, line)| line.as_str()).collect();
    let why = |text: &str| {
        Err(format!(
            "{text}: store {store:?}, the state {stamp} of the set {set}, at: {at}\n{}\n{ran}",
            lines.join("\n")
        ))
    };
    let stores = store.map_or_else(|| world.stores(), |store| vec![store]);
    let harmed = stores
        .iter()
        .any(|store| world.model.is_harmed(*store, set, stamp));
    let text = backup.told.iter().map(String::as_str);
    let text: String = text
        .chain([ran.stdout.as_str(), ran.stderr.as_str()])
        .collect();
    let from_before = back.keys().any(|path| backup.is_taken_out(path));
    if from_before && !text.contains("it is restored as of the last one that has it") {
        return why("what was taken out of the profile comes back, and nothing says so");
    }
    let unnamed = wrong.iter().find(|(path, _)| !is_named(world, path, &text));
    match (ran.code, unnamed) {
        (Some(0 | 3), _) if wrong.is_empty() => Ok(()),
        (Some(1 | 3), _) if harmed => Ok(()),
        // The run named what is not in it.
        (Some(0 | 3), None) if backup.told.is_some() => Ok(()),
        (Some(1), None) if backup.told.is_some() && !wrong.is_empty() => Ok(()),
        (Some(0), _) => why("success, and what came back is not what was backed up"),
        (_, Some((path, _))) => why(&format!("{} is not named", String::from_utf8_lossy(path))),
        _ => why("a state that is offered does not come back"),
    }
}

/// Whether a path, or a directory of the source above it, stands in what was said. A directory
/// that is only the parent of something named gets another time.
fn is_named(world: &World, path: &[u8], text: &str) -> bool {
    let text = &world.as_here(text);
    let path = Path::new(OsStr::from_bytes(path));
    let inside = |above: &&Path| {
        world
            .every_source()
            .iter()
            .any(|source| above.starts_with(source))
    };
    let quoted = |above: &Path| {
        let shown = above.to_string_lossy();
        let name = above.file_name().unwrap_or_default().to_string_lossy();
        let mut said = text
            .match_indices(&*shown)
            .map(|(at, _)| &text[at + shown.len()..]);
        said.any(|rest| !rest.starts_with('/')) || (above == path && text.contains(&*name))
    };
    path.ancestors().take_while(inside).any(quoted)
}

/// What a restore brought, by absolute path: the sources and all that does not lead to one.
fn came_back(world: &World, to: &Path, backup: &Backup) -> Seen {
    let roots = || backup.expected.keys();
    let leads = |path: &Vec<u8>| {
        let inside = [&path[..], b"/"].concat();
        roots().any(|root| root.starts_with(&inside)) && !backup.expected.contains_key(path)
    };
    let seen = world.by_original(look(to)).into_iter();
    let windows = world.exclusions.windows;
    let seen = seen.map(|(path, found)| match windows {
        true => (tree::own_names(&path), found),
        false => (path, found),
    });
    let mut seen: Seen = seen
        .filter(|(path, _)| !leads(path) && !path.starts_with(b"/restored.txt"))
        .filter(|(path, _)| !leads_to_unseen(path, backup))
        .collect();
    for found in seen.values_mut() {
        found.modified /= 100;
        if world.exclusions.windows {
            found.mode = 0;
        }
    }
    seen
}

fn leads_to_unseen(path: &[u8], backup: &Backup) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    let mut sources = backup.unseen.iter().chain(&backup.taken_out);
    sources.any(|source| source.starts_with(path) && source != path)
}

/// No object of a store was deleted, and none was changed.
pub fn nothing_was_lost(world: &World, before: &[(usize, Objects)]) -> Result<(), String> {
    for (store, objects) in before {
        let now = world.objects(*store);
        for (name, was) in objects {
            match now.get(name) {
                Some(is) if is == was => {}
                other => return Err(format!("{name} of store {store} was {was:?}, is {other:?}")),
            }
        }
    }
    Ok(())
}

/// Files of the mirror that are in no source.
fn extra(world: &World, mirror: &Seen) -> Vec<Vec<u8>> {
    let selected = world.selected();
    let sources = world.sources();
    let below = |path: &[u8]| {
        let path = Path::new(OsStr::from_bytes(path));
        sources.iter().any(|source| path.starts_with(source))
    };
    let files = mirror
        .iter()
        .filter(|(path, found)| found.kind == "file" && below(path));
    files
        .map(|(path, _)| path.clone())
        .filter(|path| !selected.contains_key(path))
        .collect()
}

pub fn too_many_to_delete(world: &World, before: &Seen) -> bool {
    world.extra != 0 && extra(world, before).len() > world.may_delete()
}

/// Nothing is deleted from a mirror but what is in no source that is there, and no more of it than
/// was agreed to.
pub fn the_mirror_was_guarded(world: &World, before: &Seen, ran: &Ran) -> Result<(), String> {
    let now = world.mirrored();
    let gone: Vec<&Vec<u8>> = before
        .iter()
        .filter(|(path, found)| found.kind == "file" && !now.contains_key(*path))
        .map(|(path, _)| path)
        .collect();
    let told = |path: &[u8], why: &str| {
        Err(format!(
            "{} is gone from the mirror: {why}",
            String::from_utf8_lossy(path)
        ))
    };
    let replaced = |path: &[u8]| {
        let parts = Path::new(OsStr::from_bytes(path));
        // A file took the place of a directory above it, which was put aside whole.
        let file_above = parts.ancestors().skip(1).any(|above| {
            let above = above.as_os_str().as_bytes();
            now.get(above)
                .is_some_and(|found| found.kind != "directory")
        });
        file_above
            && now
                .keys()
                .any(|path| path.windows(10).any(|part| part == b".replaced-"))
    };
    for path in &gone {
        if world.extra == 0 && !replaced(path) {
            return told(path, "extra files are kept");
        }
        let parts = Path::new(OsStr::from_bytes(path));
        if world
            .missing()
            .iter()
            .any(|source| parts.starts_with(source))
        {
            return told(path, "its source is missing");
        }
    }
    if world.extra != 0 && gone.len() > world.may_delete() && ran.code.is_some() {
        return Err(format!(
            "{} files are gone from the mirror: {gone:?}",
            gone.len()
        ));
    }
    Ok(())
}

/// The mirror holds what is selected, and nothing else where extra files are deleted.
pub fn the_mirror_is_whole(world: &World, tree: &Seen) -> Result<(), String> {
    let mut mirror = world.mirrored();
    if world.machine.is_windows() {
        // Robocopy leaves the spelling of a name as it is, and Windows takes both for one.
        let fold = |path: &[u8]| String::from_utf8_lossy(path).to_lowercase();
        let spelt: BTreeMap<String, &Vec<u8>> = tree.keys().map(|p| (fold(p), p)).collect();
        let as_in_tree = |path: Vec<u8>| spelt.get(&fold(&path)).map_or(path, |p| (*p).clone());
        mirror = mirror
            .into_iter()
            .map(|(path, found)| (as_in_tree(path), found))
            .collect();
    }
    for (path, found) in tree {
        let copy = mirror.get(path);
        let fits = copy.is_some_and(|copy| {
            let apart = (copy.modified / 100 - found.modified).abs();
            copy.kind == found.kind
                && copy.content == found.content
                && (apart <= 10_000_000 || found.kind == "directory")
        });
        if !fits {
            let path = String::from_utf8_lossy(path);
            return Err(format!(
                "success, and the mirror of {path} is {copy:?}, not {found:?}"
            ));
        }
    }
    let left: Vec<Vec<u8>> = extra(world, &mirror)
        .into_iter()
        // What is excluded is still there.
        .filter(|path| !Path::new(OsStr::from_bytes(path)).exists())
        .collect();
    match left.first().filter(|_| world.extra != 0) {
        Some(path) => Err(format!(
            "success, and the mirror still holds {}",
            String::from_utf8_lossy(path)
        )),
        None => Ok(()),
    }
}
