//! The server enforces the policies that the page's commands gave to its users.
//!
//! Moto knows actions and resources, but not conditions: those are held against the program's own
//! requests.

use serde_json::{Value, json};

use super::setup::{ADDRESS, Account, BUCKET, Key, LOCATION, commands};
use super::{policy, statements, texts};
use crate::support::look::{differences, look};
use crate::support::machine::{Machine, Ran};
use crate::support::proxy::{Proxy, Request};

/// An account as it is after steps 1 to 5 of the page, and its two access keys.
struct Ready {
    account: Account,
    backup: Key,
    restore: Key,
}

fn ready() -> Ready {
    let account = Account::new();
    account.follow("1. Choose names");
    account.follow("2. The bucket");
    let upload = commands("3. The user that uploads");
    let backup = Key::printed(&account.sh(&upload[0], None));
    account.follow("4. Email");
    let [create, make_key, _] = commands("5. The user that restores").try_into().unwrap();
    account.sh(&create, None);
    let restore = Key::printed(&account.sh(&make_key, None));
    // Moto takes every condition for fulfilled, so the bucket's policy would refuse everything
    // here.
    account.sh("aws s3api delete-bucket-policy --bucket $BUCKET", None);
    account.enforce(true);
    Ready {
        account,
        backup,
        restore,
    }
}

/// A machine whose store is the bucket behind this endpoint.
fn machine(endpoint: &str) -> Machine {
    let mut machine = Machine::new();
    machine.profile.location = LOCATION.to_owned();
    machine.profile.more_destinations =
        format!("  s3: {{bucket: {BUCKET}, region: us-east-1, endpoint: '{endpoint}'}}");
    machine
}

fn run(machine: &Machine, key: &Key, arguments: &[&str]) -> Ran {
    let mut command = machine.command(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret);
    Ran::of(command.output().unwrap())
}

/// Prefixes that were listed.
fn listed(requests: &[Request]) -> Vec<String> {
    let lists = requests.iter().filter(|r| r.target.contains("list-type=2"));
    lists
        .map(|r| {
            r.target
                .split("prefix=")
                .nth(1)
                .unwrap()
                .split('&')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn each_user_can_do_its_work_and_nothing_else() {
    let Ready {
        account,
        backup,
        restore,
    } = ready();
    let proxy = Proxy::start(account.moto.address());
    let mut machine = machine(&proxy.endpoint());
    // More than a part, so that it is sent in several: 18 MiB compressed.
    machine.profile.volume_size = 40_000_000;
    machine.write("docs/large", &noise(24 << 20));
    machine.profile.more = format!(
        "email: {{from: {ADDRESS}, to: [{ADDRESS}], region: us-east-1, endpoint: '{}'}}\n",
        proxy.endpoint()
    );
    let profile = machine.path("profile.yaml").to_str().unwrap().to_owned();

    run(&machine, &backup, &["run", &profile])
        .exit(0)
        .says("full");
    machine.write("docs/a.txt", "another one");
    run(&machine, &backup, &["run", &profile])
        .exit(0)
        .says("incremental");
    assert!(
        proxy.count("POST", "uploadId") > 0,
        "nothing was sent in parts"
    );

    assert_eq!(
        proxy.count("POST", "/v2/email/outbound-emails"),
        2,
        "a report of each run"
    );

    // Moto does not look at the condition of the right to list; the program keeps to it.
    let policy = policy("backup-user.json");
    let allowed = &statements(&policy)[1]["Condition"]["StringLike"]["s3:prefix"];
    let [pattern] = texts(allowed)[..] else {
        panic!("one prefix")
    };
    let start = pattern
        .replace("${location}", LOCATION)
        .strip_suffix('*')
        .unwrap()
        .to_owned();
    let prefixes = listed(&proxy.seen());
    assert!(
        prefixes.len() > 2 && prefixes.iter().all(|p| p.starts_with(&start)),
        "{prefixes:?}"
    );

    // What a thief of the key would try.
    let marker = proxy
        .seen()
        .iter()
        .rev()
        .find(|r| r.method == "PUT" && r.target.contains("_yes_"))
        .unwrap()
        .clone();
    let marker = marker.target.split(['/', '?']).nth(2).unwrap().to_owned();
    let object = |key: &str| json!({"Bucket": BUCKET, "Key": key});
    let with = |mut arguments: Value, name: &str, value: Value| {
        arguments[name] = value;
        arguments
    };
    let bucket = json!({"Bucket": BUCKET});
    let suspend = with(
        bucket.clone(),
        "VersioningConfiguration",
        json!({"Status": "Suspended"}),
    );
    let another = format!("{LOCATION}_x");
    refused(
        &account,
        &backup,
        &[
            ("s3", "get_object", object(&marker)),
            (
                "s3",
                "get_object",
                with(object(&marker), "VersionId", json!("null")),
            ),
            ("s3", "delete_object", object(&marker)),
            (
                "s3",
                "delete_object",
                with(object(&marker), "VersionId", json!("null")),
            ),
            (
                "s3",
                "restore_object",
                with(object(&marker), "RestoreRequest", json!({"Days": 1})),
            ),
            ("s3", "put_object", object("nas_x")),
            (
                "s3",
                "put_object_tagging",
                with(object(&marker), "Tagging", json!({"TagSet": []})),
            ),
            ("s3", "list_object_versions", bucket.clone()),
            ("s3", "put_bucket_versioning", suspend.clone()),
            ("s3", "delete_bucket_lifecycle", bucket.clone()),
            ("s3", "delete_bucket_policy", bucket.clone()),
            ("s3", "delete_bucket", bucket),
            ("iam", "create_access_key", json!({"UserName": "restore"})),
        ],
    );
    assert_eq!(
        account.answers(&backup, &[("s3", "put_object", object(&another))]),
        ["done"]
    );

    // Reading needs the other key.
    let bare = [
        "--location",
        LOCATION,
        "--bucket",
        BUCKET,
        "--region",
        "us-east-1",
        "--endpoint",
    ];
    let place = machine.path("restored");
    let restored = place.to_str().unwrap();
    let endpoint = proxy.endpoint();
    let arguments = [
        &["restore"],
        &bare[..],
        &[
            &endpoint,
            "--to",
            restored,
            "--key-env",
            "AAM_TEST_KEY",
            "--yes",
            "--poll-every",
            "1s",
        ],
    ]
    .concat();
    run(&machine, &backup, &arguments)
        .exit(1)
        .says("has no right to do this");
    run(&machine, &restore, &arguments).exit(0);
    assert!(
        proxy.count("POST", "?restore") > 0,
        "nothing was ordered from Deep Archive"
    );
    let differences = differences(&look(&machine.home()), &look(&place.join("1")));
    assert!(differences.is_empty(), "{differences:?}");
    refused(
        &account,
        &restore,
        &[
            ("s3", "delete_object", object(&marker)),
            ("s3", "put_object", object(&another)),
            ("s3", "put_bucket_versioning", suspend),
        ],
    );
    assert_eq!(
        account.answers(&restore, &[("s3", "head_object", object(&marker))]),
        ["done"]
    );
}

#[track_caller]
fn refused(account: &Account, key: &Key, calls: &[(&str, &str, Value)]) {
    let answers = account.answers(key, calls);
    assert_eq!(answers.len(), calls.len());
    for (answer, call) in answers.iter().zip(calls) {
        assert!(answer.starts_with("AccessDenied"), "{call:?}: {answer}");
    }
}

/// So many bytes that do not compress.
fn noise(size: usize) -> String {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 58) as u8)
    };
    (0..size).map(|_| next()).collect()
}

#[test]
fn the_doctor_is_content_with_the_user_that_uploads() {
    let Ready {
        account,
        backup,
        restore,
    } = ready();
    let machine = machine(&account.moto.endpoint());
    let profile = machine.path("profile.yaml").to_str().unwrap().to_owned();
    let sound = run(&machine, &backup, &["doctor", &profile]);
    for line in [
        "may write to",
        "may not delete from",
        "may not read from",
        "objects expire after 181 days",
    ] {
        sound.exit(3).says(line).says("2 warnings, 0 problems");
    }
    run(&machine, &restore, &["doctor", &profile])
        .exit(1)
        .says("may not write to")
        .says("may read from");
}
