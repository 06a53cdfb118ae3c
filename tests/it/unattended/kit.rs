//! A machine whose runs are reported by email.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::machine::{Machine, Ran};
use crate::support::moto::Moto;

/// Whom the report goes to.
pub const OWNERS: [&str; 2] = ["owner@example.com", "second@example.com"];

/// A mail that the server has taken.
#[derive(Clone, Debug)]
pub struct Mail {
    pub source: String,
    pub to: Vec<String>,
    pub subject: String,
    /// HTML.
    pub body: String,
}

/// The server that takes mails: what it holds can be asked for only while it has no S3 objects in
/// motion.
pub fn post() -> &'static Moto {
    static POST: OnceLock<Moto> = OnceLock::new();
    POST.get_or_init(|| Moto::start(&[]))
}

/// The machine, and a sender of its own at the tests' SES server.
pub struct Night {
    pub machine: Machine,
    pub sender: String,
    /// Below `email`.
    pub email: String,
    /// The rest of the profile.
    pub more: String,
}

impl Night {
    /// With a verified sender.
    pub fn new() -> Night {
        let night = Night::unverified();
        let body = format!(r#"{{"EmailIdentity": "{}"}}"#, night.sender);
        assert_eq!(ses("POST", "/v2/email/identities", &body).0, 200);
        night
    }

    /// With a sender that SES does not know.
    pub fn unverified() -> Night {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let sender = format!(
            "reporter-{}@example.com",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let endpoint = post().endpoint();
        let mut night = Night {
            machine: Machine::new(),
            sender,
            email: String::new(),
            more: String::new(),
        };
        night.email_to(&endpoint);
        night
    }

    /// Sends email to another server.
    pub fn email_to(&mut self, endpoint: &str) {
        let key = |text: &str| format!("{{command: [echo, {text}]}}");
        self.email = format!(
            "  from: {}\n  to: [{}]\n  region: us-east-1\n  endpoint: {endpoint}\n  \
             credentials: {{access-key-id: {}, secret-access-key: {}}}\n",
            self.sender,
            OWNERS.join(", "),
            key("AKIDEXAMPLE"),
            key("wJalrXUtnFEMI")
        );
    }

    /// Writes the profile's last lines.
    pub fn prepare(&mut self) {
        let email = if self.email.is_empty() {
            String::new()
        } else {
            format!("email:\n{}", self.email)
        };
        self.machine.profile.more = format!("{email}{}", self.more);
    }

    /// Runs the profile to its end.
    pub fn run(&mut self, arguments: &[&str]) -> Ran {
        self.prepare();
        self.machine.aam("run", arguments)
    }

    /// What was sent from this machine, in order.
    pub fn mails(&self) -> Vec<Mail> {
        mails()
            .into_iter()
            .filter(|mail| mail.source.contains(&self.sender))
            .collect()
    }

    /// The one mail there is.
    pub fn mail(&self) -> Mail {
        let mails = self.mails();
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails[0].clone()
    }

    /// The text of the newest log.
    pub fn log(&self) -> String {
        let mut logs: Vec<_> = fs::read_dir(self.machine.path("state/logs"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        logs.retain(|path| path.to_str().unwrap().ends_with(".aam-backup.log"));
        logs.sort();
        fs::read_to_string(logs.last().unwrap()).unwrap()
    }
}

fn ses(method: &str, path: &str, body: &str) -> (u16, String) {
    let signature = "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/ses/aws4_request, \
                     SignedHeaders=host, Signature=0";
    let headers = [
        ("Authorization", signature),
        ("Content-Type", "application/json"),
    ];
    let answer =
        crate::support::http::request(post().address(), method, path, &headers, body.as_bytes())
            .unwrap();
    (answer.status, answer.text())
}

/// Every mail that the shared server has taken.
fn mails() -> Vec<Mail> {
    let data: Value = serde_json::from_str(
        &post()
            .request("GET", "/moto-api/data.json", &[], b"")
            .text(),
    )
    .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sent = data["ses"]["Message"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    sent.iter()
        .map(|mail| Mail {
            source: text(&mail["source"]),
            to: mail["destinations"]["ToAddresses"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
            subject: text(&mail["subject"]),
            body: text(&mail["body"]),
        })
        .collect()
}
