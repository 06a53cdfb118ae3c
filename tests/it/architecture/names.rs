//! Names, lengths, crates and citations.

use super::*;

/// Type names that are defined more than once, and why they may be.
pub(super) const SHARED_NAMES: &[(&str, &str)] = &[(
    "Tree",
    "a process and what it started: one for each operating system",
)];

/// The name of the type that a line defines at the top of its file.
pub(super) fn defined(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line
        .split_once(") ")
        .filter(|(v, _)| v.starts_with("pub("))
        .map_or(line, |(_, l)| l);
    let rest = ["struct ", "enum ", "trait ", "type "]
        .iter()
        .find_map(|kind| line.strip_prefix(kind))?;
    Some(
        &rest[..rest
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(rest.len())],
    )
}

#[test]
fn one_noun_is_one_type() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for (number, line) in &source.lines {
            if let Some(name) = defined(line) {
                files
                    .entry(name.to_owned())
                    .or_default()
                    .push(format!("{}:{number}", source.file));
            }
        }
    }
    assert!(
        files.len() > 200,
        "definitions were not found: {}",
        files.len()
    );
    let allowed: BTreeSet<&str> = SHARED_NAMES.iter().map(|(name, _)| *name).collect();
    assert!(allowed.len() <= 6, "too many names are shared");
    files.retain(|name, places| places.len() > 1 && !allowed.contains(name.as_str()));
    let found: Vec<String> = files
        .iter()
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    none(&found);
}

/// Lines of a function from `fn` to its closing bracket.
pub(super) fn long_functions(sources: &[Source], most: usize) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let mut open: Option<(usize, usize, &str)> = None;
        for (number, line) in &source.lines {
            let indent = line.len() - line.trim_start().len();
            let start = line.trim_start();
            if open.is_none()
                && (start.starts_with("fn ") || start.contains(" fn "))
                && !line.ends_with(';')
            {
                open = Some((*number, indent, start));
            } else if let Some((first, column, name)) = open
                && indent == column
                && (start == "}" || start.ends_with(';'))
            {
                if number - first + 1 > most {
                    found.push(format!(
                        "{}:{first}: {} lines: {name}",
                        source.file,
                        number - first + 1
                    ));
                }
                open = None;
            }
        }
    }
    found
}

#[test]
fn functions_are_short_and_lines_fit() {
    let sources = sources();
    let long = long_functions(&sources, 60);
    assert!(
        long.len() <= 10,
        "functions of more than 60 lines:\n{}",
        long.join("\n")
    );
    let all: usize = sources.iter().map(|source| source.lines.len()).sum();
    let wide: Vec<String> = sources
        .iter()
        .flat_map(|s| {
            s.lines
                .iter()
                .filter(|(_, l)| l.chars().count() > 100)
                .map(|(n, _)| format!("{}:{n}", s.file))
        })
        .collect();
    assert!(
        wide.len() * 100 <= all,
        "{} of {all} lines are wider than 100 columns:\n{}",
        wide.len(),
        wide.join("\n")
    );
}

/// Crates in `Cargo.toml` that no code names. `md-5` is `md5` in code.
pub(super) fn unnamed_crates(manifest: &str, code: &str) -> Vec<String> {
    let mut dependencies = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            dependencies = line.ends_with("dependencies]") && !line.contains("dev-");
        } else if let (true, Some((name, _))) = (dependencies, line.split_once(" =")) {
            let named = match name {
                "md-5" => "md5".to_owned(),
                _ => name.replace('-', "_"),
            };
            let word = |part: &str| part.starts_with("::") || part.starts_with(['.', '{']);
            if !code.split(&named).skip(1).any(word) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_crate_is_named_by_code() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = sources().into_iter().flat_map(|source| source.lines);
    let code: Vec<String> = lines.map(|(_, line)| line).collect();
    none(&unnamed_crates(&manifest, &code.join("\n")));
    let with_more = format!("{manifest}\n[dependencies]\nno-such-crate = \"1\"\n");
    assert_eq!(
        unnamed_crates(&with_more, &code.join("\n")),
        ["no-such-crate"]
    );
}

/// Comments cite the specification by its anchors (`SPEC#log`), and no text that is not here.
#[test]
fn nothing_is_cited_that_is_not_here() {
    let absent = ["SPEC \u{a7}", "design L", "FACTS", "LAYOUT.md"];
    let mut found = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let cites = |word: &&&str| line.contains(**word);
            if let Some(word) = absent.iter().find(cites) {
                found.push(format!("{}:{number}: cites '{word}'", path.display()));
            }
        }
    }
    none(&found);
}
