//! `docs/import.md`: its profile is what the program makes of its batch file and instruction file.

use crate::support::golden;
use std::fs;
use std::process::Command;

use super::{Block, blocks, page, root};

const PAGE: &str = "docs/import.md";

fn block(info: &str) -> Block {
    blocks(PAGE)
        .into_iter()
        .find(|block| block.info == info)
        .unwrap_or_else(|| panic!("{PAGE}: no block '{info}'"))
}

#[test]
fn the_profile_of_the_page_is_made_by_its_command() {
    let scratch = tempfile::tempdir().unwrap();
    for file in ["bat regular.bat", "text instructions.txt"] {
        let name = file.split(' ').next_back().unwrap();
        fs::write(
            scratch.path().join(name),
            block(file).text.replace('\n', "\r\n"),
        )
        .unwrap();
    }
    let shell = block("sh").text;
    let line = shell.lines().next().unwrap();
    let words: Vec<&str> = line
        .split(' ')
        .skip(1)
        .take_while(|word| *word != "--output")
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(words)
        .args(["--name", "nightly"])
        .current_dir(scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{line}\n{said}");
    let fence = "```yaml nightly.yaml\n";
    let text = page(PAGE);
    let (before, rest) = text.split_once(fence).unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let profile = String::from_utf8(output.stdout).unwrap();
    golden::compare(
        &root().join(PAGE),
        format!("{before}{fence}{profile}```\n{after}"),
    );
    for word in ["1234abcd1234abcd", "AKIAEXAMPLE", "example/secret+key"] {
        assert!(!profile.contains(word) && !said.contains(word), "{said}");
    }
}
