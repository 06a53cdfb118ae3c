//! The manifests for winget and scoop (`packaging/manifests.py`), held to the shape that their
//! published schemas ask for, as far as our manifests go. Other keys than these are mistakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const ADDRESS: &str = "https://downloads.test/aam-backup";
const ZIP: &str = "aam-backup-1.2.3-x86_64-windows.zip";
const SETUP: &str = "aam-backup-1.2.3-x86_64-windows-setup.exe";

fn sum(of: char) -> String {
    of.to_string().repeat(64)
}

fn made(address: &str) -> (tempfile::TempDir, Output) {
    let place = tempfile::tempdir().unwrap();
    let sums = format!("{}  {ZIP}\n{}  {SETUP}\n", sum('a'), sum('b'));
    fs::write(place.path().join("SHA256SUMS"), sums).unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("packaging/manifests.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(place.path())
        .args(["1.2.3", address]);
    let output = command.output().unwrap();
    (place, output)
}

fn read(place: &Path, name: &str) -> Value {
    let text = fs::read_to_string(place.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// An object with these keys and no others.
fn object(properties: Value) -> Value {
    let keys: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({
        "type": "object",
        "required": keys,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn assert_fits(shape: &Value, manifest: &Value) {
    let validator = jsonschema::validator_for(shape).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(manifest)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{manifest:#}");
}

/// What all three files of winget begin and end with, and more.
fn of_winget(kind: &str, more: Value) -> Value {
    let mut properties = json!({
        "PackageIdentifier": {
            "type": "string",
            "maxLength": 128,
            "pattern": "^[^.\\s/:*?\"<>|]{1,32}(\\.[^.\\s/:*?\"<>|]{1,32}){1,7}$",
        },
        "PackageVersion": {"type": "string", "maxLength": 128, "pattern": "^[^/:*?\"<>|]+$"},
        "ManifestType": {"const": kind},
        "ManifestVersion": {"const": "1.6.0"},
    });
    let more = more.as_object().unwrap().clone();
    properties.as_object_mut().unwrap().extend(more);
    object(properties)
}

#[test]
fn manifests_have_the_shape_that_is_asked_for() {
    let (place, output) = made(ADDRESS);
    assert!(output.status.success(), "{output:?}");
    let text =
        |least: u32, most: u32| json!({"type": "string", "minLength": least, "maxLength": most});
    let address = json!({"type": "string", "pattern": "^https://", "maxLength": 2048});
    let locale = json!({"const": "en-US"});
    let shapes = [
        (
            "winget-AAM.AutoBackup.yaml",
            of_winget("version", json!({"DefaultLocale": locale})),
        ),
        (
            "winget-AAM.AutoBackup.locale.en-US.yaml",
            of_winget(
                "defaultLocale",
                json!({
                    "PackageLocale": locale,
                    "Publisher": text(2, 256),
                    "PackageName": text(2, 256),
                    "PackageUrl": address,
                    "License": text(3, 512),
                    "ShortDescription": text(3, 256),
                }),
            ),
        ),
        (
            "winget-AAM.AutoBackup.installer.yaml",
            of_winget(
                "installer",
                json!({
                    "MinimumOSVersion": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+){0,3}$"},
                    "InstallerType": {"const": "nullsoft"},
                    "Scope": {"enum": ["user", "machine"]},
                    "UpgradeBehavior": {"enum": ["install", "uninstallPrevious"]},
                    "ElevationRequirement": {
                        "enum": ["elevationRequired", "elevationProhibited", "elevatesSelf"],
                    },
                    "Commands": {"type": "array", "items": text(1, 40), "maxItems": 16},
                    "Installers": {
                        "type": "array",
                        "minItems": 1,
                        "items": object(json!({
                            "Architecture": {"enum": ["x86", "x64", "arm", "arm64", "neutral"]},
                            "InstallerUrl": address,
                            "InstallerSha256": {"type": "string", "pattern": "^[A-Fa-f0-9]{64}$"},
                        })),
                    },
                }),
            ),
        ),
        (
            "scoop-aam-backup.json",
            object(json!({
                "version": {"type": "string", "pattern": "^[\\w.\\-+]+$"},
                "description": text(1, 300),
                "homepage": address,
                "license": text(1, 100),
                "suggest": {"type": "object"},
                "architecture": object(json!({
                    "64bit": object(json!({
                        "url": address,
                        "hash": {"type": "string", "pattern": "^[a-fA-F0-9]{64}$"},
                        "extract_dir": text(1, 100),
                    })),
                })),
                "bin": text(1, 100),
            })),
        ),
    ];
    for (name, shape) in &shapes {
        assert_fits(shape, &read(place.path(), name));
    }
    let scoop = &read(place.path(), "scoop-aam-backup.json")["architecture"]["64bit"];
    assert_eq!(scoop["url"], format!("{ADDRESS}/{ZIP}"));
    assert_eq!(scoop["hash"], sum('a'));
    let installer = read(place.path(), "winget-AAM.AutoBackup.installer.yaml");
    let installer = &installer["Installers"][0];
    assert_eq!(installer["InstallerUrl"], format!("{ADDRESS}/{SETUP}"));
    assert_eq!(installer["InstallerSha256"], sum('B'));
    let count = fs::read_dir(place.path()).unwrap().count();
    assert_eq!(count, shapes.len() + 1, "a manifest that is not looked at");
}

#[test]
fn an_address_that_is_none_is_refused() {
    for address in [
        "",
        "downloads.test",
        "http://downloads.test",
        "https://downloads.test/",
    ] {
        let (place, output) = made(address);
        assert!(!output.status.success(), "{address}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "{address}");
    }
}
