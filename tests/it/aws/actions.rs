//! The policies have the form that IAM wants, and allow exactly what the program calls.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};

use super::setup::PAGE;
use super::{directory, policy, statements, texts};
use crate::architecture::sources;

/// What the program asks AWS for, the right it needs for that, and the policies that give it. What
/// none gives, `doctor` tries to see that it is refused, or a person does.
const OPERATIONS: [(&str, &str, &[&str]); 18] = [
    ("list_objects_v2", "s3:ListBucket", &[BACKUP, RESTORE]),
    ("list_object_versions", "s3:ListBucketVersions", &[RESTORE]),
    ("put_object", "s3:PutObject", &[BACKUP]),
    ("create_multipart_upload", "s3:PutObject", &[BACKUP]),
    ("upload_part", "s3:PutObject", &[BACKUP]),
    ("complete_multipart_upload", "s3:PutObject", &[BACKUP]),
    (
        "abort_multipart_upload",
        "s3:AbortMultipartUpload",
        &[BACKUP],
    ),
    ("get_object", "s3:GetObject", &[RESTORE]),
    ("head_object", "s3:GetObject", &[RESTORE]),
    ("restore_object", "s3:RestoreObject", &[RESTORE]),
    ("delete_object", "s3:DeleteObject", &[]),
    ("head_bucket", "s3:ListBucket", &[]),
    (
        "get_bucket_lifecycle_configuration",
        "s3:GetLifecycleConfiguration",
        &[BACKUP],
    ),
    ("get_bucket_versioning", "s3:GetBucketVersioning", &[BACKUP]),
    ("send_email", "ses:SendEmail", &[MAIL]),
    ("get_email_identity", "ses:GetEmailIdentity", &[MAIL]),
    ("get_account", "ses:GetAccount", &[MAIL]),
    ("create_email_identity", "ses:CreateEmailIdentity", &[]),
];

/// What `get_object` and `head_object` need besides if they name a version.
const OLDER_VERSIONS: &str = "s3:GetObjectVersion";

const BACKUP: &str = "backup-user.json";
const RESTORE: &str = "restore-user.json";
const MAIL: &str = "send-mail.json";
const BUCKET: &str = "bucket-policy.json";

/// Placeholders and what to write there.
const NAMES: [(&str, &str); 4] = [
    ("${bucket}", "my-backups"),
    ("${location}", "allens-laptop"),
    ("${account}", "123456789012"),
    ("${address}", "allen@example.com"),
];

/// The operations that the sources call, of S3 or of SES.
fn called(sdk: &str) -> BTreeSet<String> {
    let call = Regex::new(r"\bclient\s*\.\s*([a-z0-9_]+)\(\)").unwrap();
    let mut found = BTreeSet::new();
    for source in sources() {
        let text: String = source
            .lines
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        // A module's parts need not name the SDK that its client is of.
        let module = source.file.rsplit_once('/').unwrap().0.to_owned();
        let is_ours = |file: &str| file.rsplit_once('/').unwrap().0 == module;
        if !sources()
            .iter()
            .any(|s| is_ours(&s.file) && s.lines.iter().any(|(_, line)| line.contains(sdk)))
        {
            continue;
        }
        let calls: Vec<String> = call.captures_iter(&text).map(|c| c[1].to_owned()).collect();
        // A request that is sent twice is one operation.
        let sent = text.matches(".send()").count() - text.matches("request.clone()").count();
        assert!(
            calls.len() >= sent,
            "{}: {sent} requests, but only these are told: {calls:?}",
            source.file
        );
        found.extend(calls);
    }
    found
}

#[test]
fn every_operation_has_a_right_and_every_right_an_operation() {
    let told: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let s3 = called("aws_sdk_s3");
    assert!(s3.len() > 5, "{s3:?}");
    let called: BTreeSet<String> = s3.union(&called("aws_sdk_sesv2")).cloned().collect();
    let untold: Vec<_> = called.difference(&told).collect();
    assert!(
        untold.is_empty(),
        "{untold:?}: which right do they need, and who has it? Add them to this table, to examples/aws and to docs/aws.md"
    );
    let idle: Vec<_> = told.difference(&called).collect();
    assert!(
        idle.is_empty(),
        "no longer called: {idle:?}; take away the right too"
    );
    for name in [BACKUP, RESTORE, MAIL] {
        let due: BTreeSet<&str> = OPERATIONS
            .iter()
            .filter(|(.., who)| who.contains(&name))
            .map(|(_, right, _)| *right)
            .collect();
        let older = (name == RESTORE).then_some(OLDER_VERSIONS);
        let due: BTreeSet<&str> = due.into_iter().chain(older).collect();
        let policy = policy(name);
        let given: BTreeSet<&str> = statements(&policy)
            .iter()
            .flat_map(|s| texts(&s["Action"]))
            .collect();
        assert_eq!(given, due, "{name}");
    }
}

/// What is forbidden to users who make backups is all but what they are allowed.
#[test]
fn the_bucket_forbids_what_no_backup_needs() {
    let (bucket, backup) = (policy(BUCKET), policy(BACKUP));
    let rest = statements(&bucket)
        .iter()
        .find_map(|s| s.get("NotAction"))
        .map(texts)
        .unwrap();
    let given: BTreeSet<&str> = statements(&backup)
        .iter()
        .flat_map(|s| texts(&s["Action"]))
        .collect();
    assert_eq!(rest.into_iter().collect::<BTreeSet<_>>(), given);
}

/// What the page says a right is for.
#[test]
fn the_page_explains_every_right() {
    let page = fs::read_to_string(directory().join("../..").join(PAGE)).unwrap();
    for (section, names) in [
        ("3. The user that uploads", &[BACKUP, MAIL][..]),
        ("5. The user that restores", &[RESTORE]),
    ] {
        let text = page
            .split(&format!("## {section}\n"))
            .nth(1)
            .unwrap()
            .split("\n## ")
            .next()
            .unwrap();
        let rows = text.lines().filter(|l| l.starts_with("| `"));
        let told: BTreeSet<String> = rows
            .map(|l| l.split('`').nth(1).unwrap().to_owned())
            .collect();
        let policies: Vec<Value> = names.iter().map(|name| policy(name)).collect();
        let given = policies
            .iter()
            .flat_map(statements)
            .flat_map(|s| texts(&s["Action"]));
        assert_eq!(told, given.map(str::to_owned).collect(), "{section}");
    }
}

#[test]
fn policies_have_the_form_that_iam_wants() {
    for name in [BACKUP, RESTORE, MAIL, BUCKET] {
        let policy = policy(name);
        assert_eq!(policy["Version"], "2012-10-17", "{name}");
        let mut ids = BTreeSet::new();
        for statement in statements(&policy) {
            let id = statement["Sid"].as_str().unwrap();
            assert!(
                id.bytes().all(|b| b.is_ascii_alphanumeric()) && ids.insert(id),
                "{name}: {id}"
            );
            // Users are allowed, the bucket forbids.
            let is_bucket = name == BUCKET;
            assert_eq!(
                statement["Effect"],
                if is_bucket { "Deny" } else { "Allow" },
                "{name}: {id}"
            );
            assert_eq!(
                statement.get("Principal").is_some(),
                is_bucket,
                "{name}: {id}"
            );
            for resource in texts(&statement["Resource"]) {
                // What limits email is from whom and to whom: the resource would be an identity,
                // or a set of options.
                assert!(
                    name == MAIL || resource.starts_with("arn:aws:s3:::${bucket}"),
                    "{name}: {resource}"
                );
                let of_bucket = [
                    "s3:ListBucket",
                    "s3:ListBucketVersions",
                    "s3:GetLifecycleConfiguration",
                    "s3:GetBucketVersioning",
                ];
                let about_objects = |action: &&str| !of_bucket.contains(action);
                if [BACKUP, RESTORE].contains(&name) {
                    assert!(
                        texts(&statement["Action"])
                            .iter()
                            .all(|a| about_objects(a) == resource.contains('/'))
                    );
                }
            }
            for action in statement
                .get("Action")
                .filter(|_| !is_bucket)
                .map(texts)
                .unwrap_or_default()
            {
                assert!(!action.contains('*'), "{name}: {action}");
            }
        }
        // A user's own policies together.
        let size = policy.to_string().len();
        assert!(
            size < if name == BUCKET { 20_480 } else { 1024 },
            "{name} has {size} characters"
        );
    }
}

#[test]
fn placeholders_are_known() {
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|e| e == "json") {
            let filled = NAMES
                .iter()
                .fold(text, |text, (name, value)| text.replace(name, value));
            assert!(!filled.contains("${"), "{}: {filled}", path.display());
        }
    }
}

/// CloudFormation's checker knows the names of all actions and conditions' operators.
#[test]
fn actions_are_known_to_aws() {
    let filled = |name: &str| -> Value {
        let text = fs::read_to_string(directory().join(name)).unwrap();
        serde_json::from_str(
            &NAMES
                .iter()
                .fold(text, |text, (name, value)| text.replace(name, value)),
        )
        .unwrap()
    };
    let user = |name: &str| {
        json!({"Type": "AWS::IAM::UserPolicy",
               "Properties": {"UserName": "u", "PolicyName": name, "PolicyDocument": filled(name)}})
    };
    let bucket = json!({"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": filled(BUCKET)}});
    let lint = |resources: Value| {
        let place = tempfile::tempdir().unwrap();
        let template = place.path().join("template.json");
        fs::write(&template, json!({"Resources": resources}).to_string()).unwrap();
        let program = directory().join("../../tests/.venv/bin/cfn-lint");
        let output = Command::new(program)
            .arg(template)
            .output()
            .expect("cfn-lint, which moto brings");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (good, said) = lint(
        json!({"Backup": user(BACKUP), "Restore": user(RESTORE), "Mail": user(MAIL), "Bucket": bucket}),
    );
    assert!(good, "{said}");
    let mut wrong = user(RESTORE);
    wrong["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = json!("s3:ThawObject");
    let (good, said) = lint(json!({"Wrong": wrong}));
    assert!(
        !good && said.contains("thawobject"),
        "it sees nothing: {said}"
    );
}
