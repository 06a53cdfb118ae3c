//! `docs/ARCHITECTURE.md` and the sources agree: the order of modules, and what never happens.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aam_auto_backup::model::secret::Secret;

const MAX_LINES: usize = 400;

/// One source file without its tests and comments.
pub struct Source {
    pub file: String,
    module: String,
    pub lines: Vec<(usize, String)>,
}

/// A row of the second kind of table.
struct Rule {
    modules: BTreeSet<String>,
    /// Whether `modules` are those it does not apply to.
    but: bool,
    words: Vec<String>,
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
    (1..).zip(text.lines()).take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
}

pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for path in files() {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines = without_tests(&text)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line).to_owned()))
            .collect();
        let module = file.trim_start_matches("src/").split(['/', '.']).next().unwrap().to_owned();
        sources.push(Source { file, module, lines });
    }
    sources
}

/// The words between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows<'a>(page: &'a str, from: &str) -> Vec<Vec<&'a str>> {
    let section = page.split("\n## ").find(|s| s.starts_with(from)).unwrap_or_else(|| panic!("no section {from}"));
    let row = |line: &'a str| -> Vec<&'a str> { line.trim_matches('|').split('|').map(str::trim).collect() };
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| module |");
    section.lines().filter(is_row).map(row).collect()
}

/// Modules in the page's order; those of one row may use each other.
fn order(page: &str) -> Vec<Vec<String>> {
    rows(page, "Modules").iter().map(|row| quoted(row[0])).collect()
}

fn rules(page: &str) -> Vec<Rule> {
    let rule = |row: &Vec<&str>| {
        let every = row[0].starts_with("every module");
        Rule { modules: quoted(row[0]).into_iter().collect(), but: every, words: quoted(row[1]) }
    };
    rows(page, "What never happens").iter().map(rule).collect()
}

/// Modules of this crate that a line names.
fn used(line: &str) -> Vec<&str> {
    let name = |rest: &'static str, line: &str| -> Vec<usize> { line.match_indices(rest).map(|(i, _)| i).collect() };
    let end = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    name("crate::", line)
        .into_iter()
        .map(|at| &line[at + "crate::".len()..])
        .map(|rest| &rest[..end(rest)])
        .filter(|name| !name.is_empty())
        .collect()
}

fn wrong_directions(order: &[Vec<String>], sources: &[Source]) -> Vec<String> {
    let place = |module: &str| order.iter().position(|row| row.iter().any(|m| m == module));
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|s| !matches!(s.module.as_str(), "lib" | "main")) {
        let Some(here) = place(&source.module) else {
            wrong.push(format!("{}: the module '{}' is in no table", source.file, source.module));
            continue;
        };
        let depth = source.file.trim_end_matches("/mod.rs").matches('/').count();
        for (number, line) in &source.lines {
            // `use crate::{a, b}` would hide names from this test, and `super::` beyond the module too.
            if line.contains("crate::{") || line.contains(&"super::".repeat(depth)) {
                wrong.push(format!("{}:{number}: name the module by `use crate::…`", source.file));
            }
            for module in used(line) {
                if place(module).is_none_or(|there| there > here) {
                    wrong.push(format!("{}:{number}: '{}' may not use '{module}'", source.file, source.module));
                }
            }
        }
    }
    wrong
}

fn broken_rules(rules: &[Rule], sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        for rule in rules.iter().filter(|r| r.modules.contains(&source.module) != r.but) {
            for (number, line) in &source.lines {
                for word in rule.words.iter().filter(|word| holds(line, word)) {
                    broken.push(format!("{}:{number}: '{}' never has {word}", source.file, source.module));
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
    assert!(found.is_empty(), "see docs/ARCHITECTURE.md:\n{}", found.join("\n"));
}

#[test]
fn modules_use_only_modules_above_them() {
    none(&wrong_directions(&order(&page()), &sources()));
}

#[test]
fn what_never_happens_does_not() {
    let rules = rules(&page());
    assert!(rules.len() >= 10, "the rules were not read: {}", rules.len());
    assert!(rules.iter().all(|r| !r.words.is_empty() && (r.but || !r.modules.is_empty())));
    none(&broken_rules(&rules, &sources()));
}

#[test]
fn every_module_is_in_the_page_once_and_exists() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut declared: Vec<&str> = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let order = order(&page());
    let mut listed: Vec<&str> = order.iter().flatten().map(String::as_str).collect();
    declared.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, declared, "the modules in docs/ARCHITECTURE.md and those in src/lib.rs");
}

/// A type that the page names must be there: `Plan` as `struct Plan`, `enum`, `trait`, `type` or `fn`.
#[test]
fn types_at_the_borders_exist() {
    let all: Vec<(PathBuf, String)> =
        files().into_iter().map(|p| (p.clone(), fs::read_to_string(p).unwrap())).collect();
    let page = page();
    for row in rows(&page, "Modules") {
        let modules = quoted(row[0]);
        for name in quoted(row[2]) {
            let defined = all.iter().any(|(path, text)| {
                let path = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().replace('\\', "/");
                let module = path.split(['/', '.']).next().unwrap().to_owned();
                let kinds = ["struct", "enum", "trait", "type", "fn"];
                modules.contains(&module)
                    && kinds.iter().any(|k| text.lines().any(|l| holds(l, &format!("{k} {name}"))))
            });
            assert!(defined, "{modules:?} has no '{name}'");
        }
    }
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

/// The rules above would see what they are for.
#[test]
fn the_checks_can_fail() {
    let source = |file: &str, line: &str| Source {
        file: format!("src/{file}"),
        module: file.split(['/', '.']).next().unwrap().to_owned(),
        lines: vec![(1, line.to_owned())],
    };
    let page = page();
    for (file, line, direction) in [
        ("plan/mod.rs", "use crate::exec::Execution;", true),
        ("plan/mod.rs", "let x = crate::survey::survey();", true),
        ("plan/mod.rs", "use crate::{cli, job};", true),
        ("text.rs", "use super::cli::Exit;", true),
        ("store/s3/errors.rs", "use super::super::super::plan::Plan;", true),
        ("new.rs", "", true),
        ("plan/mod.rs", "use std::fs;", false),
        ("plan/scope.rs", "let now = Utc::now();", false),
        ("render/mod.rs", "std::fs::write(a, b)", false),
        ("store/mod.rs", "use crate::name::ObjectName;", false),
        ("exec.rs", "eprintln!(\"x\");", false),
        ("secret.rs", "#[derive(Serialize)]", false),
        ("walk/mod.rs", "unsafe { f() }", false),
        ("walk/mod.rs", "f().unwrap()", false),
        ("stage/mod.rs", "key.expose()", false),
    ] {
        let sources = [source(file, line)];
        let found = match direction {
            true => wrong_directions(&order(&page), &sources),
            false => broken_rules(&rules(&page), &sources),
        };
        assert!(!found.is_empty(), "{file}: {line}");
    }
    let fine = [source("exec.rs", "writeln!(out, \"println\").unwrap_or_default(); unsafely();")];
    none(&broken_rules(&rules(&page), &fine));
    none(&wrong_directions(&order(&page), &[source("store/s3/errors.rs", "use super::super::StoreError;")]));
}
