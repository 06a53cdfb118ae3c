//! The shell blocks of the pages, run one after the other as a newcomer would type them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{Block, PAGES, blocks, page, root};

/// Scripts of this project in a block: CI runs them.
fn is_script(block: &Block) -> bool {
    let ci = page(".ci/run") + &page(".ci/tests");
    let is_run = |line: &str| ci.split_whitespace().any(|word| word == line);
    let mut lines = block.text.lines();
    block.info == "sh" && lines.all(|line| root().join(line).is_file() && is_run(line))
}

const LETTER: &str = "Documents/letters/to grandma.txt";

/// A computer with the files that the pages speak of: `/home/allen` and `/mnt/backup` are
/// directories in `place`.
struct Computer<'a> {
    place: &'a Path,
}

impl Computer<'_> {
    fn here(&self, text: &str) -> String {
        let place = self.place.display();
        text.replace("/home/allen", &format!("{place}/home/allen"))
            .replace("/mnt/backup", &format!("{place}/mnt/backup"))
    }

    fn make(&self) {
        for (file, content) in [
            (LETTER, "Dear grandma"),
            ("Documents/old/forgotten.txt", "excluded"),
            ("Documents/node_modules/x.js", "excluded"),
            ("Documents/draft.tmp", "excluded"),
            ("Pictures/cat.jpg", "a cat"),
        ] {
            let path = self.place.join("home/allen").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        // What a person types when 7-Zip asks.
        let program = self.place.join("bin/7zz");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(
            &program,
            "#!/bin/sh\nPATH=${PATH#*:}\nprintf '%s\\n' \"$AAM_BACKUP_KEY\" | 7zz \"$@\"\n",
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a block; what it exports is there for the next one.
    fn run(&self, block: &Block) {
        let program = Path::new(env!("CARGO_BIN_EXE_aam-backup"))
            .parent()
            .unwrap()
            .display()
            .to_string();
        let by_hand = if block.info == "sh by hand" {
            format!("{}/bin:", self.place.display())
        } else {
            String::new()
        };
        let path = format!("{by_hand}{program}:{}", std::env::var("PATH").unwrap());
        let script = format!(
            "set -eu\nPATH='{path}'\n[ ! -f .exports ] || . ./.exports\n{}\nexport -p | grep AAM_BACKUP_KEY >.exports || true\n",
            self.here(&block.text)
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(self.place)
            .env_remove("AAM_BACKUP_KEY")
            .env("AAM_BACKUP_STATE_DIR", self.place.join("state"))
            .env("TMPDIR", self.place)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}:{}: {}\n{}{}{}",
            block.page,
            block.line,
            output.status,
            block.text,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn holds(&self, file: &str, content: &str) {
        let found =
            fs::read_to_string(self.place.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(found, content, "{file}");
    }
}

#[test]
fn every_shell_block_runs() {
    let scratch = tempfile::tempdir().unwrap();
    let computer = Computer {
        place: scratch.path(),
    };
    computer.make();
    let mut ran = 0;
    for name in PAGES {
        if name == "docs/restore.md" {
            // So that there is an incremental backup to restore.
            fs::write(
                scratch.path().join("home/allen").join(LETTER),
                "Dear grandma, again",
            )
            .unwrap();
            let text = "aam-backup run documents.yaml\n".to_owned();
            computer.run(&Block {
                page: name,
                line: 0,
                section: String::new(),
                info: "sh".to_owned(),
                text,
            });
        }
        for block in blocks(name) {
            match block.info.split_once(' ').unwrap_or((&block.info, "")) {
                ("yaml", file) if file.ends_with(".yaml") => {
                    fs::write(scratch.path().join(file), computer.here(&block.text)).unwrap();
                }
                ("text" | "bat", file) if !file.is_empty() => {
                    fs::write(scratch.path().join(file), &block.text).unwrap();
                }
                ("sh", "" | "by hand") if !is_script(&block) => {
                    computer.run(&block);
                    ran += 1;
                }
                ("sh", "" | "aws" | "debian" | "install" | "terraform")
                | ("text" | "bat" | "mermaid", "")
                | ("yaml", "fragment") => {}
                _ => panic!(
                    "{name}:{}: what is to be done with a block '{}'?",
                    block.line, block.info
                ),
            }
        }
    }
    assert!(ran >= 5, "only {ran} blocks were run");
    for (copy, content) in [
        ("tried/1", "Dear grandma"),
        ("everything/1", "Dear grandma"),
        ("letters/1", "Dear grandma"),
        ("anew/1", "Dear grandma"),
        ("restored/1", "Dear grandma, again"),
        ("by-hand", "Dear grandma, again"),
    ] {
        computer.holds(&format!("{copy}/{LETTER}"), content);
        assert!(
            !scratch
                .path()
                .join(copy)
                .join("Documents/draft.tmp")
                .exists()
        );
    }
    assert!(!scratch.path().join("letters/1/Pictures").exists());
}

#[test]
fn scripts_in_blocks_are_run_by_ci() {
    let scripts: usize = PAGES.into_iter().flat_map(blocks).filter(is_script).count();
    assert_eq!(
        scripts, 3,
        "examples/quickstart.sh, and tests/run.sh in two pages"
    );
}

/// `packaging/try-debian.sh` takes its commands from the page, and CI runs it.
#[test]
fn the_first_hour_is_tried_in_a_debian() {
    let steps = blocks("docs/first-hour.md");
    assert!(steps.iter().all(|block| block.info == "sh debian"));
    let sections: Vec<&str> = steps.iter().map(|block| block.section.as_str()).collect();
    let script = page("packaging/try-debian.sh");
    assert!(
        script.contains(&format!("-eq {} ]", sections.len())),
        "{sections:?}"
    );
    for section in [
        "Install",
        "Back up",
        "Schedule",
        "Restore one file",
        "Upgrade",
        "Remove",
    ] {
        assert!(sections.contains(&section), "{section}: {sections:?}");
        let proved = [format!("    {section})"), format!("    \"{section}\")")];
        assert!(
            proved.iter().any(|proof| script.contains(proof)),
            "no proof of '{section}'"
        );
    }
    let version = concat!("aam-backup_", env!("CARGO_PKG_VERSION"));
    assert!(steps[0].text.contains(version), "{}", steps[0].text);
}
