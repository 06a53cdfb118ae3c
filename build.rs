//! Gives the program for Windows its manifest and version. Does nothing for other systems.

use std::env::var;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=packaging/windows");
    let is_windows = var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "windows");
    let is_gnu = var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if !is_windows || !is_gnu {
        return;
    }
    let part = |name: &str| var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    let numbers = format!("{},{},{},0", part("MAJOR"), part("MINOR"), part("PATCH"));
    let version = var("CARGO_PKG_VERSION").unwrap_or_default();
    let out = PathBuf::from(var("OUT_DIR").unwrap_or_default()).join("resources.o");
    let made = Command::new("x86_64-w64-mingw32-windres")
        .current_dir("packaging/windows")
        .args(["--codepage=65001", "-O", "coff"])
        .arg(format!("-DAAM_VERSION_NUMBERS={numbers}"))
        .arg(format!("-DAAM_VERSION=\\\"{version}\\\""))
        .arg("aam-backup.rc")
        .arg(&out)
        .status();
    match made {
        Ok(status) if status.success() => {
            println!("cargo::rustc-link-arg-bins={}", out.display());
        }
        _ => println!("cargo::warning=without manifest and version: windres did not run"),
    }
}
