//! Examples at the end of `--help`. A test parses every one of them.

/// Of the program.
pub const FIRST: &str = "\
Examples:
  aam-backup init                      write a first profile
  aam-backup doctor documents          test everything that it needs
  aam-backup run documents             make a backup
  aam-backup restore documents --to restored";

/// Of `check`.
pub const CHECK: &str = "\
Examples:
  aam-backup check documents.yaml
  aam-backup check documents pictures --format json";

/// Of `plan`.
pub const PLAN: &str = "\
Examples:
  aam-backup plan documents
  aam-backup plan documents --diff
  aam-backup plan documents --upload-speed 50";

/// Of `run`.
pub const RUN: &str = "\
Examples:
  aam-backup run documents
  aam-backup run documents --destination mirror
  aam-backup run documents --mode incremental-only
  aam-backup run --all";

/// Of `status`.
pub const STATUS: &str = "\
Examples:
  aam-backup status
  aam-backup status documents";

/// Of `sets`.
pub const SETS: &str = "\
Examples:
  aam-backup sets documents
  aam-backup sets documents --timeline
  aam-backup sets documents --all-locations --max-age 26h
  aam-backup sets --location laptop --directory /mnt/backup/archives";

/// Of `find`.
pub const FIND: &str = "\
Examples:
  aam-backup find documents *.odt
  aam-backup versions documents /home/allen/Documents/letter.odt";

/// Of `restore`.
pub const RESTORE: &str = "\
Examples:
  aam-backup restore documents --to restored
  aam-backup restore documents --to letters --only /home/allen/Documents/letters
  aam-backup restore documents --to last-week --at 2026-11-20
  aam-backup restore --location laptop --directory /mnt/backup/archives --to new";

/// Of `restore status`.
pub const RESTORE_STATUS: &str = "\
Examples:
  aam-backup restore status documents --to restored
  aam-backup restore status documents --format json";

/// Of `explain`.
pub const EXPLAIN: &str = "\
Examples:
  aam-backup explain documents /home/allen/Documents/letter.odt";

/// Of `doctor`.
pub const DOCTOR: &str = "\
Examples:
  aam-backup doctor documents
  aam-backup doctor documents --try";

/// Of `schedule`.
pub const SCHEDULE: &str = "\
Examples:
  aam-backup schedule show documents
  aam-backup schedule install documents --at 02:30 --at 14:30
  aam-backup schedule install documents --mode incremental-only --every hour
  aam-backup schedule status documents";

/// Of `verify`.
pub const VERIFY: &str = "\
Examples:
  aam-backup verify documents
  aam-backup verify documents --all --destination mirror";

/// Of `prune`.
pub const PRUNE: &str = "\
Examples:
  aam-backup prune documents --dry-run
  aam-backup prune documents --yes";

/// Of `copy`.
pub const COPY: &str = "\
Examples:
  aam-backup copy documents --from s3 --to-directory /mnt/second/archives";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory, Parser};

    use crate::cli::Cli;

    /// The examples of a command and of those below it.
    fn examples(command: &Command, found: &mut Vec<String>) {
        let after = command.get_after_help().map(ToString::to_string);
        let after = after.unwrap_or_default();
        for line in after.lines() {
            // A path after `>` is as long as it is.
            assert!(line.len() <= 80 || line.contains('>'), "{line}");
        }
        let joined = after.replace(" \\\n      ", " ");
        let lines = joined.lines().filter(|l| l.starts_with("  aam-backup "));
        found.extend(lines.map(|line| line.trim().to_owned()));
        let below = command.get_subcommands();
        below.for_each(|command| examples(command, found));
    }

    #[test]
    fn every_example_is_a_command() {
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert!(found.len() > 25, "{found:#?}");
        for line in found {
            // What follows three spaces says what it does; the rest is for a shell.
            let ends = ["   ", " >", " |"].iter().filter_map(|end| line.find(end));
            let words = line[..ends.min().unwrap_or(line.len())].split_whitespace();
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
