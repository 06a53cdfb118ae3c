//! How Amazon's services are called: region, endpoint and access key, the same for S3 and SES
//! (a region is always given).

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::model::policy;
use crate::model::secret::Secret;

/// How long one try to connect may take; with all tries a store is known to be unreachable within
/// two minutes.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time limits of a small request that takes so long at most with all its tries: three that are not
/// answered, or more that are refused.
pub fn within(limit: Duration) -> TimeoutConfig {
    within_and(limit, Duration::ZERO)
}

/// The same for a request with a body, whose transfer may take `body` longer at each try.
pub fn within_and(limit: Duration, body: Duration) -> TimeoutConfig {
    let once = limit * 3 / 10 + body;
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(once))
        .operation_attempt_timeout(once)
        .operation_timeout(limit + 3 * body)
        .build()
}

/// An access key; `None` is the usual chain of the AWS SDK.
pub type Keys = Option<AccessKey>;

/// An access key that a profile refers to.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: Secret,
    pub secret: Secret,
    /// Of a temporary key.
    pub token: Option<Secret>,
}

impl AccessKey {
    /// Everything in it that must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.id, &self.secret].into_iter().chain(&self.token)
    }
}

/// The access key that a profile refers to. `resolve` reads what a reference leads to.
///
/// # Errors
/// When one of its references gives nothing.
pub fn keys<E>(
    credentials: Option<&policy::Credentials>,
    resolve: impl Fn(&crate::model::policy::Reference) -> Result<Secret, E>,
) -> Result<Keys, E> {
    let Some(keys) = credentials else {
        return Ok(None);
    };
    Ok(Some(AccessKey {
        id: resolve(&keys.access_key_id)?,
        secret: resolve(&keys.secret_access_key)?,
        token: keys.session_token.as_ref().map(resolve).transpose()?,
    }))
}

/// A basic configuration: the server and the credentials. The caller sets time limits and attempts.
pub fn loader(region: &str, endpoint: Option<&str>, keys: &Keys) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(HttpClient::new().build_with_connector_fn(|settings, _| {
            let connector = Connector::builder()
                // HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as other programs take them.
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(Provider::Rustls(CryptoMode::Ring));
            let settings = settings.cloned().unwrap_or_default();
            connector.connector_settings(settings).build()
        }));
    if let Some(AccessKey { id, secret, token }) = keys {
        loader = loader.credentials_provider(Credentials::new(
            id.expose(),
            secret.expose(),
            token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "profile",
        ));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Reference;

    #[test]
    fn a_temporary_key_has_its_token() {
        let env = |name: &str| Reference::Env(name.to_owned());
        let read = |session_token: Option<Reference>| {
            let credentials = policy::Credentials {
                access_key_id: env("ID"),
                secret_access_key: env("SECRET"),
                session_token,
            };
            let resolve = |reference: &Reference| match reference {
                Reference::Env(name) if name == "MISSING" => Err("not set"),
                Reference::Env(name) => Ok(Secret::new(format!("value of {name}"))),
                _ => Err("not asked for"),
            };
            keys(Some(&credentials), resolve).map(|keys| {
                let all = keys.iter().flat_map(AccessKey::secrets);
                all.map(|secret| secret.expose().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(read(None).unwrap(), ["value of ID", "value of SECRET"]);
        assert_eq!(
            read(Some(env("TOKEN"))).unwrap(),
            ["value of ID", "value of SECRET", "value of TOKEN"]
        );
        assert_eq!(read(Some(env("MISSING"))), Err("not set"));
    }
}
