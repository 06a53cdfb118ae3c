//! Profiles, tables of rules, links and commands in the pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aam_auto_backup::parts::mounts;
use aam_auto_backup::parts::{Exclusion, Kind, Links, Selection, SelectionSpec, Verdict};
use aam_auto_backup::parts::{Family, FullPath};

use super::{PAGES, blocks, load, page, root};

/// What a fragment is put into.
const SMALL: [(&str, &str); 6] = [
    ("version", "version: 1\n"),
    ("name", "name: small\n"),
    ("location", "location: small\n"),
    ("sources", "sources: [/home/allen]\n"),
    (
        "destinations",
        "destinations: {directory: {path: /mnt/backup}}\n",
    ),
    (
        "archive",
        "archive: {encryption-key: {env: AAM_BACKUP_KEY}}\n",
    ),
];

fn completed(fragment: &str) -> String {
    let has = |key: &str| {
        fragment
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")))
    };
    let rest: String = SMALL
        .iter()
        .filter(|(key, _)| !has(key))
        .map(|(_, line)| *line)
        .collect();
    format!("{rest}{fragment}")
}

#[test]
fn every_profile_in_a_page_is_valid() {
    let mut found = 0;
    for block in PAGES
        .into_iter()
        .flat_map(blocks)
        .filter(|b| b.info.starts_with("yaml"))
    {
        load(&if block.info == "yaml fragment" {
            completed(&block.text)
        } else {
            block.text
        });
        found += 1;
    }
    assert!(found >= 2);
}

#[test]
fn every_example_is_valid() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            load(&fs::read_to_string(path).unwrap());
        }
    }
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The rows of the table with this heading.
pub fn table(page: &str, heading: &str) -> Vec<Vec<Vec<String>>> {
    let lines = page
        .lines()
        .skip_while(|line| !line.starts_with(heading))
        .skip(2);
    let rows: Vec<_> = lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(quoted).collect())
        .collect();
    assert!(!rows.is_empty(), "no table {heading}");
    rows
}

#[test]
fn exclusions_leave_out_and_keep_what_the_page_says() {
    for row in table(&page("docs/how-it-decides.md"), "| exclusion |") {
        let exclusion = Exclusion::parse(&row[0][0], Family::Unix).unwrap();
        let (directories, files) = match row[1][0].as_str() {
            "exclude.directories" => (vec![exclusion], vec![]),
            "exclude.files" => (vec![], vec![exclusion]),
            other => panic!("{other}"),
        };
        let source = FullPath::parse("/home/allen").unwrap();
        let spec = SelectionSpec {
            family: Family::Unix,
            sources: vec![source],
            directories,
            files,
            links: Links::Keep,
        };
        let selection = Selection::new(spec);
        let verdict = |path: &str| selection.verdict(&FullPath::parse(path).unwrap(), Kind::File);
        let (out, kept) = (&row[2][0], &row[3][0]);
        assert!(
            matches!(verdict(out), Verdict::Excluded { .. }),
            "{out}: {:?}",
            verdict(out)
        );
        assert!(
            matches!(verdict(kept), Verdict::Selected { .. }),
            "{kept}: {:?}",
            verdict(kept)
        );
    }
}

#[test]
fn mounts_are_what_the_page_says() {
    for row in table(&page("docs/how-it-decides.md"), "| sources |") {
        let sources: Vec<FullPath> = row[0].iter().map(|p| FullPath::parse(p).unwrap()).collect();
        let found: Vec<String> = mounts(&sources)
            .unwrap()
            .iter()
            .map(|m| m.path.to_string())
            .collect();
        assert_eq!(found, row[1], "{:?}", row[0]);
    }
}

#[test]
fn links_lead_somewhere() {
    for name in PAGES {
        let text = page(name);
        let from = root().join(name).parent().unwrap().to_path_buf();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let elsewhere = file.starts_with("https://");
            if elsewhere || (anchor.is_empty() && from.join(file).is_dir()) {
                continue;
            }
            let there = if file.is_empty() {
                text.clone()
            } else {
                fs::read_to_string(from.join(file)).unwrap_or_default()
            };
            assert!(!there.is_empty(), "{name}: {target}");
            let slug = |heading: &str| {
                heading
                    .to_lowercase()
                    .replace(' ', "-")
                    .replace(['`', '.', ',', ':'], "")
            };
            let headings = there
                .lines()
                .filter(|l| l.starts_with('#'))
                .map(|l| slug(l.trim_start_matches(['#', ' '])));
            assert!(
                anchor.is_empty() || headings.into_iter().any(|h| h == anchor),
                "{name}: {target}"
            );
        }
    }
}

/// Whoever installs the program gets the versions of its dependencies that were tested.
#[test]
fn documented_installs_use_the_lock_file() {
    let mut pages = vec![root().join("README.md")];
    let all = fs::read_dir(root().join("docs")).unwrap().flatten();
    pages.extend(
        all.map(|page| page.path())
            .filter(|page| page.extension().is_some_and(|e| e == "md")),
    );
    let mut found = 0;
    for page in pages {
        for line in fs::read_to_string(&page).unwrap().lines() {
            let of_ours =
                line.contains("cargo install --") || line.contains("cargo build --release");
            found += u32::from(of_ours);
            assert!(
                !of_ours || line.contains("--locked"),
                "{}: {line}",
                page.display()
            );
        }
    }
    assert!(found > 1, "{found} lines");
}

/// Every test that the threat model names is there: after the name of a file stands that of a test.
#[test]
fn tests_of_the_threat_model_exist() {
    let page = page("docs/security.md");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut found = 0;
    for row in rows {
        let names = quoted(row);
        for pair in names.windows(2).filter(|pair| pair[0].ends_with(".rs")) {
            let text = fs::read_to_string(root().join(&pair[0])).unwrap_or_default();
            assert!(text.contains(&format!("fn {}(", pair[1])), "{pair:?}");
            found += 1;
        }
    }
    assert!(found >= 20, "{found}");
}

/// The anchors that a text cites as `SPEC#anchor`.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_lowercase() && c != '-')
            .unwrap_or(rest.len())
    };
    text.split("SPEC#")
        .skip(1)
        .map(move |rest| &rest[..end(rest)])
        .filter(|anchor| !anchor.is_empty())
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => rust_files(&path, found),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
}

/// A rule that code or a page cites is in the specification, in a section of that name.
#[test]
fn cited_sections_of_the_specification_exist() {
    assert_eq!(
        cited("(SPEC#exit-codes): SPEC#log.").collect::<Vec<_>>(),
        ["exit-codes", "log"]
    );
    let spec = page("docs/SPEC.md");
    let titles = spec.lines().filter_map(|line| line.strip_prefix("## "));
    let anchors: Vec<String> = titles
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    let mut files = Vec::new();
    ["src", "tests/it"]
        .iter()
        .for_each(|directory| rust_files(&root().join(directory), &mut files));
    files.extend(PAGES.iter().map(|name| root().join(name)));
    for file in files.iter().filter(|file| !file.ends_with("docs/pages.rs")) {
        for anchor in cited(&fs::read_to_string(file).unwrap()) {
            assert!(
                anchors.iter().any(|a| a == anchor),
                "{}: docs/SPEC.md has no section '{anchor}'",
                file.display()
            );
        }
    }
}

fn help(arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// The README's table has every command, and no command or option that is not there.
#[test]
fn commands_in_the_readme_are_those_of_the_program() {
    let mut told: Vec<String> = Vec::new();
    for row in table(&page("README.md"), "| command |") {
        let words: Vec<&str> = row[0][0].split(' ').collect();
        let help =
            help(&words[1..2]).unwrap_or_else(|| panic!("there is no command '{}'", words[1]));
        for option in words.iter().filter(|w| w.starts_with("--")) {
            assert!(help.contains(option), "{}: no {option}", row[0][0]);
        }
        told.push(words[1].to_owned());
    }
    let all = help(&[]).unwrap();
    let listed = all
        .lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty());
    for command in listed
        .filter_map(|l| l.strip_prefix("  ")?.split(' ').next())
        .filter(|c| !c.is_empty())
    {
        assert!(
            command == "help" || told.iter().any(|t| t == command),
            "README.md does not tell of '{command}'"
        );
    }
}

/// The source files that the recipes name exist, and a new kind of store touches four of them.
#[test]
fn the_recipes_name_files_that_exist() {
    let page = page("CONTRIBUTING.md");
    let named = |text: &str| -> Vec<String> {
        let words = text.split('`').skip(1).step_by(2);
        let is_file = |word: &&str| word.starts_with("src/") && !word.contains("KIND");
        words.filter(is_file).map(str::to_owned).collect()
    };
    let missing: Vec<String> = named(&page)
        .into_iter()
        .filter(|file| !root().join(file).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let recipe = page
        .split("## ")
        .find(|s| s.starts_with("Recipe: a new kind of store"));
    let table: Vec<&str> = recipe
        .unwrap()
        .lines()
        .filter(|line| line.trim_start().starts_with("| `src/"))
        .collect();
    assert_eq!(table.len(), 4, "{table:?}");
}
