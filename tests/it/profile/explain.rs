//! `explain` and what is on the disk.

use super::{run, said};

/// What the rules select is not in a backup if it is not there, cannot be read, or is behind a link.
#[test]
fn explain_looks_at_the_disk() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    let source = base.join("source");
    std::fs::create_dir_all(source.join("real")).unwrap();
    std::fs::write(source.join("real/a"), "a").unwrap();
    symlink(source.join("real"), source.join("link")).unwrap();
    symlink(source.join("real"), base.join("also")).unwrap();
    let profile = base.join("p.yaml");
    let text = format!(
        "version: 1\nname: p\nlocation: pc\nsources: [{{path: {0}/source}}, {{path: {0}/none}}, {{path: {0}/also}}]\n\
         destinations: {{mirror: {{path: {0}/mirror}}}}\n",
        base.display()
    );
    std::fs::write(&profile, text).unwrap();
    let at = |path: &str| base.join(path).display().to_string();
    let explained = |path: &str, more: &[&str]| {
        let path = at(path);
        let arguments = [&["explain", profile.to_str().unwrap(), &path], more].concat();
        let (code, stdout, _) = said(&run(base, &arguments));
        assert_eq!(code, 0);
        stdout.replace(&at(""), "/")
    };
    for (path, expected) in [
        ("source/real/a", "IN: the file /source/real/a is below"),
        ("source/link", "IN: the link /source/link is below"),
        (
            "source/link/a",
            "OUT: /source/link/a is behind the link /source/link, and links are not followed",
        ),
        (
            "also",
            "OUT: the source /also is a link, and links are not followed: name what it leads to in sources",
        ),
        ("also/a", "OUT: /also/a is behind the link /also"),
        (
            "source/link/none",
            "OUT: /source/link/none is behind the link",
        ),
        (
            "source/none",
            "OUT: /source/none does not exist; if it did, it would be in the backup, because it is below",
        ),
        ("source/real/a/b", "OUT: /source/real/a/b does not exist"),
        (
            "none",
            "OUT: /none does not exist; if it did, it would be in the backup, because it is a source",
        ),
    ] {
        let text = explained(path, &[]);
        assert!(text.starts_with(expected), "{text}");
    }
    // With an option, only the rules count.
    let text = explained("source/none", &["--file"]);
    assert!(text.starts_with("IN: the file /source/none"), "{text}");
    let json = explained("source/link/a", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["selected"], false);
    assert_eq!(json["obstacle"]["behind-link"], "/source/link");
    if !rustix::process::geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt;
        let file = source.join("real/a");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
        let text = explained("source/real/a", &[]);
        let expected = "OUT: this account cannot read the file /source/real/a";
        assert!(text.starts_with(expected), "{text}");
    }
}
