//! The questions of `init`. Each answer is checked when it is given; a wrong one is asked for again.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use chrono::NaiveTime;

use super::look::{self, computer_name};
use super::{InitArgs, KEY_VARIABLE};
use crate::cli::output;
use crate::cli::schedule::time_of_day;
use crate::model::job::Times;

/// An answer that is taken, with what is said of it, or what is wrong with it.
type AnswerCheck<T> = Result<(T, String), String>;

/// Asks a person.
pub(super) struct Questions<'a, R> {
    input: &'a mut R,
}

impl<'a, R: BufRead> Questions<'a, R> {
    pub(super) fn new(input: &'a mut R) -> Questions<'a, R> {
        Questions { input }
    }

    /// Asks for everything that no option gives. `key` is proposed as the file of a new key.
    ///
    /// # Errors
    /// When the answers end.
    pub(super) fn ask(&mut self, args: &mut InitArgs, key: &Path) -> io::Result<()> {
        if args.location.is_none() {
            let computer = computer_name().unwrap_or_default();
            let checked = |answer: Option<String>| {
                let with = InitArgs {
                    location: answer,
                    ..args.clone()
                };
                fits(&with).map(|()| (with.location, String::new()))
            };
            args.location = self.until("Permanent name of this computer", &computer, checked)?;
        }
        if args.sources.is_empty() {
            self.sources(args)?;
        }
        while args.mirror.is_none() && !args.makes_archives() {
            self.destinations(args)?;
        }
        let has_key = args.new_key.is_some() || args.key_file.is_some() || args.key_env.is_some();
        if args.makes_archives() && !has_key {
            args.new_key = self.key(key)?;
        }
        if args.at.is_empty() {
            args.at = self.times()?;
        }
        Ok(())
    }

    /// Asks for directories until an empty answer.
    fn sources(&mut self, args: &mut InitArgs) -> io::Result<()> {
        let home = std::env::home_dir().unwrap_or_default();
        loop {
            let (question, proposal) = match args.sources.is_empty() {
                true => ("Directory to back up", home.display().to_string()),
                false => ("Another directory (Enter: no more)", String::new()),
            };
            let source = self.until(question, &proposal, |answer| {
                let Some(path) = answer.map(path) else {
                    return match args.sources.is_empty() {
                        true => Err("name a directory".to_owned()),
                        false => Ok((None, String::new())),
                    };
                };
                let found = look::content(&path);
                let found = found.map_err(|why| format!("'{}': {why}", path.display()))?;
                let mut with = args.clone();
                with.sources.push(path.clone());
                fits(&with).map(|()| (Some(path), found))
            })?;
            match source {
                Some(source) => args.sources.push(source),
                None => return Ok(()),
            }
        }
    }

    fn destinations(&mut self, args: &mut InitArgs) -> io::Result<()> {
        let question = "Directory for the mirror, a plain copy (Enter: none)";
        args.mirror = self.directory(question, |path| InitArgs {
            mirror: Some(path),
            ..args.clone()
        })?;
        let region = || "us-east-1".to_owned();
        let question = "S3 bucket for encrypted archives (Enter: none)";
        args.bucket = self.until(question, "", |answer| {
            let with = InitArgs {
                region: answer.is_some().then(region),
                bucket: answer,
                ..args.clone()
            };
            fits(&with).map(|()| (with.bucket, String::new()))
        })?;
        if args.bucket.is_some() {
            args.region = self.until("Region of the bucket", &region(), |answer| {
                let with = InitArgs {
                    region: answer,
                    ..args.clone()
                };
                fits(&with).map(|()| (with.region, String::new()))
            })?;
        }
        let question = "Directory for encrypted archives (Enter: none)";
        args.directory = self.directory(question, |path| InitArgs {
            directory: Some(path),
            ..args.clone()
        })?;
        if args.mirror.is_none() && !args.makes_archives() {
            output::note("  a backup needs at least one of the three\n");
        }
        Ok(())
    }

    /// A directory for backups, or none.
    fn directory(
        &mut self,
        question: &str,
        with: impl Fn(PathBuf) -> InitArgs,
    ) -> io::Result<Option<PathBuf>> {
        self.until(question, "", |answer| {
            let Some(path) = answer.map(path) else {
                return Ok((None, String::new()));
            };
            let room = look::room(&path);
            fits(&with(path.clone())).map(|()| (Some(path), room))
        })
    }

    fn key(&mut self, proposal: &Path) -> io::Result<Option<PathBuf>> {
        let question =
            format!("File for a new archive key (-: use the key in the variable {KEY_VARIABLE})");
        self.until(&question, &proposal.display().to_string(), |answer| {
            let file = answer.filter(|answer| answer != "-").map(path);
            match file.as_ref().filter(|file| file.exists()) {
                None => Ok((file, String::new())),
                Some(file) => Err(format!(
                    "'{}' exists, and keys are never overwritten",
                    file.display()
                )),
            }
        })
    }

    fn times(&mut self) -> io::Result<Vec<NaiveTime>> {
        let default = Times::default().at;
        let default: Vec<String> = default
            .iter()
            .map(|t| t.format("%H:%M").to_string())
            .collect();
        let question = "Start a backup every day at (times such as 02:30; -: no schedule)";
        self.until(question, &default.join(" "), |answer| {
            let answer = answer.filter(|answer| answer != "-").unwrap_or_default();
            let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
            let times = words.map(time_of_day).collect::<Result<Vec<_>, _>>()?;
            Ok((times, String::new()))
        })
    }

    /// Asks until the answer is taken, and says what is wrong with the others.
    fn until<T>(
        &mut self,
        question: &str,
        proposal: &str,
        check: impl Fn(Option<String>) -> AnswerCheck<T>,
    ) -> io::Result<T> {
        loop {
            match check(self.answer(question, proposal)?) {
                Ok((taken, said)) => {
                    if !said.is_empty() {
                        output::note(format_args!("  {said}\n"));
                    }
                    return Ok(taken);
                }
                Err(why) => output::note(format_args!("  {why}\n")),
            }
        }
    }

    /// Asks one question. An empty answer means the proposal; `None` if the proposal is empty.
    fn answer(&mut self, question: &str, proposal: &str) -> io::Result<Option<String>> {
        let shown = match proposal {
            "" => String::new(),
            proposal => format!(" [{proposal}]"),
        };
        output::note(format_args!("{question}{shown}: "));
        let mut answer = String::new();
        if self.input.read_line(&mut answer)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "no answer; nothing was written",
            ));
        }
        let answer = match answer.trim() {
            "" => proposal,
            answer => answer,
        };
        Ok(Some(answer.to_owned()).filter(|answer| !answer.is_empty()))
    }
}

fn path(answer: String) -> PathBuf {
    look::expanded(Path::new(&answer))
}

fn fits(args: &InitArgs) -> Result<(), String> {
    args.problem().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: InitArgs,
    }

    fn asked(words: &[&str], answers: &str) -> io::Result<InitArgs> {
        let mut args = Line::parse_from(["init"].iter().chain(words)).args;
        Questions::new(&mut answers.as_bytes()).ask(&mut args, Path::new("/k/n.key"))?;
        Ok(args)
    }

    #[test]
    fn asks_for_what_no_option_says() {
        let place = tempfile::tempdir().unwrap();
        let here = place.path().display().to_string();
        let args = asked(&[], &format!("pc\n{here}\n\n\nbucket\n\n\n\n\n")).unwrap();
        assert_eq!(args.location.as_deref(), Some("pc"));
        assert_eq!(args.sources, [place.path()]);
        assert_eq!((args.mirror, args.directory), (None, None));
        assert_eq!(
            (args.bucket.as_deref(), args.region.as_deref()),
            (Some("bucket"), Some("us-east-1"))
        );
        assert_eq!(args.new_key, Some(PathBuf::from("/k/n.key")));
        assert_eq!(args.at, Times::default().at);

        let some = ["--location", "pc", "--source", "/a", "--directory", "/d"];
        let some = asked(&some, "-\n-\n").unwrap();
        assert_eq!((some.new_key, some.mirror), (None, None));
        assert!(some.at.is_empty());

        let all = [
            "--location",
            "pc",
            "--source",
            "/a",
            "--mirror",
            "/m",
            "--at",
            "02:00",
        ];
        assert!(asked(&all, "").is_ok());
        assert!(asked(&[], "pc\n").is_err(), "the answers ended");
    }

    /// A wrong answer costs that answer only.
    #[test]
    fn wrong_answers_are_asked_for_again() {
        let place = tempfile::tempdir().unwrap();
        let sub = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path.display().to_string()
        };
        let (one, two) = (sub("one"), sub("two"));
        let key = place.path().join("key");
        std::fs::write(&key, "k").unwrap();
        let key = key.display();
        let answers = [
            "my_pc",
            "pc",
            &format!("{one}/nothing"),
            &one,
            &two,
            "",
            // No destination at all, then one inside a source, a wrong bucket.
            "",
            "",
            "",
            &format!("{one}/mirror"),
            "/srv/mirror",
            "A_bucket",
            "",
            "/srv/archives",
            &key.to_string(),
            "-",
            "25:00",
            "02:30, 14:00",
        ];
        let args = asked(&[], &format!("{}\n", answers.join("\n"))).unwrap();
        assert_eq!(args.location.as_deref(), Some("pc"));
        assert_eq!(args.sources, [PathBuf::from(&one), PathBuf::from(&two)]);
        assert_eq!(args.mirror, Some(PathBuf::from("/srv/mirror")));
        assert_eq!(args.bucket, None);
        assert_eq!(args.directory, Some(PathBuf::from("/srv/archives")));
        assert_eq!(args.new_key, None);
        let times: Vec<String> = args.at.iter().map(ToString::to_string).collect();
        assert_eq!(times, ["02:30:00", "14:00:00"]);
    }
}
