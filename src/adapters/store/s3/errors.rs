//! What the server's refusals mean to the user.

use std::error::Error;
use std::fmt::Write as _;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::S3Settings;
use crate::adapters::aws::AccessKey;
use crate::adapters::store::{Act, StoreError, StoreErrorKind};

/// Turns an error of the SDK into one that says what to do.
pub(super) fn explain<E>(
    act: &Act,
    settings: &S3Settings,
    error: SdkError<E, HttpResponse>,
) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let explained = match &error {
        SdkError::ServiceError(answer) => refused(act, settings, answer.err(), answer.raw()),
        other if find::<CredentialsError>(other).is_some() => act.error(
            StoreErrorKind::Denied,
            format_args!("no usable access key: {}", chain(find::<CredentialsError>(other))),
            "set `destinations.s3.credentials` in the profile, or the environment variables AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
        ),
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            act.error(StoreErrorKind::Unreachable, chain(error.source()), reach(settings))
        }
        SdkError::ResponseError(_) => act.error(
            StoreErrorKind::Unreachable,
            format_args!("not an answer of S3: {}", chain(error.source())),
            reach(settings),
        ),
        _ => act.error(StoreErrorKind::Other, chain(error.source()), "check bucket, region and endpoint"),
    };
    mask(explained, settings)
}

/// An answer that broke off.
pub(super) fn broken(act: &Act, error: &(dyn Error + 'static)) -> StoreError {
    act.error(
        StoreErrorKind::Unreachable,
        format_args!("the answer was interrupted: {}", chain(Some(error))),
        "check the network",
    )
}

const FULL_HINT: &str = "remove old backups or raise the quota";

fn refused(
    act: &Act,
    settings: &S3Settings,
    error: &(impl ProvideErrorMetadata + Error + 'static),
    response: &HttpResponse,
) -> StoreError {
    let status = response.status().as_u16();
    let code = error.code().unwrap_or_default();
    let why = match (code, error.message()) {
        ("", _) => format!("the server answered with status {status}"),
        (code, None | Some("")) => format!("{code} (status {status})"),
        (code, Some(message)) => format!("{code}: {}", message.trim_end_matches(['.', ' '])),
    };
    let (kind, hint) =
        of_code(code, settings, response).unwrap_or_else(|| of_status(status, settings, response));
    act.error(kind, why, hint)
}

/// The kind and the hint of an error code, if it is known.
fn of_code(
    code: &str,
    settings: &S3Settings,
    response: &HttpResponse,
) -> Option<(StoreErrorKind, String)> {
    let (kind, hint) = match code {
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            return Some((StoreErrorKind::Other, wrong_region(settings, response)));
        }
        "AccessDenied" => return Some((StoreErrorKind::Forbidden, no_right(&settings.bucket))),
        "NoSuchBucket" => return Some((StoreErrorKind::NotFound, no_bucket(&settings.bucket))),
        "NoSuchKey" | "NotFound" => (StoreErrorKind::NotFound, ""),
        "NoSuchUpload" => (
            StoreErrorKind::Other,
            "something aborted the upload meanwhile; start it again",
        ),
        "ConditionalRequestConflict" => (
            StoreErrorKind::Other,
            "something else writes the same object: give each computer a `location` of its own",
        ),
        "PreconditionFailed" => (
            StoreErrorKind::Other,
            "the object was replaced meanwhile; start again",
        ),
        "InvalidObjectState" => (
            StoreErrorKind::Frozen,
            "the object is archived: request its restore and wait until it is done",
        ),
        "InvalidAccessKeyId" | "InvalidToken" | "UnrecognizedClientException" => (
            StoreErrorKind::Denied,
            "the access key id is wrong or was deleted; check `destinations.s3.credentials` (a temporary key also needs `session-token`)",
        ),
        "SignatureDoesNotMatch" => (
            StoreErrorKind::Denied,
            "the secret access key is wrong; check `destinations.s3.credentials`",
        ),
        "ExpiredToken" | "TokenRefreshRequired" => (
            StoreErrorKind::Denied,
            "the credentials are valid for a limited time and have expired: renew them",
        ),
        "RequestTimeTooSkewed" => (StoreErrorKind::Denied, "set the clock of this computer"),
        "QuotaExceeded" | "XMinioStorageFull" | "StorageFull" => (StoreErrorKind::Full, FULL_HINT),
        "NotImplemented" => (
            StoreErrorKind::Other,
            "if the server does not accept checksums: set AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
        ),
        "InvalidStorageClass" => (
            StoreErrorKind::Other,
            "set `destinations.s3.storage-class` to one that this server has",
        ),
        _ => return None,
    };
    Some((kind, hint.to_owned()))
}

fn no_right(bucket: &str) -> String {
    format!("the access key has no right to do this in `{bucket}`")
}

fn no_bucket(bucket: &str) -> String {
    format!("create the bucket `{bucket}`, or correct `destinations.s3.bucket`")
}

/// The kind and the hint of a status without a known error code.
fn of_status(
    status: u16,
    settings: &S3Settings,
    response: &HttpResponse,
) -> (StoreErrorKind, String) {
    match status {
        301 | 307 => (StoreErrorKind::Other, wrong_region(settings, response)),
        401 | 403 => (StoreErrorKind::Denied, no_right(&settings.bucket)),
        404 => (StoreErrorKind::NotFound, String::new()),
        507 => (StoreErrorKind::Full, FULL_HINT.to_owned()),
        429 | 500.. => (
            StoreErrorKind::Other,
            "the server is failing or overloaded; start again later".to_owned(),
        ),
        _ => (StoreErrorKind::Other, String::new()),
    }
}

/// Names the right region if the answer says it: in a header, or in the text of some errors.
fn wrong_region(settings: &S3Settings, response: &HttpResponse) -> String {
    let header = response
        .headers()
        .get("x-amz-bucket-region")
        .map(str::to_owned);
    let region = header.or_else(|| {
        let body = std::str::from_utf8(response.body().bytes()?).ok()?;
        let (_, rest) = body.split_once("<Region>")?;
        rest.split_once('<').map(|(region, _)| region.to_owned())
    });
    match region {
        Some(region) if region != settings.region => {
            format!("the bucket is in region {region}: set `destinations.s3.region: {region}`")
        }
        _ => format!(
            "the bucket is not in region {}: correct `destinations.s3.region`",
            settings.region
        ),
    }
}

fn reach(settings: &S3Settings) -> String {
    match settings.endpoints.as_slice() {
        [] => format!(
            "check the network, and that region {} is right (`destinations.s3.region`)",
            settings.region
        ),
        [endpoint] => format!(
            "check that {endpoint} is right (`destinations.s3.endpoint`) and its server runs"
        ),
        nodes => format!(
            "check that {} are right (`destinations.s3.endpoint`) and that enough of the nodes run",
            nodes.join(", ")
        ),
    }
}

/// Looks for a cause of one type.
fn find<'a, T: Error + 'static>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).find(|error| error.is::<T>())
}

/// An error with its causes, each said once, without the layers that only name themselves.
fn chain(error: Option<&(dyn Error + 'static)>) -> String {
    let causes: Vec<String> = std::iter::successors(error, |&error| error.source())
        .map(ToString::to_string)
        .collect();
    let says_nothing = |part: &str| {
        ["io error", "timeout", "other"].contains(&part) || part.starts_with("client error (")
    };
    let mut text = String::new();
    for part in causes.iter().filter(|part| !says_nothing(part)) {
        if text.is_empty() {
            text.push_str(part);
        } else if !text.contains(part.as_str()) {
            let _ = write!(text, ": {part}");
        }
    }
    if text.is_empty() {
        causes.join(": ")
    } else {
        text
    }
}

/// No server has a reason to send a secret back, but no error may carry one.
fn mask(mut error: StoreError, settings: &S3Settings) -> StoreError {
    for secret in settings.credentials.iter().flat_map(AccessKey::secrets) {
        for text in [&mut error.why, &mut error.hint] {
            *text = secret.masked(text);
        }
    }
    error
}
