//! Calls by http and https: pings and webhooks (SPEC#notifications).
//!
//! The address of either is as good as a password, so no error shows more of it than the host.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::model::secret::Secret;

/// Time limit of one try. With [`TRIES`] a run waits half a minute at most for a server that does
/// not answer.
const TRY: Duration = Duration::from_secs(10);

/// A lost packet or a restart of the server is not a missing report.
const TRIES: usize = 3;

/// Why a call did not arrive. The address is not shown in full: who knows it can report a success
/// that was none.
#[derive(Debug, thiserror::Error)]
#[error("the call to {to} failed: {why}")]
pub struct PostError {
    pub to: String,
    pub why: String,
}

/// What is sent to an address.
#[derive(Debug, Default)]
pub struct Post {
    pub content_type: &'static str,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// A bearer token for the server.
    pub token: Option<Secret>,
    pub body: String,
    /// Whether a redirection is followed. What follows it is not a POST any more.
    pub redirected: bool,
}

impl Post {
    /// Sends it to an address.
    ///
    /// # Errors
    /// When no try was answered with success.
    pub fn send(&self, url: &str) -> Result<(), PostError> {
        let agent = agent(if self.redirected { 10 } else { 0 });
        let mut why = String::new();
        for _ in 0..TRIES {
            match self.send_once(&agent, url) {
                Ok(()) => return Ok(()),
                Err(reason) => why = reason,
            }
        }
        Err(PostError {
            to: shown(url),
            why,
        })
    }

    /// Sends it to an address that is kept as a secret.
    ///
    /// # Errors
    /// When the secret is no address, or as [`Post::send`].
    pub fn send_to(&self, url: &Secret) -> Result<(), PostError> {
        if !is_web_address(url) {
            return Err(PostError {
                to: "the server".to_owned(),
                why: "the secret is not an http or https address".to_owned(),
            });
        }
        self.send(url.expose())
    }

    fn send_once(&self, agent: &Agent, url: &str) -> Result<(), String> {
        let mut request = agent.post(url).content_type(self.content_type);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.expose()));
        }
        match request.send(&self.body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!(
                "it answered with status {}",
                answer.status().as_u16()
            )),
            Err(ureq::Error::StatusCode(code)) => Err(format!("it answered with status {code}")),
            Err(other) => Err(other.to_string().replace(url, "the address")),
        }
    }
}

/// Whether a secret is an address that can be called.
pub fn is_web_address(url: &Secret) -> bool {
    url.expose().parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
    })
}

fn agent(redirects: u32) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(TRY))
        .max_redirects(redirects)
        .max_redirects_will_error(false)
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
        .into()
}

/// `https://hc-ping.com/***`.
fn shown(url: &str) -> String {
    let host = url.parse::<http::Uri>().ok();
    let authority = host
        .as_ref()
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    format!("{}/***", authority.unwrap_or_default())
}
