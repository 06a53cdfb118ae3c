//! What is said when S3 refuses, and what is never shown.

use super::*;

/// What the server says, and what the user is told.
#[test]
fn refusals_say_what_to_do() {
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting \
                     'eu-west-3'</Message><Region>eu-west-3</Region></Error>";
    let moved = Fault::Reply(
        301,
        vec!["x-amz-bucket-region: eu-west-3".to_owned()],
        "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>".to_owned(),
    );
    for (fault, kind, why, hint) in [
        (
            Fault::s3(403, "AccessDenied", "Access Denied"),
            StoreErrorKind::Forbidden,
            "Access Denied",
            "no right to do this",
        ),
        (
            Fault::s3(403, "InvalidAccessKeyId", "m"),
            StoreErrorKind::Denied,
            "InvalidAccessKeyId",
            "destinations.s3.credentials",
        ),
        (
            Fault::s3(403, "SignatureDoesNotMatch", "m"),
            StoreErrorKind::Denied,
            "m",
            "secret access key is wrong",
        ),
        (
            Fault::s3(400, "ExpiredToken", "m"),
            StoreErrorKind::Denied,
            "ExpiredToken: m",
            "expired",
        ),
        (
            Fault::s3(403, "RequestTimeTooSkewed", "m"),
            StoreErrorKind::Denied,
            "m",
            "clock",
        ),
        (
            Fault::s3(404, "NoSuchBucket", "m"),
            StoreErrorKind::NotFound,
            "NoSuchBucket",
            "destinations.s3.bucket",
        ),
        (
            moved,
            StoreErrorKind::Other,
            "PermanentRedirect",
            "destinations.s3.region: eu-west-3",
        ),
        (
            Fault::Reply(400, vec![], malformed.to_owned()),
            StoreErrorKind::Other,
            "expecting",
            "region: eu-west-3",
        ),
        (
            Fault::Reply(403, vec![], String::new()),
            StoreErrorKind::Denied,
            "status 403",
            "no right",
        ),
        (
            Fault::Reply(418, vec![], "<html>tea</html>".to_owned()),
            StoreErrorKind::Other,
            "418",
            "",
        ),
        (
            Fault::s3(403, "AccessDenied", &format!("{ID} {SECRET}")),
            StoreErrorKind::Forbidden,
            "*** ***",
            "",
        ),
    ] {
        let Behind { proxy, store, .. } = behind();
        proxy.spoil("GET", "list-type", usize::MAX, fault);
        let error = store.list("main_").unwrap_err();
        check_words(&error, &store, "main_");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.why.contains(why), "{error}");
        assert!(error.hint.contains(hint), "{error}: {}", error.hint);
    }
}

/// `S` stands in `TLS`, too.
#[test]
fn a_short_secret_leaves_the_words_whole() {
    let Behind { proxy, bucket, .. } = behind();
    let credentials = Some(AccessKey {
        id: Secret::new("T"),
        secret: Secret::new("S"),
        token: None,
    });
    let settings = S3Settings {
        endpoints: vec![proxy.endpoint()],
        credentials,
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    proxy.spoil(
        "GET",
        "list-type",
        usize::MAX,
        Fault::s3(403, "AccessDenied", "TLS is wanted, not S"),
    );
    assert_eq!(
        store.list("").unwrap_err().why,
        "AccessDenied: TLS is wanted, not ***"
    );
}

#[test]
fn real_keys_are_checked() {
    // The whole server becomes strict: one of its own.
    let strict = Moto::start(&[]);
    let bucket = strict.bucket();
    strict.request("POST", "/moto-api/reset-auth", &[], b"0");
    let settings = S3Settings {
        endpoints: vec![strict.endpoint()],
        ..settings(&bucket)
    };
    let store = S3Store::open(settings, Cancel::new()).unwrap();
    let place = Place::directory();
    for error in [
        store.list("key").unwrap_err(),
        store.put_bytes("key", b"x", Purpose::Index).unwrap_err(),
        store
            .put(
                "key",
                &place.file("source", &content(17 * MEBIBYTE)),
                Purpose::Archive,
                SILENT,
            )
            .unwrap_err(),
        store.read("key", 100).unwrap_err(),
        store
            .get("key", &place.free("target"), &Cancel::new(), SILENT)
            .unwrap_err(),
    ] {
        check_words(&error, &store, "key");
        assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
        assert!(
            error.hint.contains("destinations.s3.credentials"),
            "{}",
            error.hint
        );
    }
}

#[test]
fn nothing_shows_a_secret() {
    let store = S3Store::open(settings("bucket"), Cancel::new()).unwrap();
    let text = format!("{store:?} {:?}", settings("bucket"));
    assert!(
        text.contains("bucket") && !text.contains(ID) && !text.contains(SECRET),
        "{text}"
    );
}
