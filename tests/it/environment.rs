//! The environment that tests run in: nothing of the caller's, no state of this computer.

use std::path::Path;

/// Variables that change what the program does, by how their names begin.
const FOREIGN: [&str; 5] = ["AAM_BACKUP_", "AWS_", "XDG_", "SSL_", "LC_"];
const OURS: [&str; 1] = ["AAM_BACKUP_STATE_DIR"];

#[test]
#[cfg(unix)]
fn nothing_of_the_caller_is_here() {
    let hint = "start tests with cargo, or as `tests/runner.sh PATH`";
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let foreign = FOREIGN.iter().any(|start| name.starts_with(start))
            || name.to_lowercase().ends_with("_proxy")
            || name == "TZ";
        assert!(
            !foreign || OURS.contains(&&*name),
            "{name} is the caller's: {hint}"
        );
    }
    let home = std::env::var_os("HOME").expect(hint);
    let state = std::env::var_os("AAM_BACKUP_STATE_DIR").expect(hint);
    assert!(Path::new(&state).starts_with(&home), "{hint}");
    assert!(home.to_string_lossy().contains("aam-tests-home"), "{hint}");
}
