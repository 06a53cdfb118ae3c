//! What is going on now: one live line on a terminal, which nothing of it leaves behind; elsewhere
//! a plain line a minute while data is transferred (SPEC#commands).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::event::{Event, HOOK};
use crate::model::text::{one_line, size};

const TICK: Duration = Duration::from_millis(200);
const A_MINUTE: Duration = Duration::from_secs(60);
/// What is too long for the width is cut, and nothing else.
const WORKING: &str = "{spinner} {prefix} {elapsed_precise} {wide_msg}";
const SENDING: &str = "{spinner} {prefix} {decimal_bytes} of {decimal_total_bytes}, \
                       {decimal_bytes_per_sec}, {eta} left {wide_msg}";

/// Nobody knows how much will be sent of what is still being made.
const STREAMING: &str = "archiving and sending";

/// 7-Zip asks for the archive key, which it is given. People would look for a place to type it.
const PROMPT: &str = "Enter password";

/// The stage that runs. Objects that are transferred at the same time are one stage.
#[derive(Debug)]
struct Ongoing {
    what: &'static str,
    bar: ProgressBar,
    done: u64,
    all: u64,
    said: Instant,
}

/// Follows the events.
#[derive(Debug)]
pub struct LiveLine {
    live: bool,
    stage: Mutex<Option<Ongoing>>,
}

impl LiveLine {
    /// `live`: standard error is a terminal that can rewrite a line.
    pub fn new(live: bool) -> LiveLine {
        LiveLine {
            live,
            stage: Mutex::new(None),
        }
    }

    /// Prints lines so that the live one stays below them.
    pub fn above(&self, print: impl FnOnce()) {
        match self.stage.lock().ok().as_deref() {
            Some(Some(stage)) => stage.bar.suspend(print),
            _ => print(),
        }
    }

    /// Follows an event. Returns the line to print where there is no terminal.
    pub fn follow(&self, event: &Event) -> Option<String> {
        let mut stage = self.stage.lock().ok()?;
        match event {
            Event::ToolStarted { tool, .. } if !tool.starts_with(HOOK) => {
                *stage = Some(self.begin("mirroring and archiving", None));
            }
            Event::ToolOutput { line, .. } if !line.starts_with(PROMPT) => {
                if let Some(stage) = &*stage {
                    stage.bar.set_message(one_line(line.trim()).into_owned());
                }
            }
            Event::Uploading {
                key,
                size: Some(size),
                ..
            } => self.transfer(&mut stage, "sending", key, *size),
            Event::Uploading { key, .. } => self.transfer(&mut stage, STREAMING, key, 0),
            Event::Downloading { key, size, .. } => {
                self.transfer(&mut stage, "receiving", key, *size);
            }
            Event::Transferred { bytes } => return stage.as_mut()?.transferred(*bytes),
            Event::Extracting { mount, .. } => {
                let begun = self.begin("extracting", None);
                begun
                    .bar
                    .set_message(one_line(&mount.to_string()).into_owned());
                *stage = Some(begun);
            }
            Event::ToolEnded { .. } | Event::Mounted { .. } | Event::Finished { .. } => {
                *stage = None;
            }
            _ => {}
        }
        None
    }

    fn transfer(&self, stage: &mut Option<Ongoing>, what: &'static str, key: &str, size: u64) {
        if stage.as_ref().is_none_or(|stage| stage.what != what) {
            *stage = Some(self.begin(what, Some(0)));
        }
        if let Some(stage) = stage {
            stage.all = stage.all.saturating_add(size);
            stage.bar.set_length(stage.all);
            stage.bar.set_message(one_line(key).into_owned());
        }
    }

    fn begin(&self, what: &'static str, length: Option<u64>) -> Ongoing {
        let bar = match (self.live, length) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(_)) => shown(SENDING),
            (true, None) => shown(WORKING),
        };
        bar.set_prefix(what);
        if self.live {
            bar.tick();
            bar.enable_steady_tick(TICK);
        }
        Ongoing {
            what,
            bar,
            done: 0,
            all: 0,
            said: Instant::now(),
        }
    }
}

impl Ongoing {
    /// A retry sends bytes again: never more than all of them.
    fn transferred(&mut self, bytes: u64) -> Option<String> {
        self.done = self.done.saturating_add(bytes);
        if self.what == STREAMING {
            self.all = self.done;
            self.bar.set_length(self.all);
        }
        self.done = self.done.min(self.all);
        self.bar.set_position(self.done);
        if !self.bar.is_hidden() || self.said.elapsed() < A_MINUTE {
            return None;
        }
        self.said = Instant::now();
        Some(format!(
            "{}: {} of {}",
            self.what,
            size(self.done),
            size(self.all)
        ))
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn shown(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
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
            let stage = line.stage.lock().unwrap();
            stage.as_ref().map(|stage| stage.bar.message())
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
}
