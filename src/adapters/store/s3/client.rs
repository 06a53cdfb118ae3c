//! How the SDK's client is set up: whom to call, how long to wait, how often to try.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{self, RequestChecksumCalculation, StalledStreamProtectionConfig};

use super::nodes::Nodes;
use super::{S3Settings, S3Store};
use crate::adapters::aws;

/// How long a transfer may stall: a router that restarts is back within a minute.
const GRACE: Duration = Duration::from_secs(60);

/// A request slower than this many bytes a second counts as broken. Four of them share the line,
/// which then has 0.5 Mbit/s.
const SLOWEST: u64 = 16 * 1024;

/// The longest pause between two tries of a small request, as the SDK has it.
const PAUSE: Duration = Duration::from_secs(20);

/// How often a request is tried: at least three times at each node of a cluster. The pauses are
/// shorter with more nodes, so that all tries together take as long as with one server.
fn tries(once: u32, pause: Duration, settings: &S3Settings) -> RetryConfig {
    let nodes = u32::try_from(settings.endpoints.len()).unwrap_or(u32::MAX);
    RetryConfig::standard()
        .with_max_attempts(once.max(nodes.saturating_mul(3)))
        .with_max_backoff(pause / nodes.max(1))
}

/// The client, and whether checksums are wanted (the SDK's own setting
/// `AWS_REQUEST_CHECKSUM_CALCULATION`, for servers that refuse them).
pub(super) async fn connect(settings: &S3Settings, nodes: &Nodes) -> (Client, bool) {
    let shared = aws::loader(
        &settings.region,
        settings.endpoints.first().map(String::as_str),
        &settings.credentials,
    )
    .retry_config(tries(5, PAUSE, settings))
    .timeout_config(aws::within(settings.give_up_after))
    .stalled_stream_protection(
        StalledStreamProtectionConfig::enabled()
            .grace_period(GRACE)
            .build(),
    )
    .load()
    .await;
    let checksums =
        shared.request_checksum_calculation() != Some(RequestChecksumCalculation::WhenRequired);
    let mut config =
        config::Builder::from(&shared).force_path_style(!settings.endpoints.is_empty());
    if settings.endpoints.len() > 1 {
        config = config.interceptor(nodes.clone());
    }
    (Client::from_conf(config.build()), checksums)
}

impl S3Store {
    /// For requests that carry this many bytes, or let the server work on them: enough time for a
    /// slow line, and tries enough to outlive a router that starts anew (about a minute). A server
    /// that accepts everything and then does not answer is given up as for any other request.
    pub(super) fn patient(&self, size: u64) -> config::Builder {
        let upload = &self.settings.upload;
        let share = |limit: u64| limit / (2 * upload.connections.max(1) as u64);
        let slowest = upload
            .limit
            .smallest()
            .map_or(SLOWEST, |limit| share(limit).clamp(1, SLOWEST));
        let body = Duration::from_secs(size / slowest);
        config::Builder::new()
            .retry_config(tries(8, GRACE, &self.settings))
            .timeout_config(aws::within_and(self.settings.give_up_after, body))
    }
}
