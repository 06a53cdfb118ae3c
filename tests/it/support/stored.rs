//! What a test machine's store holds: seen with 7-Zip, and nothing of the program's own code.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use aam_auto_backup::parts::{Reader, write_state};

use super::look::{Seen, look};
use super::machine::{KEY, Machine, names};

impl Machine {
    /// Names in the store.
    pub fn stored(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path("store"))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name != ".aam-backup-destination")
            .collect()
    }

    /// Backups with a marker for at least one mount, oldest first.
    pub fn backups(&self) -> Vec<Backup> {
        let ours = format!("{}_", self.profile.location);
        let of = |name: &String| {
            // Not what a run that was killed left half written.
            let name = name.starts_with(&ours).then_some(name)?;
            let fields: Vec<&str> = name.splitn(7, '_').collect();
            let full = fields[3] == "0";
            let prefix = fields[..5].join("_");
            let stamp = if full {
                fields[1..3].join("_")
            } else {
                fields[3..5].join("_")
            };
            (fields[5] == "yes").then_some(Backup {
                stamp,
                full,
                prefix,
            })
        };
        self.stored()
            .iter()
            .filter_map(of)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// What the archives of the newest backup hold: files of `home`, of `other`, and empty
    /// directories (with `/`).
    pub fn archived(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (is_other, seen) in self.extracted() {
            let empty = |path: &str| {
                !seen
                    .keys()
                    .any(|p| p.starts_with(format!("{path}/").as_bytes()))
            };
            let files = names(&seen, |s| s.kind == "file");
            let directories = names(&seen, |s| s.kind == "directory")
                .into_iter()
                .filter(|p| empty(p))
                .map(|p| p + "/");
            let other = if is_other { "other/" } else { "" };
            found.extend(
                files
                    .into_iter()
                    .chain(directories)
                    .map(|p| format!("{other}{p}")),
            );
        }
        found
    }

    /// What comes out of each archive of the newest backup, and whether it is the one of `other`.
    pub fn extracted(&self) -> Vec<(bool, Seen)> {
        let newest = self.backups().pop().expect("there is a backup");
        let is_first = |name: &&String| name.starts_with(&newest.prefix) && name.ends_with(".001");
        let of = |name: &String| {
            let out = tempfile::tempdir().unwrap();
            extract(&self.path("store").join(name), out.path());
            (name.contains("-aam-other-"), look(out.path()))
        };
        self.stored().iter().filter(is_first).map(of).collect()
    }

    /// What the manifests of the newest backup say, with those that they rest on: for each mount
    /// the header and the entries as lines of JSON.
    pub fn manifests(&self) -> String {
        let newest = self.backups().pop().expect("there is a backup");
        let first = format!("{}_manifest_", newest.prefix);
        let mut text = String::new();
        for name in self.stored() {
            let Some(mount) = name.strip_prefix(&first) else {
                continue;
            };
            let mut chain = vec![self.manifest(&name)];
            while let Some(delta) = reader(chain.last().unwrap()).header().delta {
                chain.push(self.manifest_of(&delta.base.to_string(), mount));
            }
            let readers = chain.iter().map(|bytes| reader(bytes)).collect();
            let state = write_state(readers, Vec::new()).unwrap();
            let state = reader(&state);
            text.push_str(&serde_json::to_string(state.header()).unwrap());
            text.push('\n');
            for entry in state {
                text.push_str(&serde_json::to_string(&entry.unwrap()).unwrap());
                text.push('\n');
            }
        }
        text
    }

    fn manifest_of(&self, stamp: &str, mount: &str) -> Vec<u8> {
        let is_it = |name: &&String| {
            let before = name.strip_suffix(&format!("_manifest_{mount}"));
            before.is_some_and(|b| b.ends_with(stamp) || b.ends_with(&format!("{stamp}_0_0.0")))
        };
        let all = self.stored();
        let name = all.iter().find(is_it);
        self.manifest(name.unwrap_or_else(|| panic!("{stamp} of {mount} is in {all:?}")))
    }

    /// A manifest object, decrypted.
    pub fn manifest(&self, name: &str) -> Vec<u8> {
        let out = tempfile::tempdir().unwrap();
        extract(&self.path("store").join(name), out.path());
        fs::read(out.path().join("manifest.v2")).unwrap()
    }
}

fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    Reader::new(bytes).unwrap()
}

/// A backup in the store, by its markers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backup {
    pub stamp: String,
    pub full: bool,
    prefix: String,
}

fn extract(first: &Path, out: &Path) {
    let mut child = Command::new("7zz")
        .args(["x", "-y", "-bd"])
        .arg(format!("-o{}", out.display()))
        .arg(first)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It does not ask for the key when there are only directories.
    let _ = writeln!(child.stdin.take().unwrap(), "{KEY}");
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        first.display(),
        String::from_utf8_lossy(&output.stdout)
    );
}
