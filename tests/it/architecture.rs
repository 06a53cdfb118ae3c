//! `docs/ARCHITECTURE.md` and the sources agree: the line of folders, and what never happens.

mod can_fail;

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use aam_auto_backup::parts::Secret;

const MAX_LINES: usize = 400;

/// One source file without its tests and comments.
pub struct Source {
    /// `src/run/backup/exec.rs`
    pub file: String,
    /// `run::backup::exec`
    module: String,
    pub lines: Vec<(usize, String)>,
}

/// A row of the table of what never happens.
struct Rule {
    places: BTreeSet<String>,
    /// The rule applies everywhere else.
    but: bool,
    words: Vec<String>,
}

impl Source {
    fn folder(&self) -> &str {
        self.module.split("::").next().unwrap_or_default()
    }

    /// The rule's places are folders or files, such as `model` or `model/secret`.
    fn is_in(&self, place: &str) -> bool {
        let place = place.replace('/', "::");
        self.module == place || self.module.starts_with(&format!("{place}::"))
    }
}

fn module_of(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").replace('/', "::")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap()
}

fn files() -> Vec<PathBuf> {
    fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => collect(&path, found),
                Some(extension) if extension == "rs" => found.push(path),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort();
    found
}

/// Tests stand at the end of a file, or in a file named `…tests.rs`.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
}

pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for path in files() {
        let file = path
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines = without_tests(&text)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line).to_owned()))
            .collect();
        let module = module_of(&file);
        sources.push(Source {
            file,
            module,
            lines,
        });
    }
    sources
}

/// The words between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn rows<'a>(page: &'a str, from: &str) -> Vec<Vec<&'a str>> {
    let section = page
        .split("\n## ")
        .find(|s| s.starts_with(from))
        .unwrap_or_else(|| panic!("no section {from}"));
    let row = |line: &'a str| -> Vec<&'a str> {
        line.trim_matches('|').split('|').map(str::trim).collect()
    };
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| folder");
    section.lines().filter(is_row).map(row).collect()
}

/// The folders from left to right. Those of one step do not use each other.
fn order(page: &str) -> Vec<Vec<String>> {
    let line = page
        .lines()
        .find(|line| line.starts_with("model -> "))
        .expect("the line of folders");
    let step = |step: &str| step.split(',').map(|name| name.trim().to_owned()).collect();
    line.split("->").map(step).collect()
}

fn rules(page: &str) -> Vec<Rule> {
    let rule = |row: &Vec<&str>| {
        let every = row[0].starts_with("everything");
        Rule {
            places: quoted(row[0]).into_iter().collect(),
            but: every,
            words: quoted(row[1]),
        }
    };
    rows(page, "What never happens").iter().map(rule).collect()
}

/// The paths after `crate::` that a line names.
fn used(line: &str) -> Vec<&str> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let path = |at: usize| {
        let rest = &line[at + "crate::".len()..];
        rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())].trim_end_matches(':')
    };
    line.match_indices("crate::")
        .map(|(at, _)| path(at))
        .collect()
}

fn wrong_directions(order: &[Vec<String>], sources: &[Source]) -> Vec<String> {
    let place = |folder: &str| {
        order
            .iter()
            .position(|step| step.iter().any(|f| f == folder))
    };
    let mut wrong = Vec::new();
    for source in sources
        .iter()
        .filter(|s| !matches!(s.module.as_str(), "lib" | "main"))
    {
        let folder = source.folder();
        let Some(here) = place(folder) else {
            wrong.push(format!(
                "{}: the folder '{folder}' is not in the line",
                source.file
            ));
            continue;
        };
        let depth = source.file.trim_end_matches("/mod.rs").matches('/').count();
        for (number, line) in &source.lines {
            // `use crate::{a, b}` would hide names from this test, and `super::` beyond the folder
            // too.
            if line.contains("crate::{") || line.contains(&"super::".repeat(depth)) {
                wrong.push(format!(
                    "{}:{number}: name the module by `use crate::…`",
                    source.file
                ));
            }
            for other in used(line)
                .into_iter()
                .filter_map(|path| path.split("::").next())
            {
                if other != folder && place(other).is_none_or(|there| there >= here) {
                    wrong.push(format!(
                        "{}:{number}: '{folder}' may not use '{other}'",
                        source.file
                    ));
                }
            }
        }
    }
    wrong
}

/// Which modules of its own folder each module names in its `use` lines.
fn uses_inside(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let modules: BTreeSet<&str> = sources.iter().map(|s| s.module.as_str()).collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for path in statements(source) {
            let mut path = path.as_str();
            while !modules.contains(path) {
                match path.rsplit_once("::") {
                    Some((shorter, _)) => path = shorter,
                    None => break,
                }
            }
            let Some(found) = modules.get(path) else {
                continue;
            };
            // A module and the modules inside it are one thing: a file and its own chapters.
            let related = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}::"));
            if !related(found, &source.module) && !related(&source.module, found) {
                uses.entry(&source.module).or_default().insert(found);
            }
        }
    }
    uses
}

/// Every path that the `use` statements of a file name, from the root of the crate on.
fn statements(source: &Source) -> Vec<String> {
    let text: Vec<&str> = source.lines.iter().map(|(_, line)| line.trim()).collect();
    let text = text.join(" ");
    let mut found = Vec::new();
    for statement in text.split("use ").skip(1) {
        let Some((tree, _)) = statement.split_once(';') else {
            continue;
        };
        let (head, names) = tree.split_once('{').unwrap_or((tree, ""));
        let head = match head.trim().strip_prefix("super::") {
            Some(rest) => {
                let mut parent = source
                    .module
                    .rsplit_once("::")
                    .map_or("", |(parent, _)| parent);
                let mut rest = rest;
                while let Some(further) = rest.strip_prefix("super::") {
                    parent = parent.rsplit_once("::").map_or("", |(parent, _)| parent);
                    rest = further;
                }
                format!("{parent}::{rest}")
            }
            None => match head.trim().strip_prefix("crate::") {
                Some(rest) => rest.to_owned(),
                None => continue,
            },
        };
        let names = names.trim_end_matches(['}', ' ']);
        let names = names
            .split([',', '{', '}'])
            .map(|name| name.trim().trim_start_matches("self"));
        found.extend(names.map(|name| format!("{head}{name}").trim_end_matches(':').to_owned()));
    }
    found
}

/// Circles of modules that use each other.
fn circles(uses: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    fn reach<'a>(
        uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        from: &str,
        found: &mut BTreeSet<&'a str>,
    ) {
        for next in uses.get(from).into_iter().flatten() {
            if found.insert(next) {
                reach(uses, next, found);
            }
        }
    }
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for module in uses.keys() {
        reach(uses, module, reached.entry(module).or_default());
    }
    let in_circle = |a: &&str, b: &&str| {
        reached[*a].contains(b) && reached.get(*b).is_some_and(|back| back.contains(a))
    };
    let mut circles = Vec::new();
    for (module, direct) in uses {
        for next in direct.iter().filter(|next| in_circle(module, next)) {
            circles.push(format!("'{module}' and '{next}' use each other"));
        }
    }
    circles
}

fn broken_rules(rules: &[Rule], sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        let applies = |rule: &&Rule| rule.places.iter().any(|p| source.is_in(p)) != rule.but;
        for rule in rules.iter().filter(applies) {
            for (number, line) in &source.lines {
                for word in rule.words.iter().filter(|word| holds(line, word)) {
                    broken.push(format!("{}:{number}: never has {word}", source.file));
                }
            }
        }
    }
    broken
}

/// Whether a line holds a word, as a word: `eprintln!` does not hold `println!`.
fn holds(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next().is_some_and(part);
        !(before && word.starts_with(part) || after && word.ends_with(part))
    })
}

#[track_caller]
fn none(found: &[String]) {
    assert!(
        found.is_empty(),
        "see docs/ARCHITECTURE.md:\n{}",
        found.join("\n")
    );
}

#[test]
fn folders_use_only_folders_to_their_left() {
    none(&wrong_directions(&order(&page()), &sources()));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    none(&circles(&uses_inside(&sources())));
}

#[test]
fn what_never_happens_does_not() {
    let rules = rules(&page());
    assert!(
        rules.len() >= 10,
        "the rules were not read: {}",
        rules.len()
    );
    assert!(
        rules
            .iter()
            .all(|r| !r.words.is_empty() && (r.but || !r.places.is_empty()))
    );
    none(&broken_rules(&rules, &sources()));
}

#[test]
fn every_folder_is_in_the_page_once_and_exists() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let module = |line: &'_ str| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    let mut declared: Vec<String> = lib.lines().filter_map(module).collect();
    let mut in_order: Vec<String> = order(&page()).concat();
    let mut listed: Vec<String> = rows(&page(), "Folders")
        .iter()
        .flat_map(|row| quoted(row[0]))
        .collect();
    for list in [&mut declared, &mut in_order, &mut listed] {
        list.sort_unstable();
    }
    assert_eq!(in_order, declared, "the line of folders and src/lib.rs");
    assert_eq!(listed, declared, "the table of folders and src/lib.rs");
}

#[test]
fn files_say_what_they_are_for_and_stay_short() {
    assert!(page().contains(&format!("at most {MAX_LINES} lines")));
    let mut found = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            found.push(format!("{}: does not begin with //!", path.display()));
        }
        let length = without_tests(&text).count();
        if length > MAX_LINES {
            found.push(format!("{}: {length} lines", path.display()));
        }
    }
    none(&found);
}

#[test]
fn a_secret_is_never_shown() {
    let secret = Secret::new("hidden");
    assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
}
