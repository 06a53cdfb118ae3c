//! A test machine's second store: a bucket.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::machine::{Machine, Ran};
use super::moto::{self, Moto};
use super::proxy::Proxy;

/// Whatever they are, the server of the tests takes them.
pub const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "test-id"),
    ("AWS_SECRET_ACCESS_KEY", "test-secret"),
];

pub struct Bucket {
    server: &'static Moto,
    pub name: String,
    proxy: Option<Arc<Proxy>>,
}

impl Machine {
    /// Archives go to a bucket as well. What is archived in Deep Archive takes its time to be
    /// readable again.
    pub fn add_bucket(&mut self, storage_class: &str) {
        self.add_bucket_at(&moto::slow().endpoint(), storage_class);
    }

    /// The same, reached by backups through a proxy.
    pub fn add_bucket_behind_proxy(&mut self) -> Arc<Proxy> {
        let proxy = Arc::new(Proxy::start(moto::slow().address()));
        self.add_bucket_at(&proxy.endpoint(), "STANDARD");
        self.bucket.as_mut().expect("a machine with a bucket").proxy = Some(proxy.clone());
        proxy
    }

    /// What is before the bucket.
    pub fn proxy(&self) -> &Proxy {
        let proxy = self
            .bucket
            .as_ref()
            .and_then(|bucket| bucket.proxy.as_deref());
        proxy.expect("a machine with a bucket behind a proxy")
    }

    fn add_bucket_at(&mut self, endpoint: &str, storage_class: &str) {
        let server = moto::slow();
        let name = server.bucket();
        self.profile.more_destinations = format!(
            "  s3: {{bucket: {name}, region: us-east-1, endpoint: '{endpoint}', storage-class: {storage_class}}}"
        );
        self.bucket = Some(Bucket {
            server,
            name,
            proxy: None,
        });
    }

    /// Somebody deletes everything in it.
    pub fn empty_bucket(&self) {
        for key in self.in_bucket() {
            self.remove_from_bucket(&key);
        }
    }

    /// The bucket gets these lifecycle rules.
    pub fn set_lifecycle(&self, rules: &str) {
        let bucket = self.bucket.as_ref().expect("a machine with a bucket");
        let path = format!("/{}?lifecycle", bucket.name);
        let rules = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        let answer = bucket.server.request("PUT", &path, &[], rules.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Somebody deletes one object.
    pub fn remove_from_bucket(&self, key: &str) {
        let bucket = self.bucket.as_ref().expect("a machine with a bucket");
        let path = format!("/{}/{key}", bucket.name);
        let answer = bucket.server.request("DELETE", &path, &[], b"");
        assert_eq!(answer.status, 204, "{key}");
    }

    /// Names in the bucket.
    pub fn in_bucket(&self) -> BTreeSet<String> {
        let bucket = self.bucket.as_ref().expect("a machine with a bucket");
        let answer = bucket
            .server
            .request("GET", &format!("/{}?list-type=2", bucket.name), &[], b"")
            .text();
        let keys = answer.split("<Key>").skip(1);
        keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    /// Uploads that were begun and neither completed nor aborted.
    pub fn begun_in_bucket(&self) -> usize {
        let bucket = self.bucket.as_ref().expect("a machine with a bucket");
        let path = format!("/{}?uploads", bucket.name);
        let answer = bucket.server.request("GET", &path, &[], b"");
        assert_eq!(answer.status, 200);
        answer.text().matches("<UploadId>").count()
    }

    /// `restore` by somebody who has nothing but the bucket's name and the archive key.
    pub fn restore_bare(&self, arguments: &[&str]) -> Ran {
        let bucket = self.bucket.as_ref().expect("a machine with a bucket");
        let endpoint = bucket.server.endpoint();
        let place = [
            "--location",
            &self.profile.location,
            "--bucket",
            &bucket.name,
            "--region",
            "us-east-1",
        ];
        let more = ["--endpoint", &endpoint, "--key-env", "AAM_TEST_KEY"];
        self.ended(&[&["restore"], &place[..], &more, arguments].concat())
    }
}
