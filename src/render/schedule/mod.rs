//! Schedules: when a profile runs, and the text that says so to each scheduler (SPEC#schedule).
//!
//! Text in, text out, as `render`: nothing here asks a scheduler or the disk. Nothing rendered
//! relies on a session: paths are absolute, and what the run needs of the environment is written
//! down.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{NaiveDateTime, NaiveTime};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

mod name;
mod quote;
mod times;

pub use name::TaskName;

use quote::{cron_command, mount_unit, systemd_line, systemd_word, task_argument, xml};

use crate::model::policy::Every;
pub use times::{Scheduler, next};
use times::{StartTime, weekday};

/// When and how a profile runs by itself.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: TaskName,
    /// Full path of `aam-backup`.
    pub program: String,
    /// Full path of the profile.
    pub profile: String,
    /// Local times, at least one; seconds are ignored.
    pub at: Vec<NaiveTime>,
    pub every: Every,
    /// After this the scheduler stops a run.
    pub time_limit: Duration,
    /// Whether it also starts while the computer runs on battery.
    pub on_battery: bool,
    /// Where a disk is mounted: it also starts when that disk is attached.
    pub when_attached: Option<String>,
    /// The account it runs as. `None`: SYSTEM on Windows, else the account that installs.
    pub user: Option<String>,
    /// For the whole computer (installed by root) and not for one user. Unix only.
    pub system: bool,
    /// `PATH` of the run, Unix only; Windows has one of its own for every account.
    pub path: String,
    /// Value of `AAM_BACKUP_STATE_DIR`.
    pub state_directory: Option<String>,
    /// A file of variables that systemd reads before each run.
    pub environment_file: Option<String>,
    /// Where each run writes its metrics.
    pub metrics: Option<String>,
    /// Whether each run writes its events as JSON lines too.
    pub log_json: bool,
    /// When the schedule is made, local time: it begins after that.
    pub from: NaiveDateTime,
}

/// "The NTFS volume has been successfully mounted."
const VOLUME_MOUNTED: &str = "<QueryList><Query Id=\"0\" Path=\"Microsoft-Windows-Ntfs/Operational\">\
    <Select Path=\"Microsoft-Windows-Ntfs/Operational\">\
    *[System[Provider[@Name='Microsoft-Windows-Ntfs'] and EventID=4]]\
    </Select></Query></QueryList>";

/// How long a run that was asked to stop may take to do so: snapshots and uploads are to be ended
/// in order.
const STOP_SECONDS: u64 = 300;

/// One file for a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Its name, without directory.
    pub file: String,
    pub text: String,
}

impl Rendered {
    /// The bytes of the file: Task Scheduler takes UTF-16 only.
    pub fn bytes(&self) -> Vec<u8> {
        match self.file.ends_with(".xml") {
            true => "\u{feff}"
                .encode_utf16()
                .chain(self.text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
            false => self.text.clone().into_bytes(),
        }
    }
}

/// Why a schedule cannot be expressed for a scheduler.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("{scheduler} cannot take '{text}': {why}")]
    Text {
        scheduler: Scheduler,
        text: String,
        why: &'static str,
    },
    #[error("a template for {0} cannot be rendered: {1}")]
    Template(Scheduler, minijinja::Error),
}

impl Schedule {
    /// The files for a scheduler. Those of systemd begin with the timer; for cron it is a part of
    /// the crontab.
    ///
    /// # Errors
    /// When a path contains something that the scheduler cannot express.
    pub fn render(&self, scheduler: Scheduler) -> Result<Vec<Rendered>, ScheduleError> {
        self.without_control_characters(scheduler)?;
        let (unit, label) = (self.name.unit(), self.name.label());
        match scheduler {
            Scheduler::TaskScheduler => {
                let file = format!(
                    "{}.xml",
                    self.name.task().rsplit('\\').next().unwrap_or_default()
                );
                Ok(vec![Rendered {
                    file,
                    text: self.task_xml()?,
                }])
            }
            Scheduler::Systemd if self.program.contains(['"', '\'', '\\']) => {
                Err(ScheduleError::Text {
                    scheduler,
                    text: self.program.clone(),
                    why: "it cannot start a program with a quote or a backslash in its path; put aam-backup elsewhere",
                })
            }
            Scheduler::Systemd => Ok(vec![
                Rendered {
                    file: format!("{unit}.timer"),
                    text: self.fill(scheduler, "timer", <(String, String)>::default())?,
                },
                Rendered {
                    file: format!("{unit}.service"),
                    text: self.fill(scheduler, "service", <(String, String)>::default())?,
                },
            ]),
            Scheduler::Cron => {
                let [begin, end] = self.name.marks();
                let words = self.cron_words();
                let lines = self.at.iter();
                let lines = lines.map(|at| cron_command(&self.cron_time(*at), &words));
                let lines = lines.collect::<Result<Vec<_>, _>>()?.join("\n");
                let text = format!("{begin}\n{lines}\n{end}\n");
                Ok(vec![Rendered {
                    file: format!("{unit}.crontab"),
                    text,
                }])
            }
            Scheduler::Launchd => {
                let text = self.fill(scheduler, "plist", <(String, String)>::default())?;
                Ok(vec![Rendered {
                    file: format!("{label}.plist"),
                    text,
                }])
            }
        }
    }

    fn without_control_characters(&self, scheduler: Scheduler) -> Result<(), ScheduleError> {
        let texts = [&self.program, &self.profile, &self.path];
        let more = [
            &self.user,
            &self.state_directory,
            &self.environment_file,
            &self.metrics,
            &self.when_attached,
        ];
        let mut all = texts.into_iter().chain(more.into_iter().flatten());
        match all.find(|text| text.contains(char::is_control)) {
            None => Ok(()),
            Some(text) => Err(ScheduleError::Text {
                scheduler,
                text: text.escape_debug().to_string(),
                why: "it holds a control character",
            }),
        }
    }

    /// The words after the program.
    fn arguments(&self) -> Vec<&str> {
        let mode: &[&str] = if self.name.is_regular() {
            &[]
        } else {
            &["--mode", "incremental-only"]
        };
        let json: &[&str] = if self.log_json {
            &["--log-format", "json"]
        } else {
            &[]
        };
        let metrics = self
            .metrics
            .as_deref()
            .map_or_else(Vec::new, |file| vec!["--metrics", file]);
        [
            &["run", self.profile.as_str(), "--unattended"],
            mode,
            json,
            &metrics,
        ]
        .concat()
    }

    fn task_xml(&self) -> Result<String, ScheduleError> {
        let words = [self.program.as_str()].into_iter().chain(self.arguments());
        let run: Vec<String> = words.map(task_argument).collect::<Result<_, _>>()?;
        // Task Scheduler sets no variables; cmd does, and passes the exit code on.
        let (command, arguments) = match &self.state_directory {
            None => (run[0].clone(), run[1..].join(" ")),
            Some(directory) => {
                let directory = task_argument(&format!("AAM_BACKUP_STATE_DIR={directory}"))?;
                (
                    "cmd.exe".to_owned(),
                    format!("/d /s /c \"set {directory}&& {}\"", run.join(" ")),
                )
            }
        };
        self.fill(Scheduler::TaskScheduler, "task.xml", (command, arguments))
            .map(|text| text.replace('\n', "\r\n"))
    }

    /// `timeout` stands for the time limit that cron does not have. `--foreground`: otherwise it
    /// sends the signal twice, and the second one ends the program at once.
    fn cron_words(&self) -> Vec<String> {
        let mut words = vec!["env".to_owned()];
        words.extend(
            self.variables()
                .into_iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        words.extend(["timeout", "--foreground"].map(str::to_owned));
        words.push(format!("--kill-after={STOP_SECONDS}"));
        words.push(self.time_limit.as_secs().to_string());
        words.extend(["nice", "-n", "10"].map(str::to_owned));
        words.push(self.program.clone());
        words.extend(self.arguments().into_iter().map(str::to_owned));
        words
    }

    /// What the run finds in its environment beside what the scheduler itself puts there.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let state = self
            .state_directory
            .as_deref()
            .map(|directory| ("AAM_BACKUP_STATE_DIR", directory));
        [("PATH", self.path.as_str())]
            .into_iter()
            .chain(state)
            .collect()
    }

    fn fill(
        &self,
        scheduler: Scheduler,
        template: &str,
        task: (String, String),
    ) -> Result<String, ScheduleError> {
        let day = weekday(self.every);
        let values = Values {
            name: &self.name.profile,
            mode: if self.name.is_regular() {
                "regular"
            } else {
                "incremental-only"
            },
            task: self.name.task(),
            label: self.name.label(),
            program: &self.program,
            profile: &self.profile,
            arguments: self.arguments(),
            task_command: task.0,
            task_arguments: task.1,
            variables: self.variables(),
            environment_file: self.environment_file.as_deref(),
            user: self.user.as_deref(),
            system: self.system,
            hourly: self.every == Every::Hour,
            starts: self.starts(),
            on_battery: self.on_battery,
            attached: self.when_attached.as_deref(),
            attached_query: VOLUME_MOUNTED,
            weekday: day.map(|day| day.num_days_from_sunday()),
            weekday_name: day.map(|_| format!("{:?}", self.every)),
            limit: self.time_limit.as_secs(),
            stop: STOP_SECONDS,
        };
        let template = TEMPLATES.get_template(template);
        template
            .and_then(|template| template.render(Serde(values)))
            .map_err(|why| ScheduleError::Template(scheduler, why))
    }
}

/// What the templates know.
#[derive(serde::Serialize)]
struct Values<'a> {
    name: &'a str,
    mode: &'static str,
    task: String,
    label: String,
    program: &'a str,
    profile: &'a str,
    arguments: Vec<&'a str>,
    /// Program and arguments as one line, for Task Scheduler only.
    task_command: String,
    task_arguments: String,
    variables: Vec<(&'static str, &'a str)>,
    environment_file: Option<&'a str>,
    user: Option<&'a str>,
    system: bool,
    hourly: bool,
    starts: Vec<StartTime>,
    on_battery: bool,
    /// Where a disk is mounted.
    attached: Option<&'a str>,
    /// The event of Windows that says so, of any disk: the run itself looks for its own.
    attached_query: &'static str,
    /// 0 is Sunday.
    weekday: Option<u32>,
    weekday_name: Option<String>,
    /// Seconds.
    limit: u64,
    stop: u64,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::None);
    match SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .build()
    {
        Ok(syntax) => templates.set_syntax(syntax),
        Err(error) => unreachable!("constant settings: {error}"),
    }
    templates.add_filter("xml", |text: String| xml(&text));
    templates.add_filter("systemd", |text: String| systemd_line(&text));
    templates.add_filter("systemd_word", |text: String| systemd_word(&text));
    templates.add_filter("mount_unit", |text: String| mount_unit(&text));
    templates.add_filter("argument", |text: String| {
        systemd_word(&text).replace('$', "$$")
    });
    let all = [
        ("timer", include_str!("unit.timer.j2")),
        ("service", include_str!("unit.service.j2")),
        ("plist", include_str!("label.plist.j2")),
        ("task.xml", include_str!("task.xml.j2")),
    ];
    for (name, text) in all {
        if let Err(error) = templates.add_template(name, text) {
            unreachable!("an embedded template: {error}");
        }
    }
    templates
});

#[cfg(test)]
mod tests;
