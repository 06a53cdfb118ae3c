//! `docs/monitoring.md`: its tables are those of the program.

use std::collections::BTreeSet;

use aam_auto_backup::parts::FullPath;
use aam_auto_backup::parts::{Event, Outcome, Section, Severity, Work};
use serde_json::{Map, Value};

use super::page;
use super::pages::table;

fn samples() -> Vec<Event> {
    let text = String::new;
    let mount = || FullPath::parse("/home").unwrap();
    vec![
        Event::Note {
            section: Section::Start,
            text: text(),
        },
        Event::Detail {
            section: Section::Start,
            text: text(),
        },
        Event::Problem {
            section: Section::Start,
            severity: Severity::Error,
            text: text(),
            hint: None,
        },
        Event::Ignored {
            path: text(),
            why: text(),
            severity: None,
        },
        Event::ToolStarted {
            tool: text(),
            command: text(),
        },
        Event::ToolOutput {
            tool: text(),
            line: text(),
        },
        Event::ToolEnded {
            tool: text(),
            code: 0,
            meaning: text(),
        },
        Event::Mounted {
            mount: mount(),
            files: 0,
            directories: 0,
            bytes: 0,
            archived_files: 0,
            archived_bytes: 0,
        },
        Event::Deleted { path: text() },
        Event::Difference {
            path: text(),
            what: text(),
        },
        Event::Uploading {
            store: text(),
            key: text(),
            size: Some(0),
        },
        Event::Transferred { bytes: 0 },
        Event::Ahead { bytes: 1 },
        Event::Step {
            number: 1,
            of: 2,
            what: "/a".to_owned(),
        },
        Event::Walked { files: 1, bytes: 1 },
        Event::Progress {
            work: Work::Archiving,
            percent: Some(1),
            of: None,
        },
        Event::Uploaded {
            store: text(),
            key: text(),
            size: 0,
            sha256: text(),
        },
        Event::Destination {
            name: text(),
            complete: false,
        },
        Event::Downloading {
            store: text(),
            key: text(),
            from: None,
            size: 0,
        },
        Event::Extracting {
            mount: mount(),
            stamp: "20260101_000000.000001".parse().unwrap(),
            to: text(),
        },
        Event::Finished {
            outcome: Outcome::Success,
            text: text(),
        },
    ]
}

#[test]
fn every_event_is_in_the_table_with_its_fields() {
    // Who asks for an event that is none is told which there are.
    let all = serde_json::from_str::<Event>(r#"{"event": "none"}"#)
        .unwrap_err()
        .to_string();
    let (_, all) = all.split_once("expected one of ").unwrap();
    let all: BTreeSet<String> = all
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let mut told = BTreeSet::new();
    for event in samples() {
        let mut fields: Map<String, Value> =
            serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
        let name = fields.remove("event").unwrap().as_str().unwrap().to_owned();
        let row = table(&page("docs/monitoring.md"), "| event |")
            .into_iter()
            .find(|row| row[0] == [&*name]);
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        let fields: BTreeSet<String> = fields.keys().cloned().collect();
        assert_eq!(
            row[1].iter().cloned().collect::<BTreeSet<_>>(),
            fields,
            "{name}"
        );
        told.insert(name);
    }
    assert_eq!(told, all);
    assert_eq!(
        table(&page("docs/monitoring.md"), "| event |").len(),
        all.len()
    );
}

#[test]
fn every_metric_is_in_the_table() {
    let told: BTreeSet<String> = table(&page("docs/monitoring.md"), "| metric |")
        .into_iter()
        .flat_map(|row| row[0].clone())
        .collect();
    assert_eq!(told, crate::unattended::names_of_metrics());
}
