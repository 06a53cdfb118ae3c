//! How a program ended, and what it said.

use super::*;

/// How a run of the program ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Ended with this exit code.
    pub fn exit(&self, code: i32) -> &Ran {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Said this, on either output.
    pub fn says(&self, phrase: &str) -> &Ran {
        assert!(
            self.stdout.contains(phrase) || self.stderr.contains(phrase),
            "not said: {phrase}\n{self}"
        );
        self
    }

    /// Did not say this.
    pub fn never_says(&self, phrase: &str) -> &Ran {
        assert!(
            !self.stdout.contains(phrase) && !self.stderr.contains(phrase),
            "said: {phrase}\n{self}"
        );
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {:?}\n--- stdout\n{}--- stderr\n{}---",
            self.code, self.stdout, self.stderr
        )
    }
}
