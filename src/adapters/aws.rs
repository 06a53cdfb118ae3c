//! How Amazon's services are called: region, endpoint and access key, the same for S3 and SES
//! (a region is always given).

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::model::job;
use crate::model::secret::Secret;

/// How long one try to connect may take; with all tries a store is known to be unreachable within
/// two minutes.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time limits of a small request that takes so long at most with all its tries: three that are not
/// answered, or more that are refused.
pub fn within(limit: Duration) -> TimeoutConfig {
    let once = limit * 3 / 10;
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(once))
        .operation_attempt_timeout(once)
        .operation_timeout(limit)
        .build()
}

/// Access key id and secret access key; `None` is the usual chain of the AWS SDK.
pub type Keys = Option<(Secret, Secret)>;

/// The access key that a profile refers to. `resolve` reads what a reference leads to.
///
/// # Errors
/// When one of its references gives nothing.
pub fn keys<E>(
    credentials: Option<&job::Credentials>,
    resolve: impl Fn(&crate::model::policy::Reference) -> Result<Secret, E>,
) -> Result<Keys, E> {
    let Some(keys) = credentials else {
        return Ok(None);
    };
    Ok(Some((
        resolve(&keys.access_key_id)?,
        resolve(&keys.secret_access_key)?,
    )))
}

/// A configuration to go on with: whom to call and as whom. Time limits and tries are the caller's.
pub fn loader(region: &str, endpoint: Option<&str>, keys: &Keys) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(
            HttpClient::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https(),
        );
    if let Some((id, secret)) = keys {
        loader = loader.credentials_provider(Credentials::new(
            id.expose(),
            secret.expose(),
            None,
            None,
            "profile",
        ));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader
}
