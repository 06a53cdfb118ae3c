//! The section of a bucket.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{BUCKET, ENDPOINT, REGION, Span};
use super::{FieldChecks, KeepSection, StoreSection};
use crate::model::policy::{Reference, StorageClass, UNREACHABLE_AFTER};
use crate::model::store::{S3, StoreName, StoreSettings};
use crate::profile::mistake::Mistake;

/// Encrypted archives in an S3 bucket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3Section {
    /// Name of the bucket.
    #[schemars(regex(pattern = BUCKET), example = &"example-backups")]
    pub bucket: String,
    /// Region of the bucket, such as `us-east-1`.
    #[schemars(regex(pattern = REGION), example = &"us-east-1")]
    pub region: String,
    /// Address of an S3-compatible server, such as `http://127.0.0.1:5000`, or a list with the
    /// addresses of the nodes of a cluster, which are tried in this order. Amazon S3 by default.
    #[schemars(
        example = &"https://s3.example.com",
        example = ["http://node-1:3900", "http://node-2:3900", "http://node-3:3900"]
    )]
    pub endpoint: Option<EndpointEntry>,
    /// Storage class of archive volumes. Markers and manifests are always STANDARD.
    #[serde(default)]
    pub storage_class: StorageClass,
    /// How long the server may take to answer, including retries, before it counts as unreachable.
    /// Uploads and downloads may take longer. `100s` by default.
    pub give_up_after: Option<Span>,
    /// Access key. By default, the AWS SDK looks for one (environment, shared configuration,
    /// instance role).
    pub credentials: Option<S3Credentials>,
    /// Which sets `prune` keeps. Only for an access key that may delete; a lifecycle rule of the
    /// bucket is safer. By default, nothing is ever deleted.
    pub keep: Option<KeepSection>,
}

/// Where an S3-compatible server is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EndpointEntry {
    /// The address of the server.
    #[schemars(title = "Address")]
    One(
        #[schemars(regex(pattern = ENDPOINT), example = &"https://s3.example.com")]
        String,
    ),
    /// The addresses of the nodes of a cluster, without a path.
    #[schemars(title = "Addresses of a cluster")]
    Nodes(
        #[schemars(
            length(min = 1),
            inner(regex(pattern = ENDPOINT)),
            example = ["http://node-1:3900", "http://node-2:3900", "http://node-3:3900"]
        )]
        Vec<String>,
    ),
}

impl EndpointEntry {
    /// The addresses, after their checks.
    fn check(&self, fields: &mut dyn FieldChecks) -> Vec<String> {
        const POINTER: &str = "/destinations/s3/endpoint";
        let nodes = match self {
            EndpointEntry::One(address) => {
                return fields
                    .endpoint(POINTER, Some(address))
                    .into_iter()
                    .collect();
            }
            EndpointEntry::Nodes(nodes) => nodes,
        };
        if nodes.is_empty() {
            let message = "the list is empty";
            let mistake = Mistake::value(POINTER, message);
            fields.report(mistake.hint("list the addresses of the nodes, or remove `endpoint`"));
        }
        let mut checked = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            let pointer = format!("{POINTER}/{i}");
            checked.extend(fields.endpoint(&pointer, Some(node)));
            let uri = node.parse::<http::Uri>().ok();
            if uri.is_some_and(|uri| uri.scheme().is_some() && uri.path() != "/") {
                let mistake = Mistake::value(&pointer, "has a path");
                fields.report(mistake.hint("the nodes of a cluster are `http://host:port` each"));
            }
            if nodes[..i].contains(node) {
                let mistake = Mistake::value(&pointer, "is in the list twice");
                fields.report(mistake.hint("remove one of the two"));
            }
        }
        checked
    }
}

/// An access key, as references.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3Credentials {
    /// The access key id.
    pub access_key_id: Reference,
    /// The secret access key.
    pub secret_access_key: Reference,
    /// The session token of a temporary access key, such as that of a role.
    pub session_token: Option<Reference>,
}

impl StoreSection for S3Section {
    fn name(&self) -> StoreName {
        StoreName::S3
    }

    fn check(&self, fields: &mut dyn FieldChecks) -> Option<StoreSettings> {
        let S3Section {
            bucket,
            region,
            endpoint,
            storage_class,
            give_up_after,
            credentials,
            keep,
        } = self;
        if let Some(problem) = bucket_problem(bucket) {
            let message = format!(
                "'{}' is not a bucket name: {problem}",
                bucket.escape_debug()
            );
            fields.report(Mistake::value("/destinations/s3/bucket", message));
        }
        let (upload, download) = fields.transfers();
        Some(StoreSettings::S3(Box::new(S3 {
            bucket: bucket.clone(),
            region: fields.region("/destinations/s3/region", region),
            endpoints: endpoint
                .as_ref()
                .map_or_else(Vec::new, |endpoint| endpoint.check(fields)),
            storage_class: *storage_class,
            give_up_after: fields.span(
                "/destinations/s3/give-up-after",
                give_up_after.as_ref(),
                UNREACHABLE_AFTER,
            ),
            credentials: fields.credentials("/destinations/s3/credentials", credentials.as_ref()),
            upload,
            download,
            keep: keep
                .as_ref()
                .map(|keep| keep.check("/destinations/s3/keep", fields)),
        })))
    }
}

/// The naming rules of S3 for general-purpose buckets.
fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if bucket.contains("://") || bucket.contains('/') {
        return Some("write only the name, without `s3://` and without a directory");
    }
    if !(3..=63).contains(&bucket.len()) {
        return Some("it must have 3 to 63 characters");
    }
    if !bucket.chars().all(allowed) {
        return Some("it may contain only lower-case letters, digits, `.` and `-`");
    }
    if !edge(bucket.chars().next()) || !edge(bucket.chars().last()) || bucket.contains("..") {
        return Some(
            "it must begin and end with a letter or digit and must not contain two dots in a row",
        );
    }
    bucket
        .parse::<std::net::Ipv4Addr>()
        .ok()
        .map(|_| "it must not look like an IP address")
}
