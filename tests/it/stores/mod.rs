//! Stores: one table of cases for all, and the faults that only one of them can have.

mod alike;
mod connections;
mod directory;
mod once;
mod rclone;
mod s3;
mod thaw;
mod unreachable;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aam_auto_backup::parts::AccessKey;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Object;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::StorageClass;
use aam_auto_backup::parts::UNREACHABLE_AFTER;
use aam_auto_backup::parts::{
    DirectoryStore, Progress, S3Settings, S3Store, Store, StoreError, StoreSettings, Transfers,
    open_store,
};

use crate::support::moto;

/// Nobody listens.
const SILENT: Progress<'static> = &|_| {};

const MEBIBYTE: usize = 1024 * 1024;

/// A store with nothing in it, and room for local files.
struct Place {
    store: Box<dyn Store>,
    /// The store's own.
    cancel: Cancel,
    scratch: tempfile::TempDir,
    kind: Kind,
}

enum Kind {
    Directory(PathBuf),
    S3(String),
    /// The directory behind the remote, and the settings.
    Rclone(PathBuf, StoreSettings),
}

impl Place {
    fn directory() -> Place {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("store");
        fs::create_dir(&path).unwrap();
        let cancel = Cancel::new();
        let store = DirectoryStore::open(&path, cancel.clone()).unwrap();
        Place {
            store: Box::new(store),
            cancel,
            scratch,
            kind: Kind::Directory(path),
        }
    }

    fn s3() -> Place {
        let bucket = moto::shared().bucket();
        let cancel = Cancel::new();
        let store = S3Store::open(settings(&bucket), cancel.clone()).unwrap();
        Place {
            store: Box::new(store),
            cancel,
            scratch: tempfile::tempdir().unwrap(),
            kind: Kind::S3(bucket),
        }
    }

    /// A remote that is a directory of this computer.
    fn rclone() -> Place {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("store");
        fs::create_dir(&path).unwrap();
        let settings = rclone::settings(scratch.path(), &path);
        let cancel = Cancel::new();
        Place {
            store: open_store(&settings, &|_| unreachable!(), &cancel).unwrap(),
            cancel,
            scratch,
            kind: Kind::Rclone(path, settings),
        }
    }

    /// The same store, opened by somebody else.
    fn again(&self) -> Box<dyn Store> {
        match &self.kind {
            Kind::Directory(path) => Box::new(DirectoryStore::open(path, Cancel::new()).unwrap()),
            Kind::S3(bucket) => Box::new(S3Store::open(settings(bucket), Cancel::new()).unwrap()),
            Kind::Rclone(_, settings) => {
                open_store(settings, &|_| unreachable!(), &Cancel::new()).unwrap()
            }
        }
    }

    /// The disk is pulled out, the bucket deleted.
    fn vanish(&self) {
        match &self.kind {
            Kind::Directory(path) | Kind::Rclone(path, _) => {
                fs::rename(path, path.with_extension("elsewhere")).unwrap()
            }
            Kind::S3(bucket) => {
                for object in self.again().list("").unwrap() {
                    let answer = moto::shared().request(
                        "DELETE",
                        &format!("/{bucket}/{}", object.key),
                        &[],
                        b"",
                    );
                    assert_eq!(answer.status, 204, "{}", answer.text());
                }
                let answer = moto::shared().request("DELETE", &format!("/{bucket}"), &[], b"");
                assert_eq!(answer.status, 204, "{}", answer.text());
            }
        }
    }

    /// What an interrupted upload may not leave: partial files, unfinished multipart uploads.
    fn remains(&self) -> Vec<String> {
        match &self.kind {
            Kind::Directory(path) | Kind::Rclone(path, _) => {
                let names = fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap());
                names
                    .filter(|name| name.starts_with(".aam-partial-"))
                    .collect()
            }
            Kind::S3(bucket) => uploads(bucket),
        }
    }

    /// A local file.
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.scratch.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A local path at which nothing is.
    fn free(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}

fn settings(bucket: &str) -> S3Settings {
    S3Settings {
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        endpoints: vec![moto::shared().endpoint()],
        storage_class: StorageClass::Standard,
        give_up_after: UNREACHABLE_AFTER,
        credentials: Some(AccessKey {
            id: Secret::new(ID),
            secret: Secret::new(SECRET),
            token: None,
        }),
        upload: Transfers::default(),
        download: Transfers::default(),
    }
}

const ID: &str = "AKIATESTTESTTESTTEST";
const SECRET: &str = "never/print+me/0123456789abcdefghijklmnop";

/// Multipart uploads of a bucket that were neither completed nor aborted.
fn uploads(bucket: &str) -> Vec<String> {
    let text = moto::shared()
        .request("GET", &format!("/{bucket}?uploads"), &[], b"")
        .text();
    text.split("<UploadId>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap_or_default().to_owned())
        .collect()
}

/// Bytes without a short period, different at every part.
fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at ^ (at >> 8) ^ (at >> 17)) as u8)
        .collect()
}

pub fn sha256(path: &Path) -> String {
    let output = std::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .trim_start_matches('\\')
        .to_owned()
}

/// Counts the bytes that a store tells of.
fn add_to(total: &AtomicU64) -> impl Fn(u64) + Sync {
    move |bytes| {
        total.fetch_add(bytes, Ordering::SeqCst);
    }
}

fn keys(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(|object| object.key.as_str()).collect()
}

/// Every error of every test goes through here: it names the store and the key, and no secret.
fn check_words(error: &StoreError, store: &dyn Store, key: &str) {
    let text = format!("{error} {error:?}");
    assert!(error.to_string().contains(store.label()), "{text}");
    assert!(error.to_string().contains(key), "{text}");
    assert!(!text.contains(SECRET) && !text.contains(ID), "{text}");
    assert!(
        !error.to_string().ends_with('.') && !error.hint.ends_with('.'),
        "{text}"
    );
}
