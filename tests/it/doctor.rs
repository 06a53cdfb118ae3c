//! `doctor`: what it finds on sound and on broken machines, buckets and senders.
//!
//! `AAM_TEST_BLESS=1` writes the golden file anew; look at the difference before committing it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aam_auto_backup::doctor::CHECKS;
use serde_json::Value;

use crate::support::machine::{Machine, Ran};
use crate::support::moto::{self, Moto};
use crate::support::processes::is_root;
use crate::support::proxy::{Fault, Proxy};

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
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{ran}"));
        let all = answer["findings"].as_array().unwrap();
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        for finding in all {
            assert!(names.contains(finding["check"].as_str().unwrap()), "{finding}");
            let (level, hint) = (finding["level"].as_str().unwrap(), finding["hint"].as_str().unwrap_or_default());
            assert_eq!(level == "ok", hint.is_empty(), "what is wrong has a hint: {finding}");
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
        let found = self.1["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        found.map(|f| ["level", "text", "hint"].map(|key| f[key].as_str().unwrap_or_default())).collect()
    }

    /// A check found this, with these words in its text or hint.
    #[track_caller]
    fn has(&self, check: &str, level: &str, words: &str) -> &Findings {
        let found = |[l, text, hint]: &[&str; 3]| *l == level && (text.contains(words) || hint.contains(words));
        assert!(self.all(check).iter().any(found), "{check} did not find '{level}: {words}'\n{}", self.0);
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
        let mut bucket = Bucket { machine: Machine::new(), bucket: bucket.to_owned(), region: "us-east-1" };
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
        let [id, secret] = ["id", "secret"].map(|name| self.machine.path(name).display().to_string());
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
    Bucket::at(&moto.endpoint(), &moto.bucket(), ("id-of-nobody", "secret-of-nobody"))
}

fn settle(moto: &Moto, bucket: &str) {
    let answer = moto.request("PUT", &format!("/{bucket}?lifecycle"), &[], LIFECYCLE.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let versioning = b"<VersioningConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Status>Enabled</Status></VersioningConfiguration>";
    let answer = moto.request("PUT", &format!("/{bucket}?versioning"), &[], versioning);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What S3 says of the versioning; moto says it under another name.
fn versioning(proxy: &Proxy, status: &str) {
    let body = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
    proxy.spoil("GET", "versioning", usize::MAX, Fault::Reply(200, vec![], body));
}

/// Every object, version, delete marker and unfinished upload in a bucket.
fn everything(moto: &Moto, bucket: &str) -> String {
    let versions = moto.request("GET", &format!("/{bucket}?versions"), &[], b"").text();
    let uploads = moto.request("GET", &format!("/{bucket}?uploads"), &[], b"").text();
    let elements = ["<Version>", "<DeleteMarker>", "<Upload>"];
    elements.iter().filter(|e| versions.contains(*e) || uploads.contains(*e)).map(ToString::to_string).collect()
}

fn masked(text: &str, machine: &Machine) -> String {
    let text = text.replace(machine.path("").to_str().unwrap().trim_end_matches('/'), "HOME");
    let mut lines = String::new();
    for line in text.lines() {
        let line = match line.split_once(": ") {
            Some((check, _)) if check.ends_with(" 7-zip") || check.ends_with(" copier") => format!("{check}: VERSION"),
            Some((check, _)) if check.ends_with(" clock") && line.contains("it is") => format!("{check}: it is NOW"),
            _ => match line.split_once(" has ") {
                Some((before, after)) if after.ends_with(" free") => format!("{before} has SOME free"),
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
        Fault::Reply(200, json(), r#"{"IdentityType":"EMAIL_ADDRESS","VerifiedForSendingStatus":true}"#.into()),
    );
    versioning(&proxy, "<Status>Enabled</Status>");
    moto.check_rights();
    let mut s3 = Bucket::at(&proxy.endpoint(), &bucket, (&id, &secret));
    s3.email(&proxy.endpoint());
    let hook = s3.machine.script("hook", "exit 0");
    s3.machine.profile.more +=
        &format!("hooks: {{before: ['{}']}}\nping: {{failure: 'https://example.com/private'}}\n", hook.display());
    let ran = s3.machine.aam("doctor", &[]);
    // Nothing starts it by itself.
    ran.exit(3).says("1 warning, 0 problems").never_says(&secret).never_says("example.com/private");
    let found = masked(&ran.stdout, &s3.machine).replace(&bucket, "BUCKET");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/doctor-healthy.txt");
    if std::env::var_os("AAM_TEST_BLESS").is_some() {
        fs::write(&golden, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(golden).unwrap());
    // A profile with everything is looked at by every check.
    for check in CHECKS {
        assert!(found.contains(&format!(" {}: ", check.name)), "{} found nothing\n{found}", check.name);
    }
    Findings::of(&s3.machine).has("schedule", "warning", "schedule install");
}

#[test]
fn nothing_stays_of_a_visit() {
    let mut s3 = open_bucket();
    settle(moto::shared(), &s3.bucket);
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    let look = || ["mirror", "store", "work", "home"].map(|name| crate::support::look::look(&s3.machine.path(name)));
    let seen = look();
    Findings::of(&s3.machine);
    assert!(seen == look(), "files were left");
    assert_eq!(everything(moto::shared(), &s3.bucket), "", "objects, delete markers or uploads were left");
    // Moto makes no delete marker for a key that it does not have; Amazon does, unless it is asked so.
    let deletes: Vec<_> = proxy.seen().into_iter().filter(|request| request.method == "DELETE").collect();
    assert_eq!(deletes.len(), 3);
    for request in deletes {
        let target = &request.target;
        assert!(target.contains("pc_aam-backup-doctor-probe-"), "{target}");
        let harmless = ["versionId=null", "uploadId="].iter().any(|part| target.contains(part));
        assert!(harmless || request.header("if-match") == Some("*"), "{request:?}");
    }
}

#[test]
fn credentials_that_may_too_much() {
    let s3 = open_bucket();
    let found = Findings::of(&s3.machine);
    found.has("bucket", "ok", "can be listed").has("upload", "ok", "may write");
    found.has("delete", "warning", "for good").has("read", "warning", "others for a restore");
    found.has("lifecycle", "ok", "never expire").has("lifecycle", "warning", "aborts incomplete multipart uploads");
    found.has("clock", "ok", "agrees");
}

#[test]
fn credentials_that_may_too_little() {
    let moto = Moto::start(&[]);
    let bucket = moto.bucket();
    let rights: [(&str, &[&str]); 4] = [
        ("lister", &["s3:ListBucket"]),
        ("stranger", &["s3:ListAllMyBuckets"]),
        ("hoarder", &["s3:ListBucket", "s3:PutObject"]),
        ("eraser", &["s3:ListBucket", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]),
    ];
    let [lister, stranger, hoarder, eraser] = rights.map(|(name, rights)| moto.user(name, rights));
    moto.check_rights();
    let s3 = Bucket::at(&moto.endpoint(), &bucket, ("nobody", "nothing"));
    let found = Findings::of(&s3.machine);
    found.has("bucket", "problem", "destinations.s3.credentials");
    assert!(found.all("upload").is_empty(), "said once\n{}", found.0);
    let look = |(id, secret): &(String, String)| {
        s3.write_keys((id, secret));
        Findings::of(&s3.machine)
    };
    let found = look(&stranger);
    found.has("bucket", "problem", "no right").has("upload", "problem", "s3:PutObject").has("clock", "ok", "agrees");
    let found = look(&lister);
    found.has("bucket", "ok", "listed").has("upload", "problem", "s3:PutObject");
    found.has("delete", "ok", "may not delete").has("read", "ok", "may not read");
    // What the credentials may not know is no fault of theirs.
    found.has("lifecycle", "ok", "cannot be told").has("versioning", "ok", "cannot be told");
    look(&hoarder).has("upload", "warning", "s3:AbortMultipartUpload");
    look(&eraser).has("delete", "warning", "may delete from").has("read", "ok", "may not read");
}

/// S3 can say "access denied" of an object that is missing, to those who may not list everything.
#[test]
fn rights_behind_a_refusal() {
    let mut s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    let denied = || Fault::s3(403, "AccessDenied", "Access Denied");
    proxy.spoil_when(|r| r.header("if-match").is_some() || r.target.contains("versionId"), usize::MAX, denied());
    proxy.spoil_when(|r| r.method == "GET" && r.target.contains("doctor-probe"), usize::MAX, denied());
    let marker = format!("pc_{}_0_0.0_yes_home", chrono::Utc::now().format("%Y%m%d_%H%M%S.000000"));
    Findings::of(&s3.machine).has("delete", "warning", "may delete from").has("read", "ok", "may not read");
    for content in ["{}", ""] {
        let put = moto::shared().request("PUT", &format!("/{}/{marker}", s3.bucket), &[], content.as_bytes());
        assert_eq!(put.status, 200);
        Findings::of(&s3.machine).has("read", "warning", "may read from");
    }
}

#[test]
fn buckets_that_are_missing_or_elsewhere() {
    let mut s3 = open_bucket();
    s3.bucket = "aam-no-such-bucket".to_owned();
    s3.point_to(&moto::shared().endpoint());
    let found = Findings::of(&s3.machine);
    found.has("bucket", "problem", "create the bucket");
    // Not asked again and again, while the rest is examined.
    assert!(found.all("delete").is_empty() && found.all("upload").is_empty());
    found.has("directory", "ok", "can be listed").has("mirror", "ok", "can be written");

    let s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    let moved = vec!["x-amz-bucket-region: eu-west-3".to_owned()];
    let body = "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>";
    proxy.spoil("GET", "list-type", usize::MAX, Fault::Reply(301, moved, body.to_owned()));
    let mut s3 = s3;
    s3.point_to(&proxy.endpoint());
    Findings::of(&s3.machine).has("bucket", "problem", "destinations.s3.region: eu-west-3");

    fs::remove_file(s3.machine.path("secret")).unwrap();
    let found = Findings::of(&s3.machine);
    found.has("bucket", "problem", "the secret's file").has(
        "secrets",
        "problem",
        "secret-access-key: the secret's file",
    );
}

#[test]
fn clocks() {
    let mut s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    let at = |minutes: i64| {
        let date = chrono::Utc::now() + chrono::TimeDelta::minutes(minutes);
        vec![format!("Date: {}", date.format("%a, %d %b %Y %H:%M:%S GMT"))]
    };
    proxy.spoil("HEAD", "", 1, Fault::Reply(200, at(10), String::new()));
    proxy.spoil("HEAD", "", 1, Fault::Reply(403, at(-10), String::new()));
    proxy.spoil("HEAD", "", 1, Fault::Reply(200, at(4), String::new()));
    Findings::of(&s3.machine).has("clock", "problem", "minutes behind");
    Findings::of(&s3.machine).has("clock", "problem", "minutes ahead of");
    Findings::of(&s3.machine).has("clock", "ok", "agrees");
    // So wrong that nothing else can be asked.
    proxy.spoil("GET", "list-type", usize::MAX, Fault::s3(403, "RequestTimeTooSkewed", "m"));
    proxy.spoil("HEAD", "", 1, Fault::Reply(403, at(60), String::new()));
    Findings::of(&s3.machine).has("clock", "problem", "minutes behind").has("bucket", "problem", "set the clock");
    // A backup from the future.
    let machine = Machine::new();
    Findings::of(&machine).has("clock", "ok", "it is");
    let month = (chrono::Utc::now() + chrono::TimeDelta::minutes(2)).format("%Y%m%d_%H%M%S.000000");
    fs::write(machine.path("store").join(format!("pc_{month}_0_0.0_yes_home")), "").unwrap();
    Findings::of(&machine).has("clock", "problem", "a backup was made at");
}

#[test]
fn rules_of_a_bucket() {
    let mut s3 = open_bucket();
    settle(moto::shared(), &s3.bucket);
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    versioning(&proxy, "<Status>Enabled</Status>");
    let found = Findings::of(&s3.machine);
    found.has("lifecycle", "ok", "expire after 181 days").has("lifecycle", "ok", "removed after 7 days");
    found.has("versioning", "ok", "keeps what is overwritten");
    let early = LIFECYCLE.replace("181", "30");
    let path = format!("/{}?lifecycle", s3.bucket);
    assert_eq!(moto::shared().request("PUT", &path, &[], early.as_bytes()).status, 200);
    for status in ["", "<Status>Suspended</Status>"] {
        proxy.heal();
        versioning(&proxy, status);
        let found = Findings::of(&s3.machine);
        found.has("lifecycle", "warning", "expire after 30 days").has("versioning", "warning", "enable versioning");
    }
}

#[test]
fn senders() {
    let moto = Moto::start(&[]);
    let mut s3 = Bucket::at(&moto.endpoint(), &moto.bucket(), ("id", "secret"));
    s3.machine.profile.more_destinations.clear();
    let proxy = Proxy::start(moto.address());
    s3.email(&proxy.endpoint());
    let account = |production: bool| {
        let body = format!("{{\"ProductionAccessEnabled\":{production}}}");
        Fault::Reply(200, vec!["Content-Type: application/json".to_owned()], body)
    };
    proxy.spoil("GET", "/v2/email/account", usize::MAX, account(false));
    let found = Findings::of(&s3.machine);
    found.has("email", "problem", "sender sender@example.com is not verified");
    found.has("email", "problem", "recipient owner@example.com is not verified");
    found.has("email", "problem", "doctor --verify-sender");
    assert_eq!(proxy.count("POST", "/v2/email/identities"), 0, "nothing is sent unasked");
    let asked = Findings::with(&s3.machine, &["--verify-sender"]);
    asked.has("email", "problem", "a mail was sent").has("email", "problem", "follow the link");
    // Moto follows every link at once.
    let found = Findings::of(&s3.machine);
    found.has("email", "ok", "sender sender@example.com is verified");
    found.has("email", "ok", "recipient owner@example.com is verified");

    // The domain is enough.
    moto.request("DELETE", "/v2/email/identities/sender%40example.com", &[], b"");
    let denied = Fault::Reply(
        403,
        vec!["Content-Type: application/json".to_owned(), "x-amzn-ErrorType: AccessDeniedException".to_owned()],
        r#"{"message":"not for you"}"#.to_owned(),
    );
    proxy.heal();
    proxy.spoil("GET", "/v2/email/account", usize::MAX, denied.clone());
    proxy.spoil("GET", "/v2/email/identities", usize::MAX, denied);
    let found = Findings::of(&s3.machine);
    assert_eq!(found.all("email").len(), 2, "{}", found.0);
    found.has("email", "ok", "cannot be told: not for you");
}

#[test]
fn missing_programs() {
    let mut machine = Machine::new();
    machine.profile.snapshot = Some((machine.path("no-such-program"), machine.path("shown")));
    machine.profile.more = "hooks: {before: [no-such-hook]}\n".to_owned();
    let profile = machine.path("profile.yaml");
    let mut command = machine.command(&["doctor", profile.to_str().unwrap()]);
    let ran = Ran::of(command.env("PATH", "").output().unwrap());
    ran.exit(1);
    for line in [
        "problem  7-zip: '7zz' or '7z' or '7za' was not found",
        "problem  copier: 'rsync' was not found",
        "problem  snapshot: no snapshot can be made",
        "problem  hooks: hooks.before: 'no-such-hook' was not found",
        "hint: install it",
        "ok       sources: ",
        "1 warning, 4 problems",
    ] {
        ran.says(line);
    }
}

#[test]
fn a_seven_zip_that_does_not_encrypt() {
    let mut machine = Machine::new();
    let script = machine.script(
        "7zz-open",
        "[ \"$1\" = a ] || exec 7zz \"$@\"\nfor a; do shift; case \"$a\" in -p|-mem*|-mhe*) ;; *) set -- \"$@\" \"$a\" ;; esac; done\nexec 7zz \"$@\"",
    );
    machine.profile.format = "7z";
    Findings::of(&machine).has("7-zip", "ok", "encrypts with AES-256");
    machine.profile.seven_zip = Some(script);
    for format in ["7z", "zip"] {
        machine.profile.format = format;
        Findings::of(&machine).has("7-zip", "problem", &format!("makes no encrypted {format} archive"));
    }
    machine.profile.seven_zip = Some(machine.script("7zz-broken", "[ \"$1\" = a ] && exit 7\nexec 7zz \"$@\""));
    Findings::of(&machine).has("7-zip", "problem", "refused its command line");
}

#[test]
fn keys_and_their_files() {
    let mut machine = Machine::new();
    machine.key = "not ASCII: ü";
    Findings::of(&machine).has("secrets", "problem", "printable ASCII");
    machine.key = "";
    Findings::of(&machine).has("secrets", "problem", "AAM_TEST_KEY is empty");
    let s3 = open_bucket();
    s3.machine.mode("../secret", 0o644);
    Findings::of(&s3.machine).has("secrets", "warning", "chmod 600");
}

/// A command may ask somebody, who would be asked twice.
#[test]
fn commands_for_secrets_run_once() {
    let mut s3 = open_bucket();
    let asked = s3.machine.path("asked");
    let ask = s3.machine.script("ask", &format!("echo $1 >>'{}'; echo $1", asked.display()));
    let keys = |of: &str| {
        let command = |name: &str| format!("{{command: ['{}', {name}-of-{of}]}}", ask.display());
        format!("credentials: {{access-key-id: {}, secret-access-key: {}}}", command("id"), command("secret"))
    };
    let moto = moto::shared().endpoint();
    s3.machine.profile.more_destinations =
        format!("  s3: {{bucket: {}, region: us-east-1, endpoint: '{moto}', {}}}\n", s3.bucket, keys("s3"));
    s3.machine.profile.more = format!(
        "email: {{from: sender@example.com, to: [owner@example.com], region: us-east-1, endpoint: '{moto}', {}}}\n",
        keys("email")
    );
    let found = Findings::of(&s3.machine);
    found.has("bucket", "ok", "can be listed").has("secrets", "ok", "email.credentials.access-key-id");
    let asked = fs::read_to_string(asked).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    asked.sort_unstable();
    assert_eq!(asked, ["id-of-email", "id-of-s3", "secret-of-email", "secret-of-s3"]);
}

#[test]
fn a_lock_that_is_held() {
    let mut machine = Machine::new();
    Findings::of(&machine).has("lock", "ok", "free");
    let gate = crate::support::processes::Gate::new(&machine.path("."));
    machine.hook_rsync(&format!("[ \"$1\" = --version ] || {}", gate.hook()));
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    Findings::of(&machine).has("lock", "warning", &format!("profile 'test', process {}", run.id()));
    gate.open();
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

#[test]
fn sources_that_are_missing_or_unreadable() {
    let mut machine = Machine::new();
    machine.profile.sources.push((machine.path("gone"), true));
    let found = Findings::of(&machine);
    found.has("sources", "warning", "the optional source").has("sources", "ok", "selected 3 files");
    machine.profile.sources.push((machine.path("lost"), false));
    Findings::of(&machine).has("sources", "problem", "optional: true");
    machine.profile.sources.truncate(2);
    machine.profile.exclude_files.push("*".to_owned());
    Findings::of(&machine).has("sources", "warning", "no file is selected");
    machine.profile.exclude_files.clear();
    machine.write("docs/private/secret.txt", "x");
    machine.make_unreadable("docs/private");
    Findings::of(&machine).has("sources", "warning", "docs/private': Permission denied");
    machine.mode("docs/private", 0o700);
}

#[test]
fn places_that_cannot_be_written_or_are_missing() {
    let mut machine = Machine::new();
    fs::remove_dir(machine.path("mirror")).unwrap();
    fs::remove_dir(machine.path("store")).unwrap();
    let found = Findings::of(&machine);
    found.has("mirror", "problem", "is not there").has("directory", "problem", "attach the disk");
    fs::create_dir(machine.path("mirror")).unwrap();
    fs::create_dir(machine.path("store")).unwrap();
    machine.profile.log = Some(machine.path("profile.yaml/logs"));
    machine.profile.work = machine.path("profile.yaml/work");
    let found = Findings::of(&machine);
    found.has("log", "problem", "log.directory").has("work-directory", "problem", "archive.work-directory");
    machine.profile.log = None;
    machine.profile.work = machine.path("not-yet/work");
    Findings::of(&machine).has("work-directory", "ok", "not-yet/work");
    assert!(!machine.path("not-yet").exists());
    if is_root() {
        machine.become_ordinary();
    }
    fs::remove_file(machine.path("state/aam-backup.lock")).unwrap();
    for name in ["mirror", "store", "state"] {
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o500)).unwrap();
    }
    let found = Findings::of(&machine);
    for check in ["mirror", "directory", "state", "lock"] {
        found.has(check, "problem", "let the account that runs the backup write there");
    }
    for name in ["mirror", "store", "state"] {
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

/// A file system that is too small: in a mount namespace of its own, where this machine allows one.
#[test]
fn disks_that_are_too_small() {
    let machine = Machine::new();
    machine.write("docs/large", &"x".repeat(3_000_000));
    let small = [machine.path("work"), machine.path("store"), machine.path("mirror")];
    let quoted = |path: &PathBuf| format!("mount -t tmpfs -o size=1m none '{}'", path.display());
    let script = small.iter().map(quoted).collect::<Vec<_>>().join(" && ");
    let Some(ran) = with_disks(&machine, &script) else { return };
    ran.exit(1);
    for line in [
        "problem  work-directory: a run now needs up to 3.0 MB, and",
        "problem  directory: a run now needs",
        "problem  mirror: the first copy needs",
    ] {
        ran.says(line);
    }
    ran.says("make room");
}

/// Each of them would fit alone.
#[test]
fn a_disk_that_is_too_small_for_two() {
    let mut machine = Machine::new();
    machine.write("docs/large", &"x".repeat(3_000_000));
    let disk = machine.path("disk");
    fs::create_dir(&disk).unwrap();
    (machine.profile.work, machine.profile.store) = (disk.join("work"), Some(disk.join("store")));
    for (size, level) in [("5m", "problem "), ("7m", "ok      ")] {
        let script = format!("mount -t tmpfs -o size={size} none '{0}' && mkdir '{0}/store'", disk.display());
        let Some(ran) = with_disks(&machine, &script) else { return };
        let together = |other: &str| format!("up to 3.0 MB here, 6.0 MB together with {other} on the same disk, and");
        ran.says(&format!(
            "{level} work-directory: a run now needs {}",
            together(&disk.join("store").display().to_string())
        ));
        ran.says(&format!("{level} directory: a run now needs {}", together(&disk.join("work").display().to_string())));
        ran.says("ok       mirror: the first copy needs up to 3.0 MB, and");
    }
}

/// `doctor` with file systems of its own, where this machine allows them.
fn with_disks(machine: &Machine, script: &str) -> Option<Ran> {
    let program = machine.command(&[]).get_program().to_str().unwrap().to_owned();
    let profile = machine.path("profile.yaml");
    let command = machine.command(&[]);
    let mut wrapped = std::process::Command::new("unshare");
    wrapped.args(["--mount", "--map-root-user", "sh", "-c"]);
    wrapped.arg(format!("{script} || exit 77\nexec '{program}' doctor '{}'", profile.display()));
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(wrapped.output().unwrap());
    if ran.code == Some(77) || ran.stderr.contains("unshare") {
        eprintln!("not tried: this machine mounts nothing\n{ran}");
        return None;
    }
    Some(ran)
}

#[test]
fn not_without_a_valid_profile_of_this_system() {
    let mut machine = Machine::new();
    machine.profile.more = "nonsense: 1\n".to_owned();
    machine.aam("doctor", &[]).exit(2).says("nonsense");
    let windows = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/windows-workstation.yaml");
    Ran::of(machine.command(&["doctor", windows.to_str().unwrap()]).output().unwrap()).exit(2).says("Windows paths");
}

/// A server that takes requests and is silent is left when the user says so.
#[test]
fn an_interrupt_ends_it() {
    let mut s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    proxy.spoil("GET", "list-type", usize::MAX, Fault::Hang);
    s3.point_to(&proxy.endpoint());
    let profile = s3.machine.path("profile.yaml");
    let doctor = s3.machine.command(&["doctor", profile.to_str().unwrap()]).spawn().unwrap();
    while proxy.count("GET", "list-type") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    crate::support::processes::signal(i32::try_from(doctor.id()).unwrap(), rustix::process::Signal::INT);
    let ran = Ran::of(doctor.wait_with_output().unwrap());
    ran.exit(130).never_says("problem");
}

/// `docs/doctor.md` has a row for each check, in their order.
#[test]
fn the_page_tells_of_every_check() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.md")).unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let table = page.lines().skip_while(|line| !line.starts_with("| check |")).skip(2);
    let told: Vec<String> = table.map_while(row).collect();
    assert_eq!(told, CHECKS.iter().map(|check| check.name).collect::<Vec<_>>());
}
