//! Where the secrets of a v1.0 command line go.

use std::fs;
use std::path::Path;

use super::{old, run, said};

const FILES: [(&str, &str); 3] = [
    ("archive-key", "hunter2-key-0123\n"),
    ("access-key-id", "AKIAHUNTER2ID\n"),
    ("secret-access-key", "hunter2/secret+x\n"),
];

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn each_in_a_file_that_only_its_owner_reads() {
    let dir = old();
    let at = r"C:\ProgramData\AAM Auto Backup\secrets\";
    let words = [
        "import",
        "old.bat",
        "--region",
        "us-east-1",
        "--secrets-to",
        "new/secrets",
        "--secrets-at",
        at,
    ];
    let (code, stdout, stderr) = said(&run(dir.path(), &words));
    assert_eq!(code, 0, "{stderr}");
    assert!(
        !format!("{stdout}{stderr}")
            .to_lowercase()
            .contains("hunter2"),
        "{stderr}"
    );
    let secrets = dir.path().join("new/secrets");
    assert_eq!(mode(&secrets), 0o700);
    for (file, content) in FILES {
        assert_eq!(fs::read_to_string(secrets.join(file)).unwrap(), content);
        assert_eq!(mode(&secrets.join(file)), 0o600, "{file}");
        assert!(
            stdout.contains(&format!(r"C:\ProgramData\AAM Auto Backup\secrets\{file}}}")),
            "{stdout}"
        );
    }
    // Once more: what is there is the same.
    assert_eq!(said(&run(dir.path(), &words)).0, 0);

    fs::write(secrets.join("access-key-id"), "another\n").unwrap();
    fs::remove_file(secrets.join("archive-key")).unwrap();
    let (code, stdout, stderr) = said(&run(dir.path(), &words));
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(
        stderr.contains("access-key-id' exists with other content"),
        "{stderr}"
    );
    assert_eq!(
        fs::read_to_string(secrets.join("access-key-id")).unwrap(),
        "another\n"
    );
    assert!(!secrets.join("archive-key").exists(), "all or nothing");
}

#[cfg(unix)]
#[test]
fn a_windows_profile_cannot_name_a_directory_of_another_system() {
    let dir = old();
    let (code, stdout, stderr) = said(&run(
        dir.path(),
        &["import", "old.bat", "--secrets-to", "secrets"],
    ));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--secrets-at"), "{stderr}");
    assert!(!dir.path().join("secrets").exists());
}

/// Nothing is written for a command line that is wrong.
#[test]
fn no_profile_no_secrets() {
    let dir = old();
    fs::write(dir.path().join("instructions.txt"), "data\\\n").unwrap();
    let words = [
        "import",
        "old.bat",
        "--secrets-to",
        "secrets",
        "--secrets-at",
        r"C:\s",
        "--output",
        "new.yaml",
    ];
    assert_eq!(said(&run(dir.path(), &words)).0, 2);
    let mut left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["instructions.txt", "old.bat"]);
    // Nor when the profile has no place.
    let dir = old();
    fs::write(dir.path().join("new.yaml"), "mine").unwrap();
    assert_eq!(said(&run(dir.path(), &words)).0, 2);
    assert!(!dir.path().join("secrets").exists());
}
