//! What is going on now: on a terminal a live line for the stage below one for the whole, which
//! leave nothing behind; elsewhere a plain line a minute (SPEC#commands).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::event::{Event, HOOK, Work};
use crate::model::text::{count, one_line, size};

const TICK: Duration = Duration::from_millis(200);
const A_MINUTE: Duration = Duration::from_secs(60);
/// What is too long for the width is cut, and nothing else.
const WHOLE: &str = "{elapsed_precise} {wide_msg}";
const WORKING: &str = "{spinner} {prefix} {wide_msg}";
const PERCENT: &str = "{spinner} {prefix} {percent}%, {eta} left {wide_msg}";
const BYTES: &str = "{spinner} {prefix} {percent}%, {decimal_bytes} of {decimal_total_bytes}, \
                     {decimal_bytes_per_sec}, {eta} left {wide_msg}";

/// What an upload is called.
const SENDING: &str = "sending";

/// Nobody knows how much will be sent of what is still being made.
const STREAMING: &str = "archiving and sending";

/// 7-Zip asks for the archive key, which it is given. People would look for a place to type it.
const PROMPT: &str = "Enter password";

/// How far a stage can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Unknown,
    Percent,
    Bytes,
}

/// The stage that runs. Objects that are transferred at the same time are one stage.
#[derive(Debug)]
struct Ongoing {
    what: &'static str,
    measure: Measure,
    bar: ProgressBar,
    done: u64,
    all: u64,
    said: Instant,
}

/// The lines, from top to bottom. A restore extracts while it downloads.
#[derive(Debug, Default)]
struct LiveStages {
    whole: Option<ProgressBar>,
    transfer: Option<Ongoing>,
    stage: Option<Ongoing>,
    /// Bytes of objects that were announced and not named yet.
    ahead: u64,
}

/// Follows the events.
#[derive(Debug)]
pub struct LiveLine {
    live: bool,
    lines: MultiProgress,
    shown: Mutex<LiveStages>,
}

impl LiveLine {
    /// `live`: standard error is a terminal that can rewrite a line.
    pub fn new(live: bool) -> LiveLine {
        let target = match live {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        LiveLine {
            live,
            lines: MultiProgress::with_draw_target(target),
            shown: Mutex::default(),
        }
    }

    /// Whether the lines can be seen.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Prints lines so that the live ones stay below them.
    pub fn above(&self, print: impl FnOnce()) {
        self.lines.suspend(print);
    }

    /// Follows an event. Returns the line to print where there is no terminal.
    pub fn follow(&self, event: &Event) -> Option<String> {
        let mut shown = self.shown.lock().ok()?;
        let stage = &mut shown.stage;
        match event {
            Event::Step { number, of, what } => self.step(&mut shown, *number, *of, what),
            Event::Walked { files, bytes } => {
                let stage = self.stage(stage, "looking at files", Measure::Unknown);
                let found = format!("{}, {}", count(*files, "file"), size(*bytes));
                stage.bar.set_message(found.clone());
                return stage.say(|_| found);
            }
            Event::Progress { work, percent, of } => {
                return self.work(stage, *work, *percent, *of);
            }
            Event::ToolStarted { tool, .. } if !tool.starts_with(HOOK) => {
                *stage = Some(self.begin("working", Measure::Unknown));
            }
            Event::ToolOutput { line, .. } if !line.starts_with(PROMPT) => {
                if let Some(stage) = stage.as_ref().filter(|s| s.measure == Measure::Unknown) {
                    stage.bar.set_message(one_line(line.trim()).into_owned());
                }
            }
            Event::Extracting { mount, .. } => {
                let begun = self.begin("extracting", Measure::Unknown);
                let mount = mount.to_string();
                begun.bar.set_message(one_line(&mount).into_owned());
                *stage = Some(begun);
            }
            Event::Ahead { bytes } => shown.await_bytes(*bytes),
            Event::Uploading {
                key,
                size: Some(size),
                ..
            } => self.transfer(&mut shown, SENDING, key, *size),
            Event::Uploading { .. } => {
                self.stage(&mut shown.transfer, STREAMING, Measure::Unknown);
            }
            Event::Downloading { key, size, .. } => {
                self.transfer(&mut shown, "receiving", key, *size);
            }
            Event::Transferred { bytes } => return shown.transferred(*bytes),
            Event::Finished { .. } => *shown = LiveStages::default(),
            Event::ToolEnded { .. } | Event::Mounted { .. } => *stage = None,
            _ => {}
        }
        None
    }

    fn step(&self, shown: &mut LiveStages, number: usize, of: usize, what: &str) {
        shown.stage = None;
        // Downloads go on while one archive after the other is extracted.
        if shown
            .transfer
            .take_if(|it| [SENDING, STREAMING].contains(&it.what))
            .is_some()
        {
            shown.ahead = 0;
        }
        let whole = shown.whole.get_or_insert_with(|| {
            let bar = self.lines.insert(0, ProgressBar::new_spinner());
            bar.set_style(style(WHOLE));
            if self.live {
                bar.enable_steady_tick(TICK);
            }
            bar
        });
        whole.set_message(format!("step {number} of {of}: {}", one_line(what)));
    }

    fn work(
        &self,
        stage: &mut Option<Ongoing>,
        work: Work,
        percent: Option<u8>,
        of: Option<u64>,
    ) -> Option<String> {
        let (measure, all) = match (percent, of.unwrap_or(0)) {
            (None, _) => (Measure::Unknown, 0),
            (_, 0) => (Measure::Percent, 100),
            (_, all) => (Measure::Bytes, all),
        };
        let stage = self.stage(stage, work.word(), measure);
        stage.all = all;
        stage.bar.set_length(all);
        let done = u128::from(all) * u128::from(percent.unwrap_or(0)) / 100;
        stage.is_at(u64::try_from(done).unwrap_or(all))
    }

    fn transfer(&self, shown: &mut LiveStages, what: &'static str, key: &str, size: u64) {
        let announced = shown.ahead;
        let is_new = shown.transfer.is_none();
        let stage = self.stage(&mut shown.transfer, what, Measure::Bytes);
        let known = announced.min(size);
        shown.ahead -= known;
        stage.all = stage.all.saturating_add(size - known);
        if is_new {
            stage.all = stage.all.saturating_add(announced);
        }
        stage.bar.set_length(stage.all);
        stage.bar.set_message(one_line(key).into_owned());
    }

    /// The stage that runs, if it is this one; else it begins.
    fn stage<'s>(
        &self,
        stage: &'s mut Option<Ongoing>,
        what: &'static str,
        measure: Measure,
    ) -> &'s mut Ongoing {
        drop(stage.take_if(|stage| (stage.what, stage.measure) != (what, measure)));
        stage.get_or_insert_with(|| self.begin(what, measure))
    }

    fn begin(&self, what: &'static str, measure: Measure) -> Ongoing {
        let bar = self.lines.add(ProgressBar::new(0));
        bar.set_style(style(match measure {
            Measure::Unknown => WORKING,
            Measure::Percent => PERCENT,
            Measure::Bytes => BYTES,
        }));
        bar.set_prefix(what);
        if self.live {
            bar.tick();
            bar.enable_steady_tick(TICK);
        }
        Ongoing {
            what,
            measure,
            bar,
            done: 0,
            all: 0,
            said: Instant::now(),
        }
    }
}

impl LiveStages {
    fn await_bytes(&mut self, bytes: u64) {
        self.ahead = self.ahead.saturating_add(bytes);
        if let Some(stage) = &mut self.transfer {
            stage.all = stage.all.saturating_add(bytes);
        }
    }

    /// A retry sends bytes again: never more than all of them.
    fn transferred(&mut self, bytes: u64) -> Option<String> {
        let stage = self.transfer.as_mut()?;
        if stage.what == STREAMING {
            stage.done = stage.done.saturating_add(bytes);
            let sent = format!("{} sent", size(stage.done));
            stage.bar.set_message(sent.clone());
            return stage.say(|_| sent);
        }
        let line = stage.is_at(stage.done.saturating_add(bytes));
        self.transfer.take_if(|stage| stage.done == stage.all);
        line
    }
}

impl Ongoing {
    fn is_at(&mut self, done: u64) -> Option<String> {
        self.done = done.min(self.all);
        self.bar.set_position(self.done);
        self.say(|stage| match stage.measure {
            Measure::Unknown => "continues".to_owned(),
            Measure::Percent => format!("{} %", stage.done),
            Measure::Bytes => format!("{} of {}", size(stage.done), size(stage.all)),
        })
    }

    /// The line for those who have no terminal, once a minute.
    fn say(&mut self, how_far: impl FnOnce(&Ongoing) -> String) -> Option<String> {
        if !self.bar.is_hidden() || self.said.elapsed() < A_MINUTE {
            return None;
        }
        self.said = Instant::now();
        Some(format!("{}: {}", self.what, how_far(self)))
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for LiveStages {
    fn drop(&mut self) {
        if let Some(whole) = &self.whole {
            whole.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_of_a_tool_is_not_shown() {
        let line = LiveLine::new(false);
        let said = |text: &str| Event::ToolOutput {
            tool: "7-Zip".to_owned(),
            line: text.to_owned(),
        };
        let shown = || {
            let shown = line.shown.lock().unwrap();
            shown.stage.as_ref().map(|stage| stage.bar.message())
        };
        line.follow(&Event::ToolStarted {
            tool: "7-Zip".to_owned(),
            command: "7zz a".to_owned(),
        });
        for (text, expected) in [
            ("Enter password (will not be echoed):", ""),
            ("Creating archive: a.zip", "Creating archive: a.zip"),
            (
                "Enter password (will not be echoed):",
                "Creating archive: a.zip",
            ),
        ] {
            line.follow(&said(text));
            assert_eq!(shown().as_deref(), Some(expected));
        }
    }

    #[test]
    fn percents_of_a_tool_are_bytes_where_those_are_known() {
        let line = LiveLine::new(false);
        for (percent, of, expected) in [
            (None, None, (0, 0)),
            (Some(25), Some(2000), (500, 2000)),
            (Some(100), Some(u64::MAX), (u64::MAX, u64::MAX)),
            (Some(25), None, (25, 100)),
            (Some(25), Some(0), (25, 100)),
        ] {
            line.follow(&Event::Progress {
                work: Work::Archiving,
                percent,
                of,
            });
            let shown = line.shown.lock().unwrap();
            let stage = shown.stage.as_ref().unwrap();
            assert_eq!((stage.done, stage.all), expected, "{percent:?} of {of:?}");
        }
    }

    /// The total is known before the objects are named, and extraction is another line.
    #[test]
    fn transfers_count_what_was_announced() {
        let line = LiveLine::new(false);
        let receiving = |size| Event::Downloading {
            store: "s3".to_owned(),
            key: "key".to_owned(),
            from: None,
            size,
        };
        let extracting = Event::Progress {
            work: Work::Extracting,
            percent: Some(50),
            of: None,
        };
        let transferred = Event::Transferred { bytes: 40 };
        let all_of = |line: &LiveLine| {
            let shown = line.shown.lock().unwrap();
            shown.transfer.as_ref().map(|t| (t.done, t.all))
        };
        line.follow(&Event::Ahead { bytes: 100 });
        for (event, expected) in [
            (receiving(60), Some((0, 100))),
            (transferred.clone(), Some((40, 100))),
            (extracting, Some((40, 100))),
            (receiving(50), Some((40, 110))),
            (transferred.clone(), Some((80, 110))),
            (transferred, None),
        ] {
            line.follow(&event);
            assert_eq!(all_of(&line), expected, "{event:?}");
        }
        let shown = line.shown.lock().unwrap();
        assert_eq!(shown.stage.as_ref().map(|stage| stage.done), Some(50));
    }

    #[test]
    fn without_a_terminal_a_line_a_minute_says_how_far_it_is() {
        let line = LiveLine::new(false);
        let half = Event::Progress {
            work: Work::Archiving,
            percent: Some(50),
            of: Some(3_000_000),
        };
        assert_eq!(line.follow(&half), None);
        if let Some(stage) = &mut line.shown.lock().unwrap().stage {
            stage.said -= A_MINUTE;
        }
        let said = line.follow(&half);
        assert_eq!(said.as_deref(), Some("archiving: 1.5 MB of 3.0 MB"));
        assert_eq!(line.follow(&half), None);
    }
}
