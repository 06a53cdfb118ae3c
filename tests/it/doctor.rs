//! `doctor`: what it finds on sound and on broken machines, buckets and senders.
//!
//! `tests/accept.sh` writes the golden file anew; look at the difference before committing it.

mod email;
mod places;
mod secrets;
mod stores;
mod tools;

use crate::support::golden;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aam_auto_backup::parts::CHECKS;
use serde_json::Value;

use crate::support::machine::{Machine, Ran};
use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fault, Proxy};
use crate::support::wait::wait_until;

/// What a backup needs, and what it may know besides.
const UPLOADER: [&str; 5] = [
    "s3:ListBucket",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketVersioning",
];

const LIFECYCLE: &str = "<LifecycleConfiguration><Rule><ID>a</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>\
     <Expiration><Days>181</Days></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7\
     </DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>";

/// What `doctor --format json` found.
struct Findings(Ran, Value);

impl Findings {
    fn of(machine: &Machine) -> Findings {
        Findings::with(machine, &[])
    }

    fn with(machine: &Machine, arguments: &[&str]) -> Findings {
        let ran = machine.aam("doctor", &[&["--format", "json"], arguments].concat());
        let answer: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{ran}"));
        let all = answer["findings"].as_array().unwrap();
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        for finding in all {
            assert!(
                names.contains(finding["check"].as_str().unwrap()),
                "{finding}"
            );
            let (level, hint) = (
                finding["level"].as_str().unwrap(),
                finding["hint"].as_str().unwrap_or_default(),
            );
            assert_eq!(
                level == "ok",
                hint.is_empty(),
                "what is wrong has a hint: {finding}"
            );
        }
        // The exit code and the result are those of the worst finding.
        let has = |level: &str| all.iter().any(|finding| finding["level"] == level);
        let (code, worst) = match (has("problem"), has("warning")) {
            (true, _) => (1, "problem"),
            (_, true) => (3, "warning"),
            _ => (0, "ok"),
        };
        ran.exit(code);
        assert_eq!(answer["result"], worst, "{ran}");
        Findings(ran, answer)
    }

    /// Findings of a check: level, text and hint.
    fn all(&self, check: &str) -> Vec<[&str; 3]> {
        let found = self.1["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["check"] == check);
        found
            .map(|f| ["level", "text", "hint"].map(|key| f[key].as_str().unwrap_or_default()))
            .collect()
    }

    /// A check found this, with these words in its text or hint.
    #[track_caller]
    fn has(&self, check: &str, level: &str, words: &str) -> &Findings {
        let found = |[l, text, hint]: &[&str; 3]| {
            *l == level && (text.contains(words) || hint.contains(words))
        };
        assert!(
            self.all(check).iter().any(found),
            "{check} did not find '{level}: {words}'\n{}",
            self.0
        );
        self
    }
}

/// A machine with a bucket in the place of its directory store.
struct Bucket {
    machine: Machine,
    bucket: String,
    region: &'static str,
}

impl Bucket {
    fn at(endpoint: &str, bucket: &str, keys: (&str, &str)) -> Bucket {
        let mut bucket = Bucket {
            machine: Machine::new(),
            bucket: bucket.to_owned(),
            region: "us-east-1",
        };
        bucket.write_keys(keys);
        bucket.point_to(endpoint);
        bucket
    }

    fn write_keys(&self, (id, secret): (&str, &str)) {
        for (name, value) in [("id", id), ("secret", secret)] {
            let path = self.machine.path(name);
            fs::write(&path, value).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn credentials(&self) -> String {
        let [id, secret] =
            ["id", "secret"].map(|name| self.machine.path(name).display().to_string());
        format!("{{access-key-id: {{file: {id}}}, secret-access-key: {{file: {secret}}}}}")
    }

    fn point_to(&mut self, endpoint: &str) {
        let (bucket, region) = (&self.bucket, self.region);
        self.machine.profile.more_destinations = format!(
            "  s3: {{bucket: {bucket}, region: {region}, endpoint: '{endpoint}', credentials: {}}}\n",
            self.credentials()
        );
    }

    fn email(&mut self, endpoint: &str) {
        self.machine.profile.more = format!(
            "email: {{from: sender@example.com, to: [owner@example.com], region: us-east-1, endpoint: '{endpoint}', \
             credentials: {}}}\n",
            self.credentials()
        );
    }
}

/// A bucket of the shared server, where everybody may do everything.
fn open_bucket() -> Bucket {
    let moto = moto::shared();
    Bucket::at(
        &moto.endpoint(),
        &moto.bucket(),
        ("id-of-nobody", "secret-of-nobody"),
    )
}

fn settle(moto: &Moto, bucket: &str) {
    let answer = moto.request(
        "PUT",
        &format!("/{bucket}?lifecycle"),
        &[],
        LIFECYCLE.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let versioning = b"<VersioningConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Status>Enabled</Status></VersioningConfiguration>";
    let answer = moto.request("PUT", &format!("/{bucket}?versioning"), &[], versioning);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What S3 says of the versioning; moto says it under another name.
fn versioning(proxy: &Proxy, status: &str) {
    let body = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
    proxy.spoil(
        "GET",
        "versioning",
        usize::MAX,
        Fault::Reply(200, vec![], body),
    );
}

/// Every object, version, delete marker and unfinished upload in a bucket.
fn everything(moto: &Moto, bucket: &str) -> String {
    let versions = moto
        .request("GET", &format!("/{bucket}?versions"), &[], b"")
        .text();
    let uploads = moto
        .request("GET", &format!("/{bucket}?uploads"), &[], b"")
        .text();
    let elements = ["<Version>", "<DeleteMarker>", "<Upload>"];
    elements
        .iter()
        .filter(|e| versions.contains(*e) || uploads.contains(*e))
        .map(ToString::to_string)
        .collect()
}

fn masked(text: &str, machine: &Machine) -> String {
    let text = text.replace(
        machine.path("").to_str().unwrap().trim_end_matches('/'),
        "HOME",
    );
    let mut lines = String::new();
    for line in text.lines() {
        let line = match line.split_once(": ") {
            Some((check, _)) if check.ends_with(" 7-zip") || check.ends_with(" copier") => {
                format!("{check}: VERSION")
            }
            Some((check, _))
                if check.ends_with(" clock") && line.contains("clock of this computer says") =>
            {
                format!("{check}: the clock of this computer says NOW")
            }
            _ => match line.split_once(" has ") {
                Some((before, after)) if after.ends_with(" free") => {
                    format!("{before} has SOME free")
                }
                _ => line.to_owned(),
            },
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

#[test]
fn a_healthy_profile_that_nothing_starts() {
    let moto = Moto::start(&[]);
    let bucket = moto.bucket();
    settle(&moto, &bucket);
    let rights = [&UPLOADER[..], &["ses:GetEmailIdentity", "ses:SendEmail"]].concat();
    let (id, secret) = moto.user("uploader", &rights);
    let proxy = Proxy::start(moto.address());
    // Moto knows neither accounts of SES nor verified addresses that the newer interface sees.
    let json = || vec!["Content-Type: application/json".to_owned()];
    proxy.spoil(
        "GET",
        "/v2/email/account",
        usize::MAX,
        Fault::Reply(200, json(), r#"{"ProductionAccessEnabled":true}"#.into()),
    );
    proxy.spoil(
        "GET",
        "/v2/email/identities/sender",
        usize::MAX,
        Fault::Reply(
            200,
            json(),
            r#"{"IdentityType":"EMAIL_ADDRESS","VerifiedForSendingStatus":true}"#.into(),
        ),
    );
    versioning(&proxy, "<Status>Enabled</Status>");
    moto.check_rights();
    let mut s3 = Bucket::at(&proxy.endpoint(), &bucket, (&id, &secret));
    s3.email(&proxy.endpoint());
    let hook = s3.machine.script("hook", "exit 0");
    s3.machine.profile.more += &format!(
        "hooks: {{before: ['{}']}}\nping: {{failure: 'https://example.com/private'}}\n\
         notify: [{{url: {{command: [echo, 'https://example.com/private']}}, format: slack}}]\n",
        hook.display()
    );
    let (remote, config) = (s3.machine.path("remote"), s3.machine.path("rclone.conf"));
    fs::create_dir(&remote).unwrap();
    let section = format!("[nas]\ntype = alias\nremote = {}\n", remote.display());
    fs::write(&config, section).unwrap();
    s3.machine.profile.more_destinations += &format!(
        "  rclone: {{remote: 'nas:', config: {}}}\n",
        config.display()
    );
    s3.machine.profile.exclude_files.push("*.bak".to_owned());
    let cron = s3.machine.script("crontab", "echo no crontab >&2; exit 1");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", cron.parent().unwrap().display());
    let profile = s3.machine.path("profile.yaml").display().to_string();
    let mut doctor = s3.machine.command(&["doctor", &profile]);
    let ran = Ran::of(doctor.env("PATH", path).output().unwrap());
    // Nothing starts it by itself.
    ran.exit(3)
        .says("1 warning, 0 problems")
        .never_says(&secret)
        .never_says("example.com/private");
    let found = masked(&ran.stdout, &s3.machine).replace(&bucket, "BUCKET");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/doctor-healthy.txt");
    golden::compare(&golden, &found);
    // A profile with everything is looked at by every check; a trial is made only if it is asked for.
    // Only Windows encrypts files for one user.
    let always = |name| name != "trial" && name != "encrypted";
    for check in CHECKS.iter().filter(|check| always(check.name)) {
        assert!(
            found.contains(&format!(" {}: ", check.name)),
            "{} found nothing\n{found}",
            check.name
        );
    }
    Findings::of(&s3.machine).has("schedule", "warning", "schedule install");
}

#[test]
fn nothing_stays_of_a_visit() {
    let mut s3 = open_bucket();
    settle(moto::shared(), &s3.bucket);
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    let look = || {
        ["mirror", "store", "work", "home"]
            .map(|name| crate::support::look::look(&s3.machine.path(name)))
    };
    let seen = look();
    Findings::of(&s3.machine);
    assert!(seen == look(), "files were left");
    assert_eq!(
        everything(moto::shared(), &s3.bucket),
        "",
        "objects, delete markers or uploads were left"
    );
    // Moto makes no delete marker for a key that it does not have; Amazon does.
    let deletes: Vec<_> = proxy
        .seen()
        .into_iter()
        .filter(|request| request.method == "DELETE")
        .collect();
    assert_eq!(deletes.len(), 3);
    for request in deletes {
        let target = &request.target;
        assert!(target.contains("pc_aam-backup-doctor-probe-"), "{target}");
        let harmless = ["versionId=null", "uploadId="]
            .iter()
            .any(|part| target.contains(part));
        assert!(
            harmless || request.header("if-match") == Some("*"),
            "{request:?}"
        );
    }
}

#[test]
fn not_without_a_valid_profile_of_this_system() {
    let mut machine = Machine::new();
    machine.profile.more = "nonsense: 1\n".to_owned();
    machine.aam("doctor", &[]).exit(2).says("nonsense");
    let windows = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/windows-workstation.yaml");
    Ran::of(
        machine
            .command(&["doctor", windows.to_str().unwrap()])
            .output()
            .unwrap(),
    )
    .exit(2)
    .says("Windows paths");
}

/// A server that takes requests and is silent is left when the user says so.
#[test]
fn an_interrupt_ends_it() {
    let mut s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    proxy.spoil("GET", "list-type", usize::MAX, Fault::Hang);
    s3.point_to(&proxy.endpoint());
    let profile = s3.machine.path("profile.yaml");
    let mut doctor = s3.machine.command(&["doctor", profile.to_str().unwrap()]);
    let mut doctor = doctor.spawn().unwrap();
    wait_until("the bucket is listed", || {
        assert!(doctor.try_wait().unwrap().is_none());
        proxy.count("GET", "list-type") > 0
    });
    crate::support::processes::signal(
        i32::try_from(doctor.id()).unwrap(),
        rustix::process::Signal::INT,
    );
    let ran = Ran::of(doctor.wait_with_output().unwrap());
    ran.exit(130).never_says("problem");
}

/// `docs/doctor.md` has a row for each check, in their order.
#[test]
fn the_page_tells_of_every_check() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.md")).unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let table = page
        .lines()
        .skip_while(|line| !line.starts_with("| check |"))
        .skip(2);
    let told: Vec<String> = table.map_while(row).collect();
    assert_eq!(
        told,
        CHECKS.iter().map(|check| check.name).collect::<Vec<_>>()
    );
}
