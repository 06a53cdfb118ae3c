//! The commands of `docs/aws.md`, given to a server as a person would.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::docs::blocks;
use crate::support::moto::Moto;

pub const PAGE: &str = "docs/aws.md";

/// What the page calls them.
pub const BUCKET: &str = "my-backups";
pub const LOCATION: &str = "allens-laptop";
pub const ADDRESS: &str = "allen@example.com";

/// An access key that a command of the page made.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

const CALLER: &str = "
import boto3, json, sys
for service, method, arguments in json.load(sys.stdin):
    client = boto3.client(service)
    try:
        getattr(client, method)(**arguments)
        print(\"done\")
    except client.exceptions.ClientError as error:
        print(error.response[\"Error\"][\"Code\"])
";

/// A server of its own with an account that has nothing yet, and a person with the AWS CLI.
pub struct Account {
    pub moto: Moto,
    place: tempfile::TempDir,
}

/// `tests/setup.sh` installs it beside moto.
fn aws_cli() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin");
    assert!(
        directory.join("aws").exists(),
        "the AWS CLI is missing: run tests/setup.sh first"
    );
    directory
}

/// The commands of a section of the page, block by block.
pub fn commands(section: &str) -> Vec<String> {
    let found = blocks(PAGE)
        .into_iter()
        .filter(|b| b.info == "sh aws" && b.section == section);
    let found: Vec<String> = found.map(|b| b.text).collect();
    assert!(!found.is_empty(), "{PAGE}: no commands in '{section}'");
    found
}

impl Key {
    /// From what `aws iam create-access-key` prints, maybe after something else.
    pub fn printed(text: &str) -> Key {
        let value = |name: &str| {
            let rest = text
                .split(&format!("\"{name}\": \""))
                .nth(1)
                .unwrap_or_else(|| panic!("no {name}: {text}"));
            rest.split('"').next().unwrap().to_owned()
        };
        Key {
            id: value("AccessKeyId"),
            secret: value("SecretAccessKey"),
        }
    }
}

impl Account {
    pub fn new() -> Account {
        let place = tempfile::tempdir().unwrap();
        symlink(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"),
            place.path().join("examples"),
        )
        .unwrap();
        Account {
            moto: Moto::start(&[]),
            place,
        }
    }

    /// Whether policies count from now on; the owner of the account is nobody while they do.
    pub fn enforce(&self, on: bool) {
        let from = if on { "0" } else { "inf" };
        assert_eq!(self.moto.post("/moto-api/reset-auth", from).status, 200);
    }

    /// The page's blocks in the section with this title, one after the other.
    pub fn follow(&self, section: &str) {
        for block in commands(section) {
            self.sh(&block, None);
        }
    }

    /// Runs commands; what they export is there for the next ones. Without a key as the owner of
    /// the account.
    #[track_caller]
    pub fn sh(&self, script: &str, key: Option<&Key>) -> String {
        let (success, text) = self.try_sh(script, key);
        assert!(success, "{script}\n{text}");
        text
    }

    /// The same, for what may be refused.
    pub fn try_sh(&self, script: &str, key: Option<&Key>) -> (bool, String) {
        let script = format!(
            "set -eu\n[ ! -f exported ] || . ./exported\n{script}\nexport -p | grep -v AWS_ACCESS_KEY_ID \
                              | grep -v AWS_SECRET_ACCESS_KEY >exported\n"
        );
        let path = format!("{}:{}", aws_cli().display(), std::env::var("PATH").unwrap());
        let (id, secret) = key.map_or(("owner", "owner"), |key| (&key.id, &key.secret));
        let output = Command::new("timeout")
            .args(["600", "sh", "-c", &script])
            .current_dir(self.place.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.place.path())
            .env("AWS_ENDPOINT_URL", self.moto.endpoint())
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_PAGER", "")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            (true, text(&output.stdout))
        } else {
            (false, text(&output.stderr))
        }
    }

    /// What AWS's own library for Python (which moto brings) is answered, call by call: "done", or
    /// the error's code.
    pub fn answers(&self, key: &Key, calls: &[(&str, &str, Value)]) -> Vec<String> {
        let calls = serde_json::to_string(calls).unwrap();
        fs::write(self.place.path().join("calls.json"), calls).unwrap();
        let said = self.sh(&format!("python -c '{CALLER}' <calls.json"), Some(key));
        said.lines().map(str::to_owned).collect()
    }

    /// A file that the commands wrote.
    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}
