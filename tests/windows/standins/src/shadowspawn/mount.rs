//! The letter's directory, filled and emptied.
//!
//! A copy has the times of last change of a copy, which no call can set, and so an incremental
//! backup finds every file changed. A test that cares has the letter lead to the source itself: no
//! snapshot, but with all times as a snapshot has them. For that the letter leads to a symbolic
//! link, which the system outside Wine turns.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::system;

/// `LINK|DRIVE` or `LINK|DRIVE|COPY`, as the system outside Wine knows them: the letter's link, the
/// directory of the source's drive, and a directory for a copy, which then is what is shown.
const LIVE_VARIABLE: &str = "AAM_STANDIN_LIVE";

/// The root of a letter.
fn root(device: &str) -> PathBuf {
    PathBuf::from(format!("{device}\\"))
}

/// Whether something is mounted there: also a letter that leads to what no longer exists. Where
/// the letter is there beforehand, because Wine makes none, it is in use when it holds something.
pub fn is_in_use(device: &str) -> bool {
    if live().is_some() {
        return system::is_letter_defined(device) || root(device).exists();
    }
    fs::read_dir(root(device)).is_ok_and(|mut entries| entries.next().is_some())
}

/// Copies a directory with all times.
pub fn fill(device: &str, source: &str) -> io::Result<()> {
    match live() {
        Some([link, _, shown]) if !shown.is_empty() => {
            let inside = PathBuf::from(format!("Z:{}", shown.replace('/', "\\")));
            let _ = fs::remove_dir_all(&inside);
            fs::create_dir_all(&inside)?;
            copy(Path::new(source), &inside)?;
            turn(device, &link, Some(&shown))
        }
        Some([link, drive, _]) => {
            let target = format!("{drive}{}", as_on_disk(source));
            turn(device, &link, Some(&target))
        }
        None => copy(Path::new(source), &root(device)),
    }
}

/// The path below its drive in the spelling on the disk, which the system outside Wine insists on.
fn as_on_disk(source: &str) -> String {
    let mut here = PathBuf::from(&source[..2]).join("\\");
    let mut path = String::new();
    for wanted in source[2..].split('\\').filter(|name| !name.is_empty()) {
        let names = fs::read_dir(&here)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned());
        let name = names
            .into_iter()
            .find(|name| name.to_lowercase() == wanted.to_lowercase());
        let name = name.unwrap_or_else(|| wanted.to_owned());
        here.push(&name);
        path = format!("{path}/{name}");
    }
    path
}

fn live() -> Option<[String; 3]> {
    let text = std::env::var(LIVE_VARIABLE).ok()?;
    let mut parts = text.split('|').map(str::to_owned);
    Some([
        parts.next()?,
        parts.next()?,
        parts.next().unwrap_or_default(),
    ])
}

/// Turns the link. Wine starts programs of the system outside it, but gives no handle to wait for
/// their end by.
fn turn(device: &str, link: &str, target: Option<&str>) -> io::Result<()> {
    let _ = match target {
        Some(target) => Command::new(r"Z:\bin\ln")
            .args(["-sfn", target, link])
            .status(),
        None => Command::new(r"Z:\bin\rm").args(["-f", link]).status(),
    };
    for _ in 0..500 {
        if root(device).exists() == target.is_some() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other(format!("{link} was not turned")))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy(&path, &target)?;
        } else if kind.is_file() {
            fs::copy(&path, &target)?;
        } else {
            continue;
        }
        system::set_modified(&target, entry.metadata()?.modified()?)?;
    }
    Ok(())
}

/// Removes what [`fill`] put there. What cannot be removed stays, as a snapshot that could not be
/// dismounted would.
pub fn empty(device: &str) {
    if let Some([link, ..]) = live() {
        if let Err(error) = turn(device, &link, None) {
            crate::console::line(&format!(
                "stand-in for ShadowSpawn: {device} stays: {error}"
            ));
        }
        return;
    }
    for entry in fs::read_dir(root(device)).into_iter().flatten().flatten() {
        let path = entry.path();
        clear_read_only(&path);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            crate::console::line(&format!(
                "stand-in for ShadowSpawn: {} stays: {error}",
                path.display()
            ));
        }
    }
}

fn clear_read_only(path: &Path) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let mut permissions = meta.permissions();
    if permissions.readonly() {
        #[allow(clippy::permissions_set_readonly_false)]
        permissions.set_readonly(false);
        let _ = fs::set_permissions(path, permissions);
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            clear_read_only(&entry.path());
        }
    }
}
