//! `run --metrics`: the file is read by Prometheus' own parser.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::kit::Night;
use crate::support::machine::Ran;
use crate::support::processes::{Gate, signal};

/// Prints every series of a file as `name{labels} value` in JSON, and what `# TYPE` and `# HELP`
/// say.
const READER: &str = r#"
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1], newline="").read()))
assert all(f.type == "gauge" and f.documentation for f in families), families
print(json.dumps([[s.name, s.labels, s.value] for f in families for s in f.samples]))
"#;

/// Every series by its name and the labels that are its own.
pub struct Metrics {
    /// Of all of them: profile and location.
    of: (String, String),
    series: BTreeMap<String, f64>,
}

impl Metrics {
    pub fn read(path: &Path) -> Metrics {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
        let output = Command::new(python)
            .args(["-c", READER])
            .arg(path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            path.display()
        );
        let series: Vec<(String, BTreeMap<String, String>, f64)> =
            serde_json::from_slice(&output.stdout).unwrap();
        let mut of = None;
        let mut found = BTreeMap::new();
        for (name, mut labels, value) in series {
            let whose = (
                labels.remove("profile").unwrap(),
                labels.remove("location").unwrap(),
            );
            assert_eq!(*of.get_or_insert(whose.clone()), whose, "{name}");
            let own: Vec<String> = labels.into_values().collect();
            let name = name.strip_prefix("aam_backup_").unwrap();
            let before = found.insert(
                format!("{name} {}", own.join(" ")).trim_end().to_owned(),
                value,
            );
            assert_eq!(before, None, "twice: {name} {own:?}");
        }
        Metrics {
            of: of.unwrap(),
            series: found,
        }
    }

    #[track_caller]
    pub fn get(&self, name: &str) -> f64 {
        *self
            .series
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.series))
    }

    /// The one result that is 1.
    pub fn result(&self) -> &str {
        let results = self
            .series
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("last_run_result ")?, *value)));
        let (yes, no): (Vec<_>, Vec<_>) = results.partition(|(_, value)| *value == 1.0);
        assert!(
            yes.len() == 1 && no.len() == 7 && no.iter().all(|(_, value)| *value == 0.0),
            "{yes:?} {no:?}"
        );
        yes[0].0
    }
}

/// Those that a run writes, without their labels.
pub fn names() -> BTreeSet<String> {
    let mut night = quiet();
    run(&mut night).exit(0);
    let series = read(&night).series;
    series
        .keys()
        .map(|name| format!("aam_backup_{}", name.split(' ').next().unwrap()))
        .collect()
}

fn file(night: &Night) -> PathBuf {
    night.machine.path("metrics/aam-backup.prom")
}

/// Runs with metrics; nothing but the file may be left beside it.
fn run(night: &mut Night) -> Ran {
    fs::create_dir_all(night.machine.path("metrics")).unwrap();
    let ran = night.run(&["--metrics", file(night).to_str().unwrap()]);
    assert_eq!(
        fs::read_dir(night.machine.path("metrics")).unwrap().count(),
        1,
        "{ran}"
    );
    ran
}

fn read(night: &Night) -> Metrics {
    let metrics = Metrics::read(&file(night));
    assert_eq!(metrics.of, ("test".to_owned(), "pc".to_owned()));
    metrics
}

fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

fn quiet() -> Night {
    let mut night = Night::new();
    night.email.clear();
    night
}

#[test]
fn a_success_then_a_failure() {
    let mut night = quiet();
    let awkward = night.machine.path("a \"quoted\" \\ mirror");
    fs::create_dir(&awkward).unwrap();
    night.machine.profile.mirror = format!("{{path: '{}'}}", awkward.display());
    let before = now();
    run(&mut night).exit(0);
    assert_eq!(
        fs::metadata(file(&night)).unwrap().permissions().mode() & 0o777,
        0o644
    );
    let good = read(&night);
    assert_eq!(good.result(), "success");
    let ended = good.get("last_run_timestamp_seconds");
    // Written with milliseconds.
    assert!(ended + 0.001 >= before && ended <= now(), "{ended}");
    assert_eq!(good.get("last_success_timestamp_seconds"), ended);
    assert_eq!(good.get("last_complete_timestamp_seconds"), ended);
    let took = good.get("last_run_duration_seconds");
    assert!(took > 0.0 && took <= now() - before, "{took}");
    for (name, value) in [
        ("files", 3.0),
        ("bytes", 11.0),
        ("archived_files", 3.0),
        ("archived_bytes", 11.0),
        ("skipped", 0.0),
    ] {
        assert_eq!(good.get(&format!("last_run_{name}")), value, "{name}");
    }
    let (mirror, store) = (
        format!("mirror {}", awkward.display()),
        night.machine.path("store").display().to_string(),
    );
    for destination in [&mirror, &store] {
        assert_eq!(
            good.get(&format!("last_run_destination_complete {destination}")),
            1.0
        );
    }
    assert!(good.get(&format!("last_run_destination_bytes {store}")) > 0.0);

    night.machine.make_unreadable("docs/b.txt");
    run(&mut night).exit(3);
    let warned = read(&night);
    assert_eq!(
        (warned.result(), warned.get("last_run_skipped")),
        ("warning", 1.0)
    );
    assert_eq!(warned.get("last_success_timestamp_seconds"), ended);
    assert_eq!(
        warned.get("last_complete_timestamp_seconds"),
        warned.get("last_run_timestamp_seconds")
    );

    night.machine.profile.rsync = Some(night.machine.script("rsync", "exit 1"));
    run(&mut night).exit(1);
    let bad = read(&night);
    assert_eq!(bad.result(), "failure");
    assert_eq!(bad.get("last_success_timestamp_seconds"), ended);
    assert_eq!(
        bad.get("last_complete_timestamp_seconds"),
        warned.get("last_run_timestamp_seconds"),
        "the warned run was complete"
    );
    assert!(bad.get("last_run_timestamp_seconds") > ended);
    assert_eq!(
        bad.get(&format!("last_run_destination_complete {mirror}")),
        0.0
    );
}

#[test]
fn before_there_was_a_success() {
    let mut night = quiet();
    night.more = "exlude: {}\n".to_owned();
    run(&mut night).exit(2);
    let metrics = read(&night);
    assert_eq!(
        (
            metrics.result(),
            metrics.get("last_success_timestamp_seconds")
        ),
        ("invalid", 0.0)
    );
    let hook = night.machine.script("hook", "exit 75");
    night.more = format!("hooks: {{before: ['{}']}}\n", hook.display());
    run(&mut night).exit(0);
    let metrics = read(&night);
    assert_eq!(
        (
            metrics.result(),
            metrics.get("last_complete_timestamp_seconds")
        ),
        ("skipped", 0.0)
    );
}

#[test]
fn an_interrupted_run() {
    let mut night = quiet();
    let gate = Gate::new(&night.machine.path("."));
    night
        .machine
        .hook_seven_zip(&format!("[ $what = archive ] && {}", gate.hook()));
    night.prepare();
    fs::create_dir(night.machine.path("metrics")).unwrap();
    let mut run = night
        .machine
        .start(&["--metrics", file(&night).to_str().unwrap()]);
    gate.wait(&mut run);
    assert!(!file(&night).exists());
    signal(run.id().try_into().unwrap(), Signal::TERM);
    Ran::of(run.wait_with_output().unwrap()).exit(130);
    assert_eq!(read(&night).result(), "interrupted");
}

#[test]
fn metrics_that_cannot_be_written() {
    let mut night = Night::new();
    let place = night.machine.path("no such directory/aam.prom");
    let ran = night.run(&["--metrics", place.to_str().unwrap()]);
    ran.exit(3).says(&format!(
        "the metrics cannot be written to '{}': ",
        place.display()
    ));
    assert_eq!(
        ran.stdout.matches("the metrics cannot be written").count(),
        1,
        "{ran}"
    );
    // Known before the mail went out.
    assert!(night.mail().subject.starts_with("WARNING, "));
    // It goes while the run runs: too late for the mail, not for the exit code.
    fs::create_dir(place.parent().unwrap()).unwrap();
    let hook = night.machine.script(
        "hook",
        &format!("rm -r '{}'", place.parent().unwrap().display()),
    );
    night.more = format!("hooks: {{after: ['{}']}}\n", hook.display());
    night
        .run(&["--metrics", place.to_str().unwrap()])
        .exit(3)
        .says("WARNING, ")
        .says("the metrics cannot be written");
    night.machine.aam("status", &[]).exit(3);
}

/// Names of metrics in a text.
fn mentioned(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !word(c));
    let found = words.filter(|word| word.starts_with("aam_backup_"));
    found.map(str::to_owned).collect()
}

/// An alert on a metric that nobody writes never fires.
#[test]
fn the_dashboard_and_the_alerts_name_metrics_that_exist() {
    let mut night = quiet();
    run(&mut night).exit(0);
    let fleet = night.machine.path("fleet.prom");
    let arguments = ["--all-locations", "--metrics", fleet.to_str().unwrap()];
    night.machine.aam("sets", &arguments).exit(0);
    let written = [file(&night), fleet].map(|file| fs::read_to_string(file).unwrap());
    let written = mentioned(&written.concat());
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring.md");
    let page = mentioned(&fs::read_to_string(page).unwrap());
    let read = |name: &str| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/monitoring");
        fs::read_to_string(PathBuf::from(root).join(name)).unwrap()
    };
    let (alerts, dashboard) = (read("alerts.yml"), read("grafana.json"));
    for (name, text) in [("alerts.yml", &alerts), ("grafana.json", &dashboard)] {
        let named = mentioned(text);
        let unknown: Vec<&String> = named.difference(&written).collect();
        assert!(unknown.is_empty() && named.len() > 5, "{name}: {unknown:?}");
        let unexplained: Vec<&String> = named.difference(&page).collect();
        assert!(
            unexplained.is_empty(),
            "docs/monitoring.md: {unexplained:?}"
        );
    }
    // Every metric is on the dashboard.
    let absent: Vec<_> = written
        .difference(&mentioned(&dashboard))
        .cloned()
        .collect();
    assert_eq!(absent, Vec::<String>::new());

    let alerts: serde_json::Value = serde_saphyr::from_str(&alerts).unwrap();
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let has = |key: &str| rule.pointer(key).is_some_and(|text| text.is_string());
        for key in [
            "/alert",
            "/expr",
            "/labels/severity",
            "/annotations/summary",
        ] {
            assert!(has(key), "{key}: {rule}");
        }
    }
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            assert!(target["expr"].is_string(), "{target}");
        }
    }
}
