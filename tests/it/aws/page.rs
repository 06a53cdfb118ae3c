//! The rest of `docs/aws.md`: every command is tried, and what it leaves behind is looked at.

use super::setup::{ADDRESS, Account, BUCKET, Key, LOCATION, PAGE, commands};
use crate::docs::blocks;
use crate::support::http;

/// An account after step 1, with its bucket.
fn with_bucket() -> Account {
    let account = Account::new();
    account.follow("1. Choose names");
    account.follow("2. The bucket");
    account
}

#[test]
fn the_bucket_keeps_versions_forgets_and_wants_tls() {
    let account = with_bucket();
    let ask = |what: &str| {
        account.sh(
            &format!("aws s3api {what} --bucket $BUCKET --output json"),
            None,
        )
    };
    assert!(ask("get-bucket-versioning").contains("\"Enabled\""));
    let lifecycle = ask("get-bucket-lifecycle-configuration");
    for (name, days) in [
        ("Days", 181),
        ("NoncurrentDays", 60),
        ("DaysAfterInitiation", 7),
    ] {
        assert!(
            lifecycle.contains(&format!("\"{name}\": {days}")),
            "{lifecycle}"
        );
    }
    // This server does not speak TLS.
    account
        .moto
        .request("PUT", &format!("/{BUCKET}/x"), &[], b"x");
    let plain = http::request(
        account.moto.address(),
        "GET",
        &format!("/{BUCKET}/x"),
        &[],
        b"",
    )
    .unwrap();
    assert_eq!(plain.status, 403, "{}", plain.text());
}

/// One key leaks; what its thief wrote goes, and what was there before comes back.
#[test]
fn versions_bring_back_what_a_thief_overwrote() {
    let account = with_bucket();
    account.sh("aws s3api delete-bucket-policy --bucket $BUCKET", None);
    let [create] = commands("3. The user that uploads").try_into().unwrap();
    let leaked = Key::printed(&account.sh(&create, None));
    let object = |name: &str, content: &str| {
        account.sh(
            &format!("printf '{content}' >object\naws s3api put-object --bucket $BUCKET --key '{name}' --body object"),
            None,
        )
    };
    let archive = format!("{LOCATION}_20261101_1_0_0.0_no_-home-My Documents.zip.001");
    object(&archive, "mine");
    let [cut_off, delete] = commands("A key leaked").try_into().unwrap();
    // Moto gives each object the time it came; the page's day lies between them.
    let day = "2026-11-20";
    assert!(cut_off.contains(day) && delete.contains(day));
    let pause = "sleep 1.1\ndate -u +%Y-%m-%dT%H:%M:%S";
    let now = account.sh(pause, None);
    let since = |text: &str| text.replace(day, now.trim()).replace("AKIA...", &leaked.id);
    object(&archive, "stolen");
    object(
        &format!("{LOCATION}_20261102_1_0_0.0_no_-home.zip.001"),
        "junk",
    );

    let said = account.sh(&since(&cut_off), None);
    assert!(
        said.contains("junk") || said.matches("zip.001").count() == 2,
        "{said}"
    );
    let renewed = Key::printed(&said);
    assert_ne!(renewed.id, leaked.id);
    let keys = account.sh(
        "aws iam list-access-keys --user-name backup-$LOCATION --output text",
        None,
    );
    assert!(
        keys.lines()
            .any(|l| l.contains(&leaked.id) && l.contains("Inactive")),
        "{keys}"
    );

    account.sh(&since(&delete), None);
    let list = account.sh(
        "aws s3api list-objects-v2 --bucket $BUCKET --output text --query 'Contents[].[Key]'",
        None,
    );
    assert_eq!(list.trim(), archive, "what the thief added is gone");
    account.sh(
        &format!("aws s3api get-object --bucket $BUCKET --key '{archive}' back"),
        None,
    );
    assert_eq!(account.file("back"), "mine");
}

#[test]
fn object_lock_keeps_versions_from_everybody() {
    let account = with_bucket();
    account.sh("aws s3api delete-bucket-policy --bucket $BUCKET", None);
    account.follow("Object Lock");
    let put = "printf x >object\naws s3api put-object --bucket $BUCKET --key k --body object \
               --query VersionId --output text";
    let version = account.sh(put, None);
    let delete = format!(
        "aws s3api delete-object --bucket $BUCKET --key k --version-id '{}'",
        version.trim()
    );
    let (done, said) = account.try_sh(&delete, None);
    assert!(!done && said.contains("AccessDenied"), "{said}");
}

#[test]
fn reports_come_from_a_verified_address() {
    let account = with_bucket();
    let [create] = commands("3. The user that uploads").try_into().unwrap();
    let backup = Key::printed(&account.sh(&create, None));
    let send = |to: &str| {
        format!(
            "aws sesv2 send-email --from-email-address {ADDRESS} --destination ToAddresses={to} --content \
             'Simple={{Subject={{Data=report}},Body={{Text={{Data=done}}}}}}'"
        )
    };
    account.enforce(true);
    let (sent, said) = account.try_sh(&send(ADDRESS), Some(&backup));
    assert!(!sent && said.contains("ses:SendEmail"), "{said}");
    account.enforce(false);
    account.follow("4. Email");
    account.enforce(true);
    account.sh(&send(ADDRESS), Some(&backup));
    let other = "aws sesv2 create-email-identity --email-identity thief@example.com";
    let (made, said) = account.try_sh(other, Some(&backup));
    assert!(!made && said.contains("not authorized"), "{said}");
}

#[test]
fn a_deleted_key_opens_nothing() {
    let account = with_bucket();
    account.sh("aws s3api delete-bucket-policy --bucket $BUCKET", None);
    let [create, make_key, delete] = commands("5. The user that restores").try_into().unwrap();
    account.sh(&create, None);
    let key = Key::printed(&account.sh(&make_key, None));
    account.enforce(true);
    account.sh("aws s3api list-objects-v2 --bucket $BUCKET", Some(&key));
    account.enforce(false);
    account.sh(&delete.replace("AKIA...", &key.id), None);
    account.enforce(true);
    let (listed, said) = account.try_sh("aws s3api list-objects-v2 --bucket $BUCKET", Some(&key));
    assert!(!listed && said.contains("InvalidAccessKeyId"), "{said}");
}

/// The tests above name sections; none of the page may be left out.
#[test]
fn every_section_with_commands_is_tried() {
    let mut sections: Vec<String> = blocks(PAGE)
        .into_iter()
        .filter(|b| b.info == "sh aws")
        .map(|b| b.section)
        .collect();
    sections.dedup();
    let tried = [
        "1. Choose names",
        "2. The bucket",
        "3. The user that uploads",
        "4. Email",
        "5. The user that restores",
        "Object Lock",
        "A key leaked",
    ];
    assert_eq!(sections, tried);
}
