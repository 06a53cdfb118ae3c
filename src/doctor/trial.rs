//! A real backup of files made for it, by the tools and the snapshot of the profile, and a restore
//! of it: the other checks only look (SPEC#commands).
//!
//! It runs this program itself, with a profile, a state and destinations of its own in one
//! directory that is removed. What it says names no file of the user.

#[cfg(windows)]
mod on_windows;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::visit::Visit;
use super::{CheckAnswer, ok, problem};
use crate::adapters::fs::create_private_directory;
use crate::adapters::process::Invocation;
use crate::adapters::state::{DIRECTORY_VARIABLE, base_directory};
use crate::model::job::Job;
use crate::model::path::{shown, verbatim};
use crate::model::secret::Secret;

const KEY: &str = "AAM_BACKUP_TRIAL_KEY";

/// How much of what a run said is shown: its report, and before it what the tools said.
const LAST_LINES: usize = 80;

/// TrialFiles by their paths, with what is in them.
type TrialFiles = BTreeMap<PathBuf, String>;

pub(super) fn trial(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    if !visit.options.trial {
        return Vec::new();
    }
    let began = Instant::now();
    let base = base_directory();
    let place = create_private_directory(&base).and_then(|()| {
        let mut builder = tempfile::Builder::new();
        builder.prefix("trial-").tempdir_in(&base)
    });
    let tried = place.map_err(|error| error.to_string()).and_then(|place| {
        let at = place.path().to_owned();
        let trial = Trial { visit, at };
        let count = trial.attempt()?;
        Ok((count, trial.more()?))
    });
    vec![match tried {
        Ok((count, more)) => ok(format!(
            "{count} files were backed up and restored in {} s: {}{more}",
            began.elapsed().as_secs(),
            system(visit.job)
        )),
        Err(why) => problem(
            format!("the trial failed on {}: {why}", system(visit.job)),
            "if the text above does not help, send it to the makers: it names no file of yours",
        ),
    }]
}

/// What ran where.
fn system(job: &Job) -> String {
    let snapshot = match &job.snapshot {
        None => "no snapshot",
        Some(snapshot) if snapshot.program.is_none() => "own shadow copy",
        Some(_) => "snapshot program",
    };
    format!(
        "{} {}, aam-backup {}, {snapshot}",
        std::env::consts::OS,
        std::env::consts::ARCH,
        env!("CARGO_PKG_VERSION")
    )
}

struct Trial<'a> {
    visit: &'a Visit<'a>,
    at: PathBuf,
}

impl Trial<'_> {
    /// What else was tried, in words.
    #[cfg(not(windows))]
    fn more(&self) -> Result<String, String> {
        Ok(String::new())
    }

    /// How many files came back.
    fn attempt(&self) -> Result<usize, String> {
        let failed = |error: io::Error| format!("its files cannot be made: {error}");
        let mut files = wanted();
        self.make(&files, &self.profile()).map_err(failed)?;
        let open = self.open_file(&mut files).map_err(failed)?;
        self.run(&["run"], &["--verbose"])?;
        drop(open);
        self.compare("the mirror", "mirror", &files)?;
        // Incremental: one file has changed.
        let changed = PathBuf::from("plain.txt");
        files.insert(changed, "changed, and longer".to_owned());
        self.make(&files, &self.profile()).map_err(failed)?;
        self.run(&["run"], &["--verbose"])?;
        self.compare("the mirror", "mirror", &files)?;
        let back = self.at.join("back").display().to_string();
        self.run(&["restore"], &["--to", &back])?;
        self.compare("what was restored", "back", &files)?;
        Ok(files.len())
    }

    fn make(&self, files: &TrialFiles, profile: &serde_json::Value) -> io::Result<()> {
        for directory in ["mirror", "store", "state"] {
            fs::create_dir_all(self.at.join(directory))?;
        }
        let left_out = ["left out/inside.txt", "~WRL0001.tmp"];
        let left_out = left_out.map(|path| (PathBuf::from(path), String::new()));
        for (path, text) in files.iter().chain(left_out.iter().map(|(p, t)| (p, t))) {
            let path = verbatim(&self.at).join("source").join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            if fs::read_to_string(&path).ok().as_ref() != Some(text) {
                fs::write(&path, text)?;
            }
        }
        // JSON is YAML.
        fs::write(self.at.join("trial.yaml"), format!("{profile:#}"))
    }

    /// A file that another program has open, if there is a snapshot to read it from.
    fn open_file(&self, files: &mut TrialFiles) -> io::Result<Option<File>> {
        if self.visit.job.snapshot.is_none() {
            return Ok(None);
        }
        let name = "open in another program.txt";
        let path = self.at.join("source").join(name);
        fs::write(&path, name)?;
        files.insert(PathBuf::from(name), name.to_owned());
        let mut options = File::options();
        options.read(true).write(true);
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
        options.open(&path).map(Some)
    }

    fn profile(&self) -> serde_json::Value {
        let at = |name: &str| self.at.join(name).display().to_string();
        let Job {
            snapshot, tools, ..
        } = self.visit.job;
        let mut profile = serde_json::json!({
            "version": 1,
            "name": "trial",
            "location": "trial",
            "sources": [at("source")],
            "exclude": {"directories": ["left out"], "files": ["~WRL*.tmp"]},
            "destinations": {
                "mirror": {"path": at("mirror"), "extra-files": "delete", "max-delete": "0%"},
                "directory": {"path": at("store")},
            },
            "archive": {"encryption-key": {"env": KEY}, "work-directory": at("work")},
        });
        if let Some(snapshot) = snapshot {
            let mut section = serde_json::json!({"mount": snapshot.mount.to_string()});
            if let Some(program) = &snapshot.program {
                section["program"] = program.as_str().into();
            }
            profile["snapshot"] = section;
        }
        let all = [
            ("7z", &tools.seven_zip),
            ("robocopy", &tools.robocopy),
            ("rsync", &tools.rsync),
        ];
        for (name, path) in all {
            if let Some(path) = path {
                profile["tools"][name] = path.as_str().into();
            }
        }
        profile
    }

    fn run(&self, command: &[&str], options: &[&str]) -> Result<(), String> {
        self.run_to(command, options, &[0]).map(drop)
    }

    /// Runs to an end with one of these exit codes. Which it was, and what was said.
    fn run_to(
        &self,
        command: &[&str],
        options: &[&str],
        expected: &[i32],
    ) -> Result<(i32, String), String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let profile = self.at.join("trial.yaml").display().to_string();
        let mut call = Invocation::new(program).args(command).arg(profile);
        call = call.args(options);
        let state = self.at.join("state").display().to_string();
        call.environment = vec![
            (KEY.into(), Secret::new("for this trial only")),
            (DIRECTORY_VARIABLE.into(), Secret::new(state)),
        ];
        let mut said = Vec::new();
        let code = call
            .run(None, self.visit.cancel, &mut |line| {
                said.push(line.to_owned())
            })
            .map_err(|error| self.without_private_names(&error.to_string()))?;
        if expected.contains(&code) {
            return Ok((code, said.join("\n")));
        }
        let said = said[said.len().saturating_sub(LAST_LINES)..].join("\n  ");
        let said = self.without_private_names(&said);
        let code = crate::model::text::exit_code(code);
        Err(format!(
            "`{}` ended with {code}\n  {said}",
            command.join(" ")
        ))
    }

    /// A text that can be shown to others: directories of this computer, and the names of its user
    /// and of itself, are replaced.
    fn without_private_names(&self, text: &str) -> String {
        let parent = |path: Option<&Path>| path.and_then(Path::parent).map(Path::to_owned);
        let Job {
            snapshot, tools, ..
        } = self.visit.job;
        let snapshot = snapshot.as_ref().and_then(|s| s.program.as_ref());
        let tools = [
            tools.seven_zip.as_ref(),
            tools.robocopy.as_ref(),
            tools.rsync.as_ref(),
            snapshot,
        ];
        let tools = tools.into_iter().flatten().map(Path::new);
        let mut private = vec![
            (Some(self.at.clone()), "TRIAL"),
            (Some(base_directory()), "STATE"),
            (parent(std::env::current_exe().ok().as_deref()), "PROGRAM"),
            (std::env::home_dir(), "HOME"),
            (Some(std::env::temp_dir()), "TEMP"),
        ];
        private.extend(tools.map(|tool| (parent(Some(tool)), "TOOLS")));
        let paths = private.into_iter().filter_map(|(path, shown)| {
            let path = path?.to_str()?.to_owned();
            (Path::new(&path).components().count() > 1).then_some((path, shown))
        });
        let names = [
            ("USERNAME", "USER"),
            ("USER", "USER"),
            ("LOGNAME", "USER"),
            ("USERDOMAIN", "COMPUTER"),
            ("COMPUTERNAME", "COMPUTER"),
            ("HOSTNAME", "COMPUTER"),
        ];
        let names = names.into_iter().filter_map(|(variable, shown)| {
            let name = std::env::var(variable).ok()?;
            (name.len() >= SHORTEST_NAME).then_some((name, shown))
        });
        masked(text, paths.collect(), &names.collect::<Vec<_>>())
    }

    /// What lies below a directory, wherever in it the copy of the source is, must be `files`.
    fn compare(&self, what: &str, directory: &str, files: &TrialFiles) -> Result<(), String> {
        let failed = |error: io::Error| format!("{what} cannot be read: {error}");
        let mut found = TrialFiles::new();
        collect(&verbatim(&self.at).join(directory), &mut found).map_err(failed)?;
        // The program's own are at the top.
        found.retain(|path, _| path.components().count() > self.at.components().count() + 2);
        for (path, text) in files {
            match found.iter().find(|(there, _)| there.ends_with(path)) {
                None => return Err(format!("{what} lacks '{}'", shown(path))),
                Some((_, other)) if other != text => {
                    return Err(format!("{what} has another content of '{}'", shown(path)));
                }
                Some(_) => {}
            }
        }
        let unasked = |there: &&PathBuf| !files.keys().any(|path| there.ends_with(path));
        match found.keys().find(unasked) {
            Some(path) => Err(format!(
                "{what} holds '{}', which was left out",
                shown(path)
            )),
            None => Ok(()),
        }
    }
}

/// Shorter names are parts of other words.
const SHORTEST_NAME: usize = 3;

/// Replaces paths, the longest first, and names where they are words of their own.
fn masked(text: &str, mut paths: Vec<(String, &str)>, names: &[(String, &str)]) -> String {
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    let mut text = text.to_owned();
    for (path, shown) in &paths {
        text = text.replace(path.as_str(), shown);
    }
    for (name, shown) in names {
        let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let mut rest = text.as_str();
        let mut out = String::new();
        while let Some(at) = rest.find(name.as_str()) {
            let (before, after) = (&rest[..at], &rest[at + name.len()..]);
            out.push_str(before);
            let last = before.chars().next_back().or(out.chars().next_back());
            let is_word = !is_part(last) && !is_part(after.chars().next());
            out.push_str(if is_word { shown } else { name });
            rest = after;
        }
        out.push_str(rest);
        text = out;
    }
    text
}

fn collect(directory: &Path, found: &mut TrialFiles) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, found)?,
            false => {
                let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                found.insert(path, text);
            }
        }
    }
    Ok(())
}

/// Names that tools have had trouble with, and a path that is longer than 260 characters.
fn wanted() -> TrialFiles {
    let long: PathBuf = (0..5)
        .map(|_| "a directory with a long name ".repeat(2) + "x")
        .collect();
    let paths = [
        "plain.txt",
        "100% & (more) ^ !.txt",
        "-dash.txt",
        "@at.txt",
        "it's.txt",
        "%TEMP%.txt",
        "[x] {y}, z;=.txt",
        "\u{dc}bung/fr\u{fc}her \u{e9} e\u{301}.txt",
        "\u{d55c}\u{ae00} \u{1f600}.txt",
        ".hidden",
    ];
    let paths = paths.iter().map(PathBuf::from);
    paths
        .chain([long.join("long.txt")])
        .map(|path| (path.clone(), shown(&path)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_to_others_names_nobody() {
        let paths = vec![
            (r"C:\Users\allen".to_owned(), "HOME"),
            (r"C:\Users\allen\tools".to_owned(), "TOOLS"),
        ];
        let names = [
            ("allen".to_owned(), "USER"),
            ("ALLENS-PC".to_owned(), "COMPUTER"),
        ];
        let text =
            r"'C:\Users\allen\tools\7z.exe': C:\Users\allen\x, ALLENS-PC\allen, challenge, allen";
        assert_eq!(
            masked(text, paths, &names),
            r"'TOOLS\7z.exe': HOME\x, COMPUTER\USER, challenge, USER"
        );
    }
}
