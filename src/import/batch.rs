//! Batch files: the v1.0 command line in one, as the words that v1.0 got.
//!
//! As much of `cmd` as such files use: continued lines, `set`, `%NAME%`, `%%`, `^`, and where a
//! command ends.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::remark::{Remark, RemarkPlace};
use super::restores;
use super::words::{INCREMENTAL_ONLY, REGULAR, split};

/// What `cmd` does not run, or what only shows text.
const NO_COMMANDS: [&str; 4] = ["rem", "echo", "title", "goto"];

/// Values of variables by name, in upper case.
pub type Variables = BTreeMap<String, String>;

/// The command line of a v1.0 backup.
pub struct CommandLine {
    /// From the operation type on. Secrets are among them: never shown.
    pub words: Vec<String>,
    /// The variables in it whose values are not known, as they stand there: `%NAME%`.
    pub unknown: Vec<String>,
}

impl CommandLine {
    /// One command line that no `cmd` has read: that of a Task Scheduler task, or of an editor.
    ///
    /// # Errors
    /// When it is not that of a backup.
    pub fn of_line(line: &str, variables: &Variables) -> Result<CommandLine, Remark> {
        let (line, unknown) = expand(line, variables, "%");
        CommandLine::of_words(split(&line)).map(|command| CommandLine { unknown, ..command })
    }

    /// Words that a shell has split already. Words before the operation type do not belong to v1.0.
    ///
    /// # Errors
    /// When they do not contain an operation type.
    pub fn of_words(words: Vec<String>) -> Result<CommandLine, Remark> {
        match words
            .iter()
            .position(|word| word == REGULAR || word == INCREMENTAL_ONLY)
        {
            Some(at) => Ok(CommandLine {
                words: words.into_iter().skip(at).collect(),
                unknown: Vec::new(),
            }),
            None => Err(no_backup(RemarkPlace::Whole, restores::command(&words))),
        }
    }

    /// The one backup command of a batch file.
    ///
    /// # Errors
    /// When it contains no backup command or several.
    pub fn of_batch(file: &str, text: &str, given: &Variables) -> Result<CommandLine, Remark> {
        let mut variables = given.clone();
        let mut found: Vec<(usize, CommandLine)> = Vec::new();
        let mut restore = None;
        let delayed = text.to_lowercase().contains("enabledelayedexpansion");
        for (number, line) in logical_lines(text) {
            let line = line.trim_start_matches(['@', ' ', '\t']);
            let first = line
                .split([' ', '\t', '.', ':'])
                .next()
                .unwrap_or_default()
                .to_lowercase();
            if line.starts_with(':') || NO_COMMANDS.contains(&first.as_str()) {
                continue;
            }
            // `cmd` drops a `%` that begins nothing.
            let (line, unknown) = expand(line, &variables, "");
            if let Some((name, value)) = assignment(&line) {
                let name = name.to_uppercase();
                // What is given with --variable is what a person knows.
                if !given.contains_key(&name) {
                    variables.insert(name, value);
                }
                continue;
            }
            let words = split(&one_command(&line));
            restore = restore.or_else(|| restores::command(&words));
            if let Ok(command) = CommandLine::of_words(words) {
                let spot = RemarkPlace::Line(file.to_owned(), number);
                readable(spot, &line, &unknown, delayed)?;
                found.push((number, CommandLine { unknown, ..command }));
            }
        }
        match found.len() {
            0 => Err(no_backup(RemarkPlace::Line(file.to_owned(), 1), restore)),
            1 => found
                .pop()
                .map(|(_, command)| command)
                .ok_or_else(|| no_backup(RemarkPlace::Whole, restore)),
            _ => {
                let lines: Vec<String> = found.iter().map(|(line, _)| line.to_string()).collect();
                let message = format!(
                    "contains several v1.0 backup commands, on lines {}",
                    lines.join(", ")
                );
                let spot =
                    RemarkPlace::Line(file.to_owned(), found.first().map_or(1, |(line, _)| *line));
                Err(Remark::error(spot, message)
                    .hint("make a copy of the file with only one of them, and import the copy"))
            }
        }
    }
}

/// Refuses a command if its words depend on something that only `cmd` knows.
fn readable(
    spot: RemarkPlace,
    line: &str,
    unknown: &[String],
    delayed: bool,
) -> Result<(), Remark> {
    if unknown.iter().any(|name| name.contains('"')) {
        let message = "`cmd` treats the text between two `%`, across arguments, as a variable";
        return Err(
            Remark::error(spot, message).hint("write a percent sign as `%%` in a batch file")
        );
    }
    if delayed && line.contains('!') {
        let message = "`!` marks a variable because `enabledelayedexpansion` is set; `import` cannot read that";
        return Err(
            Remark::error(spot, message).hint("write the values into a copy of the batch file")
        );
    }
    Ok(())
}

fn no_backup(spot: RemarkPlace, restore: Option<String>) -> Remark {
    if let Some(command) = restore {
        let message = "is a v1.0 restore command, which needs no profile";
        let hint = format!(
            "the command is now `{command}`; it asks for the archive key, and takes the access key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        return Remark::error(spot, message).hint(hint);
    }
    Remark::error(
        spot,
        format!("no v1.0 backup command was found: the text contains neither `{REGULAR}` nor `{INCREMENTAL_ONLY}`"),
    )
    .hint("give a batch file that starts v1.0, or its command line with --command-line")
}

/// Lines with their numbers. A `^` at the end, outside of quotes, continues with the next line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, last)) => last.push_str(line),
            None => lines.push((number, line.to_owned())),
        }
        goes_on = false;
        if let Some((_, last)) = lines.last_mut() {
            let carets = last.len() - last.trim_end_matches('^').len();
            if carets % 2 == 1 && last.matches('"').count() % 2 == 0 {
                last.pop();
                goes_on = true;
            }
        }
    }
    lines
}

/// `set NAME=VALUE` and `set "NAME=VALUE"`.
fn assignment(line: &str) -> Option<(&str, String)> {
    let (command, rest) = line.split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    if !command.eq_ignore_ascii_case("set") || rest.starts_with('/') {
        return None;
    }
    let (name, value) = match rest.strip_prefix('"') {
        Some(rest) => rest
            .rsplit_once('"')
            .map_or(rest, |(inner, _)| inner)
            .split_once('=')?,
        None => rest.split_once('=')?,
    };
    Some((
        name,
        if rest.starts_with('"') {
            value.to_owned()
        } else {
            one_command(value)
        },
    ))
}

/// `%%`, an argument of the batch file such as `%1` or `%~dp0`, a variable, a `%` alone.
static PERCENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"%%|%~[A-Za-z]*[0-9]|%[0-9*]|%([^%\r\n]+)%|%")
        .unwrap_or_else(|e| unreachable!("a constant pattern: {e}"))
});

/// Puts in the values that are known; the second part are those that are not. A `%` alone becomes
/// `alone`.
fn expand(line: &str, variables: &Variables, alone: &str) -> (String, Vec<String>) {
    let mut unknown = Vec::new();
    let value = |found: &Captures<'_>| {
        let whole = &found[0];
        let known = found
            .get(1)
            .and_then(|name| variables.get(&name.as_str().to_uppercase()));
        match known {
            Some(value) => value.clone(),
            None if whole == "%%" => "%".to_owned(),
            None if whole == "%" => alone.to_owned(),
            None => {
                unknown.push(whole.to_owned());
                whole.to_owned()
            }
        }
    };
    let line = PERCENT.replace_all(line, value).into_owned();
    (line, unknown)
}

/// The first command of a line, as `cmd` passes it on: outside quotes `^` protects a character, and
/// `&`, `|`, `<` and `>` end the command.
fn one_command(line: &str) -> String {
    let mut command = String::new();
    let mut quoted = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted = !quoted,
            '^' if !quoted => {
                command.extend(rest.next());
                continue;
            }
            '&' | '|' if !quoted => break,
            '<' | '>' if !quoted => {
                // The number of a redirected stream is not a word: `2>nul`.
                let number = command.ends_with(|c: char| c.is_ascii_digit())
                    && command
                        .trim_end_matches(|c: char| c.is_ascii_digit())
                        .ends_with([' ', '\t']);
                if number {
                    command.pop();
                }
                break;
            }
            _ => {}
        }
        command.push(c);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        CommandLine::of_batch("b.bat", text, &Variables::new())
            .map(|c| c.words)
            .unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn the_command_among_other_lines() {
        for (text, expected) in [
            (
                "AAM_auto_backup.py regular-backup user \"\"",
                &["regular-backup", "user", ""][..],
            ),
            (
                "@echo off\r\ncd /D \"C:\\x\"\r\n@python.exe \"A B.py\" regular-backup user\r\npause\r\n",
                &["regular-backup", "user"],
            ),
            (
                "rem x regular-backup a\necho regular-backup b\n:: regular-backup c\nx regular-backup d",
                &["regular-backup", "d"],
            ),
            (
                "x incremental-only-backup ^\n  a ^\n  \"b c\"\nexit",
                &["incremental-only-backup", "a", "b c"],
            ),
            (
                "x regular-backup local^|AWS ^& a",
                &["regular-backup", "local|AWS", "&", "a"],
            ),
            (
                "x regular-backup \"local|AWS\" \"a^b\" > log.txt 2>&1",
                &["regular-backup", "local|AWS", "a^b"],
            ),
            ("x regular-backup a 2>nul", &["regular-backup", "a"]),
            ("x regular-backup a2>nul", &["regular-backup", "a2"]),
            ("x regular-backup a && pause", &["regular-backup", "a"]),
            (
                "set K=a b\nset \"L=c d\" x\nx regular-backup \"%k%\" %L% 100%%",
                &["regular-backup", "a b", "c", "d", "100%"],
            ),
            ("x regular-backup \"5% of\"", &["regular-backup", "5 of"]),
            (
                "SET KEY=a^&b\nx regular-backup \"%KEY%\"",
                &["regular-backup", "a&b"],
            ),
            (
                "x regular-backup \"%USERPROFILE%\\logs\"",
                &["regular-backup", "%USERPROFILE%\\logs"],
            ),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn variables_that_nobody_knows_are_told() {
        let text = "set A=1\nx regular-backup %A% %B% %~dp0x %2 %A:1=2% 5%%";
        let given = Variables::from([("C".to_owned(), "3".to_owned())]);
        let command =
            CommandLine::of_batch("b.bat", text, &given).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(command.unknown, ["%B%", "%~dp0", "%2", "%A:1=2%"]);
        let given = Variables::from([("A".to_owned(), "3".to_owned())]);
        let command =
            CommandLine::of_batch("b.bat", text, &given).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(command.words[1], "3", "what is given counts");
    }

    #[test]
    fn no_command_or_several() {
        let said = |text: &str| match CommandLine::of_batch("b.bat", text, &Variables::new()) {
            Ok(_) => String::new(),
            Err(finding) => finding.to_string(),
        };
        assert!(
            said("@echo off\n").starts_with("error: b.bat:1: no v1.0 backup command"),
            "{}",
            said("@echo off\n")
        );
        for (text, expected) in [
            (
                "\nx regular-backup \"5% of\" \"6%\"",
                "error: b.bat:2: `cmd` treats the text between two `%`",
            ),
            (
                "setlocal EnableDelayedExpansion\nx regular-backup !A!",
                "error: b.bat:2: `!` marks a variable",
            ),
        ] {
            assert!(said(text).starts_with(expected), "{}", said(text));
        }
        assert!(said("x one-step-aws-data-restoration a").contains("v1.0 restore command"));
        let several = said("x regular-backup a\n\nx incremental-only-backup b");
        assert!(
            several.starts_with(
                "error: b.bat:1: contains several v1.0 backup commands, on lines 1, 3"
            ),
            "{several}"
        );
    }
}
