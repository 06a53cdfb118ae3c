//! Pings: a call to an address that expects one after every run, and raises the alarm when none
//! comes (SPEC#notifications).

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// Time limit of one try. With [`TRIES`] a run waits half a minute at most for a watchdog that does
/// not answer.
const TRY: Duration = Duration::from_secs(10);

/// A lost packet or a restart of the watchdog is not a missing ping.
const TRIES: usize = 3;

/// Why a ping did not arrive. The address is not shown in full: who knows it can report a success
/// that was none.
#[derive(Debug, thiserror::Error)]
#[error("the ping to {to} failed: {why}")]
pub struct PingError {
    pub to: String,
    pub why: String,
}

/// Calls an address; `body` is text that the other side may show.
///
/// # Errors
/// When no try was answered with success.
pub fn ping(url: &str, body: &str) -> Result<(), PingError> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TRY))
        .user_agent(concat!("aam-backup/", env!("CARGO_PKG_VERSION")))
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .unversioned_rustls_crypto_provider(Arc::new(
                    rustls::crypto::ring::default_provider(),
                ))
                .build(),
        )
        .build()
        .into();
    let mut why = String::new();
    for _ in 0..TRIES {
        match agent
            .post(url)
            .content_type("text/plain; charset=utf-8")
            .send(body)
        {
            Ok(_) => return Ok(()),
            Err(error) => why = reason(&error, url),
        }
    }
    Err(PingError {
        to: shown(url),
        why,
    })
}

fn reason(error: &ureq::Error, url: &str) -> String {
    match error {
        ureq::Error::StatusCode(code) => format!("it answered with status {code}"),
        other => other.to_string().replace(url, "the address"),
    }
}

/// `https://hc-ping.com/***`.
fn shown(url: &str) -> String {
    let host = url.parse::<http::Uri>().ok();
    let authority = host
        .as_ref()
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    format!("{}/***", authority.unwrap_or_default())
}
