//! Senders and recipients.

use super::{Bucket, Findings};
use crate::support::moto::Moto;
use crate::support::proxy::{Fault, Proxy};

#[test]
fn senders() {
    let moto = Moto::start(&[]);
    let mut s3 = Bucket::at(&moto.endpoint(), &moto.bucket(), ("id", "secret"));
    s3.machine.profile.more_destinations.clear();
    let proxy = Proxy::start(moto.address());
    s3.email(&proxy.endpoint());
    let account = |production: bool| {
        let body = format!("{{\"ProductionAccessEnabled\":{production}}}");
        Fault::Reply(200, vec!["Content-Type: application/json".to_owned()], body)
    };
    proxy.spoil("GET", "/v2/email/account", usize::MAX, account(false));
    let found = Findings::of(&s3.machine);
    found.has(
        "email",
        "problem",
        "sender sender@example.com is not verified",
    );
    found.has(
        "email",
        "problem",
        "recipient owner@example.com is not verified",
    );
    found.has("email", "problem", "doctor --verify-sender");
    assert_eq!(
        proxy.count("POST", "/v2/email/identities"),
        0,
        "nothing is sent unasked"
    );
    let asked = Findings::with(&s3.machine, &["--verify-sender"]);
    asked
        .has("email", "problem", "a verification email was sent")
        .has("email", "problem", "follow the link");
    // Moto follows every link at once.
    let found = Findings::of(&s3.machine);
    found.has("email", "ok", "sender sender@example.com is verified");
    found.has("email", "ok", "recipient owner@example.com is verified");

    // The domain is enough.
    moto.request(
        "DELETE",
        "/v2/email/identities/sender%40example.com",
        &[],
        b"",
    );
    let denied = Fault::Reply(
        403,
        vec![
            "Content-Type: application/json".to_owned(),
            "x-amzn-ErrorType: AccessDeniedException".to_owned(),
        ],
        r#"{"message":"not for you"}"#.to_owned(),
    );
    proxy.heal();
    proxy.spoil("GET", "/v2/email/account", usize::MAX, denied.clone());
    proxy.spoil("GET", "/v2/email/identities", usize::MAX, denied);
    let found = Findings::of(&s3.machine);
    assert_eq!(found.all("email").len(), 2, "{}", found.0);
    found.has("email", "ok", "is not known: not for you");
}
