//! The rules would see what they are for.

use super::*;

/// The rules above would see what they are for.
#[test]
fn the_checks_can_fail() {
    let source = |file: &str, line: &str| Source {
        file: format!("src/{file}"),
        module: module_of(&format!("src/{file}")),
        lines: vec![(1, line.to_owned())],
    };
    let page = page();
    for (file, line, direction) in [
        (
            "plan/backup/mod.rs",
            "use crate::run::backup::exec::Execution;",
            true,
        ),
        (
            "plan/backup/mod.rs",
            "let x = crate::adapters::walk::walk();",
            true,
        ),
        ("plan/backup/mod.rs", "use crate::profile::load;", true),
        ("plan/backup/mod.rs", "use crate::{cli, model};", true),
        ("model/text.rs", "use super::super::cli::Exit;", true),
        (
            "adapters/store/s3/errors.rs",
            "use super::super::super::super::plan::Plan;",
            true,
        ),
        ("doctor/mod.rs", "use crate::import::Arguments;", true),
        ("new/mod.rs", "", true),
        ("plan/backup/mod.rs", "use std::fs;", false),
        ("plan/backup/scope.rs", "let now = Utc::now();", false),
        ("render/mod.rs", "std::fs::write(a, b)", false),
        (
            "adapters/store/mod.rs",
            "use crate::model::name::ObjectName;",
            false,
        ),
        ("run/backup/mod.rs", "eprintln!(\"x\");", false),
        ("model/secret.rs", "#[derive(Serialize)]", false),
        ("adapters/walk/mod.rs", "unsafe { f() }", false),
        ("adapters/walk/mod.rs", "f().unwrap()", false),
        ("plan/backup/mod.rs", "key.expose()", false),
    ] {
        let sources = [source(file, line)];
        let found = match direction {
            true => wrong_directions(&order(&page), &sources),
            false => broken_rules(&rules(&page), &sources),
        };
        assert!(!found.is_empty(), "{file}: {line}");
    }
    let fine = [source(
        "run/backup/exec.rs",
        "writeln!(out, \"println\").unwrap_or_default(); unsafely();",
    )];
    none(&broken_rules(&rules(&page), &fine));
    none(&wrong_directions(
        &order(&page),
        &[source(
            "adapters/store/s3/errors.rs",
            "use super::super::StoreError;",
        )],
    ));
    let circle = [
        source("run/restore/a.rs", "use crate::run::restore::b::{X, Y};"),
        source("run/restore/b.rs", "use super::c;"),
        source("run/restore/c.rs", "use super::a::Z;"),
    ];
    assert_eq!(circles(&uses_inside(&circle)).len(), 3);
    none(&circles(&uses_inside(&circle[..2])));
}
