//! Buckets, and what their credentials may do.

use std::fs;

use super::{Bucket, Findings, LIFECYCLE, open_bucket, settle, versioning};
use crate::support::machine::Machine;
use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fault, Proxy};

#[test]
fn credentials_that_may_too_much() {
    let s3 = open_bucket();
    let found = Findings::of(&s3.machine);
    found
        .has("bucket", "ok", "can be listed")
        .has("upload", "ok", "may write");
    found
        .has("delete", "warning", "permanently")
        .has("read", "warning", "others for a restore");
    found.has("lifecycle", "ok", "never expire").has(
        "lifecycle",
        "warning",
        "aborts incomplete multipart uploads",
    );
    found.has("clock", "ok", "have the same time");
}

#[test]
fn credentials_that_may_too_little() {
    let moto = Moto::start(&[]);
    let bucket = moto.bucket();
    let rights: [(&str, &[&str]); 4] = [
        ("lister", &["s3:ListBucket"]),
        ("stranger", &["s3:ListAllMyBuckets"]),
        ("hoarder", &["s3:ListBucket", "s3:PutObject"]),
        (
            "eraser",
            &[
                "s3:ListBucket",
                "s3:PutObject",
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
            ],
        ),
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
    found
        .has("bucket", "problem", "no right")
        .has("upload", "problem", "s3:PutObject")
        .has("clock", "ok", "have the same time");
    let found = look(&lister);
    found
        .has("bucket", "ok", "listed")
        .has("upload", "problem", "s3:PutObject");
    found
        .has("delete", "ok", "may not delete")
        .has("read", "ok", "may not read");
    // What the credentials may not know is no fault of theirs.
    found
        .has("lifecycle", "ok", "is not known")
        .has("versioning", "ok", "is not known");
    look(&hoarder).has("upload", "warning", "s3:AbortMultipartUpload");
    look(&eraser)
        .has("delete", "warning", "may delete from")
        .has("read", "ok", "may not read");
}

/// S3 can say "access denied" of an object that is missing, to those who may not list everything.
#[test]
fn rights_behind_a_refusal() {
    let mut s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    s3.point_to(&proxy.endpoint());
    let denied = || Fault::s3(403, "AccessDenied", "Access Denied");
    proxy.spoil_when(
        |r| r.header("if-match").is_some() || r.target.contains("versionId"),
        usize::MAX,
        denied(),
    );
    proxy.spoil_when(
        |r| r.method == "GET" && r.target.contains("doctor-probe"),
        usize::MAX,
        denied(),
    );
    let marker = format!(
        "pc_{}_0_0.0_yes_home",
        chrono::Utc::now().format("%Y%m%d_%H%M%S.000000")
    );
    Findings::of(&s3.machine)
        .has("delete", "warning", "may delete from")
        .has("read", "ok", "may not read");
    for content in ["{}", ""] {
        let put = moto::shared().request(
            "PUT",
            &format!("/{}/{marker}", s3.bucket),
            &[],
            content.as_bytes(),
        );
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
    found
        .has("directory", "ok", "can be listed")
        .has("mirror", "ok", "can be written");

    let s3 = open_bucket();
    let proxy = Proxy::start(moto::shared().address());
    let moved = vec!["x-amz-bucket-region: eu-west-3".to_owned()];
    let body = "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>";
    proxy.spoil(
        "GET",
        "list-type",
        usize::MAX,
        Fault::Reply(301, moved, body.to_owned()),
    );
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
        vec![format!(
            "Date: {}",
            date.format("%a, %d %b %Y %H:%M:%S GMT")
        )]
    };
    proxy.spoil("HEAD", "", 1, Fault::Reply(200, at(10), String::new()));
    proxy.spoil("HEAD", "", 1, Fault::Reply(403, at(-10), String::new()));
    proxy.spoil("HEAD", "", 1, Fault::Reply(200, at(4), String::new()));
    Findings::of(&s3.machine).has("clock", "problem", "minutes behind");
    Findings::of(&s3.machine).has("clock", "problem", "minutes ahead of");
    Findings::of(&s3.machine).has("clock", "ok", "have the same time");
    // So wrong that nothing else can be asked.
    proxy.spoil(
        "GET",
        "list-type",
        usize::MAX,
        Fault::s3(403, "RequestTimeTooSkewed", "m"),
    );
    proxy.spoil("HEAD", "", 1, Fault::Reply(403, at(60), String::new()));
    Findings::of(&s3.machine)
        .has("clock", "problem", "minutes behind")
        .has("bucket", "problem", "set the clock");
    // A backup from the future.
    let machine = Machine::new();
    Findings::of(&machine).has("clock", "ok", "clock of this computer says");
    let month = (chrono::Utc::now() + chrono::TimeDelta::minutes(2)).format("%Y%m%d_%H%M%S.000000");
    fs::write(
        machine
            .path("store")
            .join(format!("pc_{month}_0_0.0_yes_home")),
        "",
    )
    .unwrap();
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
    found.has("lifecycle", "ok", "expire after 181 days").has(
        "lifecycle",
        "ok",
        "removed after 7 days",
    );
    found.has("versioning", "ok", "keeps old versions");
    let early = LIFECYCLE.replace("181", "30");
    let path = format!("/{}?lifecycle", s3.bucket);
    assert_eq!(
        moto::shared()
            .request("PUT", &path, &[], early.as_bytes())
            .status,
        200
    );
    for status in ["", "<Status>Suspended</Status>"] {
        proxy.heal();
        versioning(&proxy, status);
        let found = Findings::of(&s3.machine);
        found
            .has("lifecycle", "warning", "expire after 30 days")
            .has("versioning", "warning", "enable versioning");
    }
}
