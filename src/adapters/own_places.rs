//! Where the program's own directories and files, and other file systems, are seen below a source:
//! also by a link or a bind mount (SPEC#selection).
//!
//! A path alone does not show this. The table of mounts of Linux says which directory of which file
//! system is shown where. It is trusted only if device and inode are the same.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::path::FullPath;

/// One line of the table of mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mounted {
    /// Names the file system.
    device: String,
    /// The directory of it that is shown.
    root: PathBuf,
    /// Where it is shown.
    point: PathBuf,
}

/// The table of mounts, read once. Empty if the system has none.
pub struct Mounts(Vec<Mounted>);

/// How a directory of the program's own and a source meet.
#[derive(Debug, PartialEq, Eq)]
pub enum Meeting {
    /// The directory is seen at these places below the source.
    Below(Vec<FullPath>),
    /// The source is the directory, or is inside it.
    Covers,
}

impl Mounts {
    pub fn read() -> Mounts {
        let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
        Mounts(parse(&String::from_utf8_lossy(&table)))
    }

    /// The places below `source` where other file systems are mounted.
    pub fn file_systems_below(&self, source: &FullPath) -> Vec<FullPath> {
        let Ok(at) = fs::canonicalize(source.to_native()) else {
            return Vec::new();
        };
        let Some(own) = self.of(&at) else {
            return Vec::new();
        };
        let is_other = |m: &&Mounted| m.point != at && m.device != own.device;
        let mut found: Vec<FullPath> = self
            .0
            .iter()
            .filter(is_other)
            .filter_map(|mounted| below(source, &at, &mounted.point))
            .collect();
        found.sort_by_cached_key(FullPath::sort_key);
        found.dedup();
        found
    }

    /// How `own`, which the program writes or keeps, and a source meet.
    pub fn meeting(&self, own: &Path, source: &FullPath) -> Meeting {
        let nothing = Meeting::Below(Vec::new());
        let places = (fs::canonicalize(own), fs::canonicalize(source.to_native()));
        let (Ok(own), Ok(at)) = places else {
            return nothing;
        };
        let mut found = Vec::new();
        for place in self.shown_at(&own) {
            if at.starts_with(&place) {
                return Meeting::Covers;
            }
            found.extend(below(source, &at, &place));
        }
        Meeting::Below(found)
    }

    /// Every place where a directory or file is shown, the given one first.
    fn shown_at(&self, own: &Path) -> Vec<PathBuf> {
        let mut places = vec![own.to_owned()];
        let Some(home) = self.of(own) else {
            return places;
        };
        let inside = match own.strip_prefix(&home.point) {
            Ok(rest) => home.root.join(rest),
            Err(_) => return places,
        };
        for mounted in self.0.iter().filter(|m| m.device == home.device) {
            let Ok(rest) = inside.strip_prefix(&mounted.root) else {
                continue;
            };
            let place = match rest.as_os_str().is_empty() {
                true => mounted.point.clone(),
                false => mounted.point.join(rest),
            };
            if !places.contains(&place) && is_same(&place, own) {
                places.push(place);
            }
        }
        places
    }

    /// The mount that shows a path: the last one with the longest path.
    fn of(&self, path: &Path) -> Option<&Mounted> {
        let shows = |mounted: &&Mounted| path.starts_with(&mounted.point);
        let depth = |mounted: &&Mounted| mounted.point.components().count();
        self.0.iter().filter(shows).max_by_key(depth)
    }
}

/// A place strictly below a source, as the profile names the source. `at` is where the source is.
fn below(source: &FullPath, at: &Path, place: &Path) -> Option<FullPath> {
    let rest = place.strip_prefix(at).ok()?;
    let names = rest.iter().map(|name| name.to_str());
    let names = names.collect::<Option<Vec<_>>>()?;
    (!names.is_empty()).then(|| names.iter().fold(source.clone(), |at, name| at.join(name)))
}

#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| {
        let found = fs::symlink_metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    };
    id(one).is_some() && id(one) == id(other)
}

#[cfg(not(unix))]
fn is_same(_one: &Path, _other: &Path) -> bool {
    false
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`: the third field names the file
/// system, the fourth the directory in it, the fifth the place.
fn parse(table: &str) -> Vec<Mounted> {
    let line = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        Some(Mounted {
            device: fields.next()?.to_owned(),
            root: unescaped(fields.next()?),
            point: unescaped(fields.next()?),
        })
    };
    table.lines().filter_map(line).collect()
}

/// Blanks, tabs, line breaks and backslashes are written as `\040` and so on.
fn unescaped(text: &str) -> PathBuf {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|d| u8::from_str_radix(d, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = &after[3..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    PathBuf::from(OsString::from(out))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_mounts_is_read() {
        let table = "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
                     36 22 8:2 /a\\040b /mnt/c\\134d rw - xfs /dev/sda2 rw\n\
                     broken\n";
        let found = parse(table);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].device, "8:2");
        assert_eq!(found[1].root, Path::new("/a b"));
        assert_eq!(found[1].point, Path::new("/mnt/c\\d"));
    }

    #[test]
    fn a_place_is_found_through_a_link() {
        let base = tempfile::tempdir().unwrap();
        let (source, link) = (base.path().join("source"), base.path().join("link"));
        fs::create_dir_all(source.join("disk/mirror")).unwrap();
        std::os::unix::fs::symlink(source.join("disk"), &link).unwrap();
        let path = |path: &Path| FullPath::parse(path.to_str().unwrap()).unwrap();
        let mounts = Mounts::read();
        let place = path(&source.join("disk/mirror"));
        let seen = |own: &Path| mounts.meeting(own, &path(&source));
        assert_eq!(seen(&link.join("mirror")), Meeting::Below(vec![place]));
        assert_eq!(seen(&base.path().join("none")), Meeting::Below(vec![]));
        assert_eq!(seen(base.path()), Meeting::Covers);
        assert_eq!(seen(&source), Meeting::Covers);
        let inner = mounts.meeting(&source.join("disk"), &path(&link.join("mirror")));
        assert_eq!(
            inner,
            Meeting::Covers,
            "the source is named through the link"
        );
    }

    #[test]
    fn what_the_table_says_is_not_believed_where_it_is_not_there() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        // As if a file system, of which `base` is the root, were shown at `/nowhere` too.
        let own = base.join("source/disk/mirror");
        fs::create_dir_all(&own).unwrap();
        let mounted = |point: &Path| Mounted {
            device: "7:7".to_owned(),
            root: PathBuf::from("/"),
            point: point.to_owned(),
        };
        let mounts = Mounts(vec![mounted(&base), mounted(Path::new("/nowhere"))]);
        let shown = mounts.shown_at(&own);
        assert_eq!(shown, [own]);
    }
}
