//! Secrets that a profile refers to.

use std::fs;

use super::{Findings, open_bucket};
use crate::support::machine::Machine;
use crate::support::moto;

#[test]
fn keys_and_their_files() {
    let mut machine = Machine::new();
    machine.key = "not ASCII: ü";
    Findings::of(&machine).has("secrets", "problem", "printable ASCII");
    machine.key = "";
    Findings::of(&machine).has("secrets", "problem", "AAM_TEST_KEY is empty");
    machine.key = "12345678901";
    let short = "archive.encryption-key has fewer than 12 characters";
    Findings::of(&machine).has("secrets", "warning", short);
    let s3 = open_bucket();
    s3.machine.mode("../secret", 0o644);
    Findings::of(&s3.machine).has("secrets", "warning", "chmod 600");
}

/// A command may ask somebody, who would be asked twice.
#[test]
fn commands_for_secrets_run_once() {
    let mut s3 = open_bucket();
    let asked = s3.machine.path("asked");
    let ask = s3
        .machine
        .script("ask", &format!("echo $1 >>'{}'; echo $1", asked.display()));
    let keys = |of: &str| {
        let command = |name: &str| format!("{{command: ['{}', {name}-of-{of}]}}", ask.display());
        format!(
            "credentials: {{access-key-id: {}, secret-access-key: {}}}",
            command("id"),
            command("secret")
        )
    };
    let moto = moto::shared().endpoint();
    s3.machine.profile.more_destinations = format!(
        "  s3: {{bucket: {}, region: us-east-1, endpoint: '{moto}', {}}}\n",
        s3.bucket,
        keys("s3")
    );
    s3.machine.profile.more = format!(
        "email: {{from: sender@example.com, to: [owner@example.com], region: us-east-1, endpoint: '{moto}', {}}}\n",
        keys("email")
    );
    let found = Findings::of(&s3.machine);
    found.has("bucket", "ok", "can be listed").has(
        "secrets",
        "ok",
        "email.credentials.access-key-id",
    );
    let asked = fs::read_to_string(asked).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    asked.sort_unstable();
    assert_eq!(
        asked,
        ["id-of-email", "id-of-s3", "secret-of-email", "secret-of-s3"]
    );
}
