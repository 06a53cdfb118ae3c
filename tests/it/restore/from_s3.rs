//! The same from S3, where volumes are downloaded first.

use super::kit::*;
use crate::support::moto;
use crate::support::pc::{FULL, INC1, KEY, Pc};
use aam_auto_backup::parts::AccessKey;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::Transfers;
use aam_auto_backup::parts::UNREACHABLE_AFTER;
use aam_auto_backup::parts::{Event, Outcome};
use aam_auto_backup::parts::{S3Settings, S3Store};

fn pc() -> Pc {
    let moto = moto::shared();
    let settings = S3Settings {
        bucket: moto.bucket(),
        region: "us-east-1".to_owned(),
        endpoints: vec![moto.endpoint()],
        storage_class: StorageClass::Standard,
        give_up_after: UNREACHABLE_AFTER,
        credentials: Some(AccessKey {
            id: Secret::new("test-id"),
            secret: Secret::new("test-secret"),
            token: None,
        }),
        upload: Transfers::default(),
        download: Transfers::default(),
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let mut pc = Pc::with_store(
        &["/home/allen", "/srv/data"],
        tempfile::tempdir().unwrap(),
        Box::new(store),
    );
    let noise: String = (0..1500u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 13) as u8 % 26))
        .collect();
    pc.write(1, "docs/a.txt", "first")
        .write(1, "noise", &noise)
        .write(2, "b", "b")
        .directory(2, "empty")
        .full(FULL);
    pc.write(1, "docs/a.txt", "second").incremental(INC1);
    pc
}

#[test]
fn volumes_are_downloaded_checked_and_removed() {
    let pc = pc();
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    let downloads = done
        .events
        .iter()
        .filter(|e| matches!(e, Event::Downloading { .. }))
        .count();
    assert!(downloads > 6, "{downloads} objects");
    assert_eq!(tree(&pc.target())["1/docs/a.txt"], "second");
    assert_as_listed(&pc, 1, &pc.target().join("1"));
    assert_as_listed(&pc, 2, &pc.target().join("2"));
}

#[test]
fn a_damaged_object_is_tried_twice_and_named() {
    let pc = pc();
    let key = pc
        .store
        .list("pc_")
        .unwrap()
        .into_iter()
        .find(|o| o.key.ends_with("allen-.zip.001"))
        .unwrap()
        .key;
    let mut bytes = pc.store.read(&key, 1 << 20).unwrap();
    bytes[100] ^= 0x20;
    // The program itself overwrites nothing.
    let bucket = pc.store.label().trim_start_matches("s3://");
    moto::shared().request("PUT", &format!("/{bucket}/{key}"), &[], &bytes);
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure);
    let lost = format!("'{key}' is damaged");
    assert!(done.text().contains(&lost), "{}", done.text());
    assert!(
        done.text()
            .contains("did not arrive as it was sent: downloading it again")
    );
    assert_as_listed(&pc, 2, &pc.target().join("2"));
    assert_eq!(
        tree(&pc.target())["1/docs/a.txt"],
        "second",
        "the incremental backup holds it"
    );
    let wrong = restore_with(
        &pc,
        &options(),
        &pc.scratch.path().join("other"),
        false,
        "wrong",
    );
    assert!(
        wrong.error().contains("the key is wrong"),
        "{KEY} is the right one: {}",
        wrong.error()
    );
}
