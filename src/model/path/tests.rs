//! Paths of both systems.

use super::*;

#[test]
fn reads_and_writes_both_families() {
    for (text, shown) in [
        ("/", "/"),
        ("/home//allen/./x/", "/home/allen/x"),
        (r"c:\Users\Allen\", r"C:\Users\Allen"),
        ("D:/audio/visual", r"D:\audio\visual"),
        (r"C:\", r"C:\"),
        (r"\\nas\share\a", r"\\nas\share\a"),
        (r"\\nas\share\", r"\\nas\share"),
    ] {
        let path = FullPath::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(path.to_string(), shown);
        assert_eq!(FullPath::parse(shown).unwrap(), path, "{shown} reads back");
    }
}

#[test]
fn shows_what_is_below() {
    for (base, below, shown) in [
        (r"C:\Users", "a/b", r"C:\Users\a\b"),
        (r"D:\", "a", r"D:\a"),
        ("/home", "a/b", "/home/a/b"),
        ("/", "", "/"),
    ] {
        assert_eq!(FullPath::parse(base).unwrap().display_below(below), shown);
    }
}

#[test]
fn refuses_what_is_not_an_absolute_path() {
    for text in [
        "",
        "home/allen",
        "./x",
        "/a/../b",
        r"c:x",
        r"\x",
        r"C:\a\..\b",
        "C:\\new\nline",
        r"C:\a:b",
        r"\\?\C:\a",
        r"\\nas",
    ] {
        assert!(FullPath::parse(text).is_err(), "{text:?} must be refused");
    }
}

#[test]
fn compares_as_the_family_does() {
    let p = |t: &str| FullPath::parse(t).unwrap();
    assert!(p(r"C:\USERS\allen\x").starts_with(&p(r"c:\users\Allen")));
    assert!(!p(r"C:\users\allen2").starts_with(&p(r"c:\users\allen")));
    assert!(!p("/Users/allen").starts_with(&p("/users")));
    assert!(p(r"C:\Straße").same(&p(r"c:\STRAßE")) && !p(r"C:\Straße").same(&p(r"C:\STRASSE")));
    assert!(!p(r"C:\a").starts_with(&p(r"D:\")));
}
