//! Both stores, through the same cases.

use std::fs;

use aam_auto_backup::cancel::Cancel;
use aam_auto_backup::job::StorageClass;
use aam_auto_backup::secret::Secret;
use aam_auto_backup::store::{DirectoryStore, Purpose, S3Settings, S3Store, Store};

use crate::support::moto;

struct Place {
    store: Box<dyn Store>,
    scratch: tempfile::TempDir,
}

fn directory() -> Place {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("store");
    fs::create_dir(&path).unwrap();
    Place { store: Box::new(DirectoryStore::open(&path, Cancel::new()).unwrap()), scratch }
}

fn s3() -> Place {
    let moto = moto::shared();
    let settings = S3Settings {
        bucket: moto.bucket(),
        region: "us-east-1".to_owned(),
        endpoint: Some(moto.endpoint()),
        storage_class: StorageClass::Standard,
        credentials: Some((Secret::new("test-id"), Secret::new("test-secret"))),
    };
    Place { store: Box::new(S3Store::open(settings, Cancel::new()).unwrap()), scratch: tempfile::tempdir().unwrap() }
}

fn thin(place: &Place) {
    let source = place.scratch.path().join("source");
    let target = place.scratch.path().join("target");
    for size in [0usize, 5, 16 << 20, 40 << 20] {
        let content: Vec<u8> = (0..size).map(|i| (i / 7 + i) as u8).collect();
        fs::write(&source, &content).unwrap();
        let t = std::time::Instant::now();
        let stored = place.store.put("key", &source, Purpose::Archive, &|_| {}).unwrap();
        eprintln!("{size} put {:?} {stored:?}", t.elapsed());
        assert_eq!(stored.size, size as u64);
        let _ = fs::remove_file(&target);
        let t = std::time::Instant::now();
        place.store.get("key", &target, &|_| {}).unwrap();
        eprintln!("get {:?}", t.elapsed());
        assert!(fs::read(&target).unwrap() == content);
        eprintln!("{:?}", place.store.list("").unwrap());
    }
}

#[test]
fn thin_directory() {
    thin(&directory());
}

#[test]
fn thin_s3() {
    thin(&s3());
}
