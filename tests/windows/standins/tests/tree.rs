//! Trees of files as lines: `name size [@seconds]`, or `name/` for a directory. Seconds count from
//! the start of 2020.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use standins::system;

fn start_of_2020() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800)
}

/// Empties a directory, and makes it. A program of the case before, left behind by one that was
/// killed, may still run.
pub fn wipe(root: &Path) -> Result<(), String> {
    let start = Instant::now();
    while let Err(error) = empty(root) {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("{}: {error}", root.display()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::create_dir_all(root).map_err(|error| format!("{}: {error}", root.display()))
}

fn empty(root: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }?;
    }
    Ok(())
}

/// Makes one entry of a tree.
pub fn make(root: &Path, line: &str) -> Result<(), String> {
    let (name, size, time) = split(line);
    let path = root.join(name.trim_end_matches('/').replace('/', "\\"));
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if name.ends_with('/') {
        fs::create_dir_all(&path).map_err(failed)?;
    } else {
        fs::create_dir_all(path.parent().unwrap_or(root)).map_err(failed)?;
        fs::write(&path, vec![b'x'; size.unwrap_or(0)]).map_err(failed)?;
    }
    let time = start_of_2020() + Duration::from_secs(time.unwrap_or(0));
    system::set_modified(&path, time).map_err(failed)
}

/// What is below a directory, sorted.
pub fn list(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    collect(root, "", &mut lines);
    lines.sort();
    lines
}

fn collect(directory: &Path, prefix: &str, lines: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let time = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(start_of_2020()).ok());
        let time = time.map_or(String::new(), |time| format!(" @{}", time.as_secs()));
        if meta.is_dir() {
            lines.push(format!("{name}/{time}"));
            collect(&entry.path(), &format!("{name}/"), lines);
        } else {
            lines.push(format!("{name} {}{time}", meta.len()));
        }
    }
}

/// The same without what was not asked for: times, and sizes.
pub fn reduced(found: &str, wanted: &[String]) -> String {
    let (name, size, time) = split(found);
    let same_name = wanted.iter().find(|w| split(w).0 == name);
    let (asks_size, asks_time) = same_name.map_or((true, false), |w| {
        (split(w).1.is_some(), split(w).2.is_some())
    });
    let size = size
        .filter(|_| asks_size)
        .map_or(String::new(), |size| format!(" {size}"));
    let time = time
        .filter(|_| asks_time)
        .map_or(String::new(), |time| format!(" @{time}"));
    format!("{name}{size}{time}")
}

fn split(line: &str) -> (&str, Option<usize>, Option<u64>) {
    let (line, time) = match line.rsplit_once(" @") {
        Some((line, time)) if time.parse::<u64>().is_ok() => (line, time.parse().ok()),
        _ => (line, None),
    };
    match line.rsplit_once(' ') {
        Some((name, size)) if size.parse::<usize>().is_ok() => (name, size.parse().ok(), time),
        _ => (line, None, time),
    }
}
