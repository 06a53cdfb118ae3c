//! What a trial does on Windows besides: the root of a drive, a file in the cloud, names that end in
//! a dot or a space (docs/windows.md).

use std::fs;
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Trial, TrialFiles, collect};
use crate::adapters::state::base_directory;
use crate::adapters::walk::InCloud;
use crate::adapters::windows::mark_offline;
use crate::model::path::{shown, verbatim};

const PLAIN: &str = "plain.txt";

impl<'a> Trial<'a> {
    /// What else was tried, in words.
    pub(super) fn more(&self) -> Result<String, String> {
        let in_cloud = self.below("cloud").file_in_the_cloud()?;
        let odd = self.below("odd").odd_names()?;
        let root = self.below("root").root_of_a_drive()?;
        Ok(format!("; {in_cloud}; {odd}; {root}"))
    }

    /// Another trial, in a directory of this one.
    fn below(&self, name: &str) -> Trial<'a> {
        let at = self.at.join(name);
        Trial { at, ..*self }
    }

    /// The run names it, and neither tool waits for it.
    fn file_in_the_cloud(&self) -> Result<String, String> {
        let failed = |error: io::Error| format!("a file in the cloud cannot be made: {error}");
        let files = named(&[PLAIN]);
        let name = "in the cloud only.txt";
        self.make(&named(&[PLAIN, name]), &self.profile())
            .map_err(failed)?;
        if !mark_offline(&self.at.join("source").join(name)).map_err(failed)? {
            return Ok("no file can be marked as being in the cloud".to_owned());
        }
        let (_, said) = self.run_to(&["run"], &["--verbose"], &[3])?;
        if !said.contains(&format!("{name}' is not backed up: {InCloud}")) {
            return Err("a file that is in the cloud only was not named".to_owned());
        }
        self.compare("the mirror", "mirror", &files)?;
        let back = self.at.join("back").display().to_string();
        self.run(&["restore"], &["--to", &back])?;
        self.compare("what was restored", "back", &files)?;
        Ok("a file in the cloud is left out and named".to_owned())
    }

    /// They are restored under other names. What Robocopy does with them is not known: the run says
    /// what the mirror lacks.
    fn odd_names(&self) -> Result<String, String> {
        let failed = |error: io::Error| format!("its files cannot be made: {error}");
        let odd = ["dot.", "space ", "plain.txt."];
        let files = named(&[&[PLAIN][..], &odd].concat());
        self.make(&files, &self.profile()).map_err(failed)?;
        let (code, said) = self.run_to(&["run"], &["--verbose"], &[0, 1])?;
        let words = match code {
            0 => {
                self.compare("the mirror", "mirror", &files)?;
                "are in the mirror"
            }
            _ => {
                let named = |name: &&&str| said.contains(&format!("{name}: it is missing"));
                if let Some(name) = odd.iter().find(|name| !named(name)) {
                    return Err(format!("the run failed and did not name '{name}'"));
                }
                "are not in the mirror, and named"
            }
        };
        let back = self.at.join("back").display().to_string();
        self.run_to(&["restore"], &["--to", &back], &[3])?;
        let mut found = TrialFiles::new();
        let restored = collect(&verbatim(&self.at).join("back"), &mut found);
        restored.map_err(|error| format!("what was restored cannot be read: {error}"))?;
        match files
            .values()
            .find(|text| !found.values().any(|t| t == *text))
        {
            Some(text) => Err(format!("what was restored lacks '{text}'")),
            None => Ok(format!("names that end in a dot or a space {words}")),
        }
    }

    /// A source that is the root, of which everything else is left out.
    fn root_of_a_drive(&self) -> Result<String, String> {
        let failed = |error: io::Error| format!("its files cannot be made: {error}");
        let files = named(&[PLAIN]);
        self.make(&files, &self.profile()).map_err(failed)?;
        let source = self.at.join("source");
        let Some(root) = source.ancestors().last().filter(|root| root.has_root()) else {
            return Err("its directory has no drive".to_owned());
        };
        let mut others = others(&source).map_err(failed)?;
        others.push(self.at.join("work"));
        let mut profile = self.profile();
        profile["sources"] = serde_json::json!([shown(root)]);
        profile["links"] = "skip".into();
        let others: Vec<String> = others.iter().map(|path| shown(path)).collect();
        for list in ["directories", "files"] {
            if let Some(list) = profile["exclude"][list].as_array_mut() {
                list.extend(others.iter().map(|path| Value::from(path.as_str())));
            }
        }
        self.make(&files, &profile).map_err(failed)?;
        let masked = |why: String| without_others(&why, &others);
        self.run(&["run"], &["--verbose"]).map_err(masked)?;
        self.compare("the mirror", "mirror", &files)
            .map_err(masked)?;
        const HIDDEN_OR_SYSTEM: u32 = 6;
        let copies = fs::read_dir(self.at.join("mirror")).map_err(failed)?;
        for copy in copies {
            let found = copy.and_then(|copy| copy.metadata()).map_err(failed)?;
            if found.is_dir() && found.file_attributes() & HIDDEN_OR_SYSTEM != 0 {
                return Err("the copy of the drive is hidden".to_owned());
            }
        }
        let back = self.at.join("back").display().to_string();
        let restored = self.run(&["restore"], &["--to", &back]);
        restored.map_err(masked)?;
        self.compare("what was restored", "back", &files)?;
        Ok("the root of a drive is backed up and restored".to_owned())
    }
}

/// Files with their names in them.
fn named(names: &[&str]) -> TrialFiles {
    let files = names
        .iter()
        .map(|name| (PathBuf::from(name), (*name).to_owned()));
    files.collect()
}

/// Everything beside a directory, and beside the directories above it.
fn others(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut others = Vec::new();
    for inside in directory.ancestors() {
        let Some(above) = inside.parent() else { break };
        for entry in fs::read_dir(above)? {
            let path = entry?.path();
            if path != inside {
                others.push(path);
            }
        }
    }
    Ok(others)
}

/// Without the lines that name what belongs to the user.
fn without_others(text: &str, others: &[String]) -> String {
    let ours = base_directory();
    let theirs = others
        .iter()
        .filter(|path| !Path::new(path).starts_with(&ours));
    let names: Vec<&str> = theirs
        .filter_map(|path| path.rfind('\\').map(|at| &path[at..]))
        .collect();
    let lines = text
        .lines()
        .map(|line| match names.iter().any(|name| line.contains(name)) {
            true => "(a line that names other files)",
            false => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}
