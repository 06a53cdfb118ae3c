//! Colors of the words that matter: `error:` and `warning:` at the beginning of a line. Not with
//! `NO_COLOR`, also in a pipe with `CLICOLOR_FORCE`, else on a terminal.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::sync::LazyLock;

use clap::builder::styling::AnsiColor;

/// What decides: two variables of the environment, and where standard error goes.
#[derive(Clone, Copy, Debug)]
struct Wishes<'a> {
    no_color: Option<&'a OsStr>,
    force: Option<&'a OsStr>,
    is_terminal: bool,
}

impl Wishes<'_> {
    fn wants_colors(self) -> bool {
        let is_set = |value: Option<&OsStr>| value.is_some_and(|value| !value.is_empty());
        match () {
            () if is_set(self.no_color) => false,
            () if is_set(self.force) && self.force != Some(OsStr::new("0")) => true,
            () => self.is_terminal,
        }
    }
}

/// Whether standard error is colored.
static COLORED: LazyLock<bool> = LazyLock::new(|| {
    let value = |name: &str| std::env::var_os(name);
    let is_dumb = value("TERM").is_none_or(|term| term == "dumb");
    Wishes {
        no_color: value("NO_COLOR").as_deref(),
        force: value("CLICOLOR_FORCE").as_deref(),
        is_terminal: std::io::stderr().is_terminal() && !is_dumb,
    }
    .wants_colors()
});

/// The text as standard error shows it.
pub fn shown(text: &str) -> Cow<'_, str> {
    match *COLORED {
        true => Cow::Owned(painted(text)),
        false => Cow::Borrowed(text),
    }
}

fn painted(text: &str) -> String {
    let line = |line: &str| {
        for (word, color) in [("error:", AnsiColor::Red), ("warning:", AnsiColor::Yellow)] {
            if let Some(rest) = line.strip_prefix(word) {
                let style = color.on_default().bold();
                return format!("{style}{word}{style:#}{rest}");
            }
        }
        line.to_owned()
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_before_the_terminal() {
        for (no_color, force, is_terminal, expected) in [
            (None, None, true, true),
            (None, None, false, false),
            (Some("1"), None, true, false),
            (Some(""), None, true, true),
            (None, Some("1"), false, true),
            (None, Some("0"), false, false),
            (Some("1"), Some("1"), true, false),
        ] {
            let wishes = Wishes {
                no_color: no_color.map(OsStr::new),
                force: force.map(OsStr::new),
                is_terminal,
            };
            assert_eq!(wishes.wants_colors(), expected, "{wishes:?}");
        }
    }

    #[test]
    fn only_words_at_the_beginning_of_a_line_are_painted() {
        let text = painted("error: a warning: b\nwarning: c\n  hint: d\n");
        let expected = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m a warning: b\n\
                        \u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m c\n  hint: d\n";
        assert_eq!(text, expected);
    }
}
