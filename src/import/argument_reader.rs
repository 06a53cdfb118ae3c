//! Reads the 22 arguments of v1.0 from the words of a command line.

use std::time::Duration;

use super::arguments::{Arguments, Aws, EmailArguments, Kept, MirrorArguments};
use super::batch::CommandLine;
use super::remark::{NAMES, Remark, RemarkLevel, RemarkPlace};
use super::words::{INCREMENTAL_ONLY, REGULAR};
use crate::model::policy::ExtraFiles;
use crate::model::secret::Secret;
use crate::plan::backup::Mode;

/// The numbers of those that hold secrets.
const SECRETS: [usize; 3] = [16, 19, 20];
/// The words of arguments 21 and 22; the first one of each meaning is in messages.
const YES_OR_NO: [(&str, bool); 4] = [
    ("yes", true),
    ("no", false),
    ("True", true),
    ("False", false),
];
/// The words of argument 7.
const TRUE_OR_FALSE: [(&str, bool); 4] = [
    ("True", true),
    ("False", false),
    ("yes", true),
    ("no", false),
];

impl Arguments {
    /// Reads the words of a command. Until all are what they should be no message repeats one: one
    /// word too many or too few, and a secret stands where a name belongs.
    ///
    /// # Errors
    /// Everything that is wrong. The findings of a success are never errors.
    pub fn read(command: &CommandLine) -> Result<(Arguments, Vec<Remark>), Vec<Remark>> {
        let words = &command.words;
        if words.len() != NAMES.len() {
            let message = format!(
                "the v1.0 command line has {} arguments instead of {}",
                words.len(),
                NAMES.len()
            );
            let hint = r#"compare them with the table in docs/import.md; `\"` at the end of a directory does not close the quote, so the following words belong to the same argument"#;
            return Err(vec![Remark::error(RemarkPlace::Whole, message).hint(hint)]);
        }
        let mut reader = ArgumentReader {
            words,
            unknown: &command.unknown,
            findings: Vec::new(),
        };
        let read = reader.arguments();
        let wrong = reader
            .findings
            .iter()
            .any(|finding| finding.severity == RemarkLevel::Error);
        match read {
            Some(arguments) if !wrong => Ok((arguments, reader.findings)),
            _ => Err(reader.findings),
        }
    }
}

struct ArgumentReader<'a> {
    words: &'a [String],
    unknown: &'a [String],
    findings: Vec<Remark>,
}

impl ArgumentReader<'_> {
    fn arguments(&mut self) -> Option<Arguments> {
        let text = |number: usize| self.words[number - 1].clone();
        let (log, instruction_file, mount, location) = (text(6), text(11), text(12), text(18));
        let (from_name, from, to, path, bucket) = (text(8), text(9), text(10), text(14), text(17));
        self.no_shadowspawn();
        self.no_variables();
        self.no_secret_twice();
        let mode = self.one_of(
            1,
            &[
                (REGULAR, Mode::Regular),
                (INCREMENTAL_ONLY, Mode::IncrementalOnly),
            ],
        );
        let (retry_every, give_up_after) = (self.seconds(4), self.seconds(5));
        let email = self.one_of(7, &TRUE_OR_FALSE);
        let destinations = self.destinations();
        let extra_files = self.extra_files();
        let (force_full, automatic) = (self.one_of(21, &YES_OR_NO), self.one_of(22, &YES_OR_NO));
        let (local, aws) = destinations?;
        let aws = if aws { Some(self.aws(bucket)?) } else { None };
        let access = if aws.is_some() || email == Some(true) {
            self.access()
        } else {
            None
        };
        self.log_is_named();
        Some(Arguments {
            mode: mode?,
            retry_every: retry_every?,
            give_up_after: give_up_after?,
            log,
            email: email?.then_some(EmailArguments {
                from_name,
                from,
                to,
            }),
            instruction_file,
            mount,
            mirror: self.mirror(local, aws.is_some(), path, extra_files?),
            aws,
            access,
            location,
            force_full: force_full?,
            when_instructions_change: automatic?,
            secrets: SECRETS
                .map(text)
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(Secret::new)
                .collect(),
        })
    }

    fn word(&self, number: usize) -> &str {
        &self.words[number - 1]
    }

    fn wrong(&mut self, number: usize, message: &str, hint: &str) {
        self.findings
            .push(Remark::error(RemarkPlace::Argument(number), message).hint(hint));
    }

    /// The words that v1.0 gave itself inside of a shadow copy mean something else.
    fn no_shadowspawn(&mut self) {
        if self.word(2).eq_ignore_ascii_case("shadowspawn") {
            self.wrong(
                2,
                "this is the command that v1.0 ran inside a shadow copy",
                "import the command that has `user` as argument 2",
            );
        }
    }

    fn log_is_named(&mut self) {
        if self.word(6).is_empty() {
            let message = "is empty: the profile does not set a log directory, so logs go to the state directory";
            self.findings
                .push(Remark::warning(RemarkPlace::Argument(6), message));
        }
    }

    /// Secrets apart: those may stay in a variable.
    fn no_variables(&mut self) {
        let holds = |number: &usize| {
            self.unknown
                .iter()
                .any(|name| self.word(*number).contains(name.as_str()))
        };
        // 3 is not looked at.
        let wrong: Vec<usize> = (1..=NAMES.len())
            .filter(|n| *n != 3 && !SECRETS.contains(n))
            .filter(holds)
            .collect();
        for number in wrong {
            self.wrong(
                number,
                "contains a variable that the batch file does not set",
                "give its value with --variable NAME=VALUE, or write the value into a copy of the batch file",
            );
        }
    }

    /// A secret that is also a name would be written into the profile as a name.
    fn no_secret_twice(&mut self) {
        for secret in SECRETS {
            let same = |n: &usize| !SECRETS.contains(n) && self.word(*n) == self.word(secret);
            if let Some(other) = (1..=NAMES.len())
                .find(same)
                .filter(|_| !self.word(secret).is_empty())
            {
                let message = format!("is the same text as argument {secret}, a secret");
                self.wrong(
                    other,
                    &message,
                    "check whether the command line lacks an argument or has one twice",
                );
            }
        }
    }

    fn one_of<T: Copy>(&mut self, number: usize, values: &[(&str, T)]) -> Option<T> {
        let word = self.word(number).trim();
        let found = values
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<String> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.wrong(
                number,
                &format!("is not one of {}", names.join(", ")),
                "write one of them",
            );
        }
        found
    }

    fn seconds(&mut self, number: usize) -> Option<Duration> {
        let seconds = self
            .word(number)
            .trim()
            .parse::<u32>()
            .ok()
            .map(|seconds| Duration::from_secs(seconds.into()));
        if seconds.is_none() {
            self.wrong(
                number,
                "is not a number of seconds",
                "write a number such as 600",
            );
        }
        seconds
    }

    /// `local|AWS`; a `^` that protected the `|` may have come along.
    fn destinations(&mut self) -> Option<(bool, bool)> {
        let (mut local, mut aws) = (false, false);
        for flag in self.word(13).replace('^', "").split('|') {
            match flag.trim().to_lowercase().as_str() {
                "local" => local = true,
                "aws" => aws = true,
                _ => {
                    self.wrong(
                        13,
                        "is not one of `local`, `AWS` and `local|AWS`",
                        "write one of them",
                    );
                    return None;
                }
            }
        }
        Some((local, aws))
    }

    /// `keep` or `delete` since 2 November 2020; before, whether to leave such files.
    fn extra_files(&mut self) -> Option<ExtraFiles> {
        let values = [
            ("keep", ExtraFiles::Keep),
            ("delete", ExtraFiles::Delete),
            ("True", ExtraFiles::Keep),
            ("False", ExtraFiles::Delete),
        ];
        let found = self.one_of(15, &values)?;
        if self.word(15).trim().parse::<bool>().is_ok()
            || ["True", "False"].contains(&self.word(15).trim())
        {
            let meaning = if found == ExtraFiles::Keep {
                "`True` is the older word for `keep`"
            } else {
                "`False` is the older word for `delete`"
            };
            self.findings
                .push(Remark::note(RemarkPlace::Argument(15), meaning));
        }
        Some(found)
    }

    fn mirror(
        &mut self,
        local: bool,
        other: bool,
        path: String,
        extra_files: ExtraFiles,
    ) -> Option<MirrorArguments> {
        let path = Some(path).filter(|path| !path.trim().is_empty());
        match (local, path) {
            (true, Some(path)) => Some(MirrorArguments { path, extra_files }),
            // Empty skips the local backup.
            (true, None) if other => {
                let message = "is empty although argument 13 contains `local`: the profile has no mirror, as in v1.0";
                self.findings
                    .push(Remark::warning(RemarkPlace::Argument(14), message));
                None
            }
            (true, None) => {
                self.wrong(
                    14,
                    "is empty, but it is the only destination",
                    "write the directory of the mirror",
                );
                None
            }
            (false, Some(_)) => {
                let message = "is not used because argument 13 does not contain `local`: the profile has no mirror";
                self.findings
                    .push(Remark::note(RemarkPlace::Argument(14), message));
                None
            }
            (false, None) => None,
        }
    }

    fn aws(&mut self, bucket: String) -> Option<Aws> {
        let Some(key) = self.secret(16) else {
            self.wrong(
                16,
                "is empty, but archives need a key",
                "write the key that v1.0 used",
            );
            return None;
        };
        Some(Aws { bucket, key })
    }

    fn access(&mut self) -> Option<(Kept, Kept)> {
        match (self.secret(19), self.secret(20)) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => {
                let message =
                    "is empty, like argument 20: the access key is looked up as by other AWS tools";
                self.findings
                    .push(Remark::warning(RemarkPlace::Argument(19), message));
                None
            }
            (id, _) => {
                let (empty, other) = if id.is_none() { (19, 20) } else { (20, 19) };
                self.wrong(
                    empty,
                    &format!("is empty, but argument {other} is not"),
                    "write both or neither",
                );
                None
            }
        }
    }

    fn secret(&mut self, number: usize) -> Option<Kept> {
        let word = self.word(number).to_owned();
        match self
            .unknown
            .iter()
            .find(|name| word.contains(name.as_str()))
        {
            None if word.is_empty() => None,
            None => Some(Kept::Here(Secret::new(word))),
            Some(name) => {
                let inner = name.trim_matches('%').to_owned();
                if word != *name || inner.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                {
                    self.wrong(
                        number,
                        "mixes a variable with other text",
                        "give the value of the variable with --variable NAME=VALUE",
                    );
                }
                Some(Kept::Variable(inner))
            }
        }
    }
}
