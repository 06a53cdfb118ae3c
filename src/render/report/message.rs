//! The report as a message to a chat or another service (SPEC#notifications).
//!
//! Names of files go into places where no service reads markup, or are escaped.

use serde_json::{Value, json};

use super::{Counts, Report};
use crate::model::event::Outcome;
use crate::model::job::MessageFormat;
use crate::model::text;

/// Discord takes 4096 characters, ntfy 4096 bytes, Slack 40,000 characters, Teams 28 KB. A message
/// must be readable on a telephone, so a longer one ends with "…".
const LONGEST: usize = 3000;

/// A message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Writes the message about a run for a service. The report says as much as the reader may know.
pub fn message(
    format: MessageFormat,
    outcome: Outcome,
    profile: &str,
    report: &Report,
    counts: &Counts,
) -> Message {
    let text = shortened(&text::harmless(&report.text()));
    let body = match format {
        MessageFormat::Json => as_json(outcome, profile, report, counts),
        MessageFormat::Slack => json!({
            "text": format!("*{}*\n{}", escaped(&report.title), escaped(&text)),
        }),
        MessageFormat::Discord => json!({
            "embeds": [{
                "title": report.title,
                "description": format!("```\n{}\n```", text.replace('`', "'")),
                "color": color(outcome),
            }],
            "allowed_mentions": { "parse": [] },
        }),
        MessageFormat::Teams => as_card(outcome, &report.title, &text),
        MessageFormat::Ntfy => return as_ntfy(outcome, &report.title, text),
    };
    Message {
        content_type: "application/json",
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// At most [`LONGEST`] bytes, and no part of a character.
fn shortened(text: &str) -> String {
    let mut length = 0;
    let whole = |c: &char| {
        length += c.len_utf8();
        length <= LONGEST
    };
    let start: String = text.chars().take_while(whole).collect();
    if start.len() == text.len() {
        start
    } else {
        start + "…"
    }
}

fn as_json(outcome: Outcome, profile: &str, report: &Report, counts: &Counts) -> Value {
    let complete = report.destinations.iter().filter(|d| d.complete).count();
    json!({
        "version": 1,
        "profile": profile,
        "outcome": outcome,
        "title": report.title,
        "files": counts.files,
        "bytes": counts.bytes,
        "archived-files": counts.archived_files,
        "archived-bytes": counts.archived_bytes,
        "skipped": counts.skipped,
        "problems": counts.problems.len(),
        "destinations": report.destinations.len(),
        "complete-destinations": complete,
        "text": text::harmless(&report.text()),
    })
}

/// An Adaptive Card. A text run has no markup, a text block has.
fn as_card(outcome: Outcome, title: &str, text: &str) -> Value {
    let color = match outcome {
        Outcome::Success | Outcome::Skipped | Outcome::Declined => "good",
        Outcome::Warning => "warning",
        _ => "attention",
    };
    let line = |text: &str, more: Value| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if let (Some(run), Some(more)) = (run.as_object_mut(), more.as_object()) {
            run.extend(more.clone());
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let heading = json!({ "weight": "bolder", "size": "medium", "color": color });
    let lines = text.lines().map(|text| line(text, json!({})));
    let body: Vec<Value> = std::iter::once(line(title, heading)).chain(lines).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// The text itself is the body; a title is ASCII.
fn as_ntfy(outcome: Outcome, title: &str, text: String) -> Message {
    let (priority, tag) = match outcome {
        Outcome::Success | Outcome::Skipped | Outcome::Declined => ("default", "white_check_mark"),
        Outcome::Warning => ("default", "warning"),
        _ => ("high", "rotating_light"),
    };
    Message {
        content_type: "text/plain; charset=utf-8",
        headers: vec![
            (
                "Title",
                title.replace(|c: char| !c.is_ascii() || c.is_control(), "?"),
            ),
            ("Priority", priority.to_owned()),
            ("Tags", tag.to_owned()),
        ],
        body: text,
    }
}

/// Slack reads `<…>` as links and mentions.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Green, yellow, red.
fn color(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Success | Outcome::Skipped | Outcome::Declined => 0x002e_a043,
        Outcome::Warning => 0x00d2_9922,
        _ => 0x00cf_222e,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(problem: &str) -> Report {
        Report {
            title: "WARNING, 20201222 full backup!".to_owned(),
            facts: Vec::new(),
            destinations: Vec::new(),
            problems: vec![problem.to_owned()],
            more: "See the log.".to_owned(),
        }
    }

    #[test]
    fn no_service_reads_markup_in_the_name_of_a_file() {
        let named = report("warning: /<!channel>/@everyone/```/*bold*");
        let body = |format| message(format, Outcome::Warning, "p", &named, &Counts::default()).body;
        assert!(body(MessageFormat::Slack).contains("/&lt;!channel&gt;/"));
        let discord: Value = serde_json::from_str(&body(MessageFormat::Discord)).unwrap();
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
        assert_eq!(
            discord["embeds"][0]["description"],
            "```\nwarning: /<!channel>/@everyone/'''/*bold*\nSee the log.\n```"
        );
        let teams: Value = serde_json::from_str(&body(MessageFormat::Teams)).unwrap();
        let card = &teams["attachments"][0]["content"]["body"];
        assert_eq!(card[1]["type"], "RichTextBlock");
        assert_eq!(
            card[1]["inlines"][0]["text"],
            "warning: /<!channel>/@everyone/```/*bold*"
        );
    }

    #[test]
    fn no_service_gets_control_characters() {
        let named = report("warning: /a\u{1b}[2Jb\u{202e}c");
        for format in [
            MessageFormat::Json,
            MessageFormat::Slack,
            MessageFormat::Discord,
            MessageFormat::Teams,
            MessageFormat::Ntfy,
        ] {
            let message = message(format, Outcome::Warning, "p", &named, &Counts::default());
            let body = message.body.replace("\\n", "\n").to_lowercase();
            for hidden in ["\u{1b}", "\u{202e}", "\\u001b", "\\u202e"] {
                assert!(!body.contains(hidden), "{format}: {body}");
            }
        }
    }

    #[test]
    fn messages_have_the_size_that_services_take() {
        let long = report(&"ü".repeat(10_000));
        for format in [
            MessageFormat::Slack,
            MessageFormat::Discord,
            MessageFormat::Ntfy,
        ] {
            let message = message(format, Outcome::Failure, "p", &long, &Counts::default());
            assert!(
                message.body.len() < 4096,
                "{format}: {}",
                message.body.len()
            );
        }
    }
}
