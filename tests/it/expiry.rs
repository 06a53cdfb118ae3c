//! Sets that the lifecycle rules of a bucket delete.

use std::fs;

use serde_json::Value;

use crate::support::machine::Machine;
use crate::support::proxy::Fault;

/// The day on which S3 deletes what is made now and kept for so many days.
fn expiry(days: u64) -> String {
    let day = chrono::Utc::now().date_naive() + chrono::Days::new(days + 1);
    day.to_string()
}

#[test]
fn sets_that_the_rule_of_a_bucket_deletes() {
    let mut machine = Machine::new();
    let proxy = machine.add_bucket_behind_proxy();
    machine.run(&[]).exit(0);
    let from = ["--from", "s3"];
    machine
        .aam("sets", &from)
        .exit(0)
        .never_says("lifecycle")
        .never_says("expire");
    let rule = |id: &str, prefix: &str, what: &str| {
        format!(
            "<Rule><ID>{id}</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>{what}</Rule>"
        )
    };
    let after = |days| format!("<Expiration><Days>{days}</Days></Expiration>");
    let other = rule("other", "laptop_", &after(1));
    machine.set_lifecycle(&format!("{}{other}", rule("all", "", &after(20))));
    // A run at midnight may see two days.
    let days = [expiry(20), expiry(21)];
    let sets = machine.aam("sets", &from);
    sets.exit(0)
        .says("that the bucket's lifecycle rule deletes");
    assert!(days.iter().any(|day| sets.stdout.contains(day)), "{sets}");
    let json = |arguments: &[&str]| -> Value {
        let json = machine.aam("sets", &[arguments, &from, &["--format", "json"]].concat());
        serde_json::from_str(&json.exit(0).stdout).unwrap()
    };
    let is_day = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        days.iter().any(|day| text == format!("{day}T00:00:00Z"))
    };
    let reports = json(&[]);
    assert!(
        is_day(&reports["stores"][0]["sets"][0]["expires"]),
        "{reports}"
    );
    let fleet = json(&["--all-locations"]);
    assert!(
        is_day(&fleet["stores"][0]["locations"][0]["next-expiry"]),
        "{fleet}"
    );
    let metrics = machine.path("fleet.prom");
    let more = ["--all-locations", "--metrics", metrics.to_str().unwrap()];
    let text = machine.aam("sets", &[&from[..], &more].concat());
    text.exit(0).says("next set expires");
    let written = fs::read_to_string(&metrics).unwrap();
    assert!(
        written.contains("next_expiry_timestamp_seconds{"),
        "{written}"
    );
    machine
        .aam("doctor", &[])
        .says("the lifecycle rule deletes the sets ")
        .says("there is no other complete backup");

    machine.set_lifecycle(&rule("all", "", &after(400)));
    machine
        .aam("doctor", &[])
        .says("the lifecycle rule deletes the sets ")
        .never_says("no other complete backup");

    // Who may not know is told quietly.
    let denied = Fault::s3(403, "AccessDenied", "Access Denied");
    proxy.spoil("GET", "lifecycle", usize::MAX, denied);
    let sets = machine.aam("sets", &from);
    sets.exit(0).says("when sets expire is not known: ");
    assert_eq!(sets.stderr, "");
    let reports = json(&[]);
    assert!(
        reports["stores"][0]["expiry-unknown"].is_string(),
        "{reports}"
    );
    assert!(
        reports["stores"][0]["sets"][0]["expires"].is_null(),
        "{reports}"
    );
}
