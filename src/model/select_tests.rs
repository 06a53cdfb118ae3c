//! Cases of the selection rule.

use super::*;

fn path(text: &str) -> FullPath {
    FullPath::parse(text).unwrap()
}

/// Exclusions are names, or paths where they have a separator.
fn rule(sources: &[&str], directories: &[&str], files: &[&str]) -> Selection {
    let exclusion = |text: &&str| match text.contains(['/', '\\']) {
        true => Exclusion::Path(path(text)),
        false => Exclusion::Name((*text).to_owned()),
    };
    Selection::new(SelectionSpec {
        family: path(sources[0]).family(),
        sources: sources.iter().map(|text| path(text)).collect(),
        directories: directories.iter().map(exclusion).collect(),
        files: files.iter().map(exclusion).collect(),
        links: Links::Keep,
    })
}

/// `in SOURCE`, `above`, `outside`, `out NAME at PATH` or the kind that is not copied.
fn verdict(rule: &Selection, text: &str, kind: Kind) -> String {
    match rule.verdict(&path(text), kind) {
        Verdict::Selected { source } => format!("in {source}"),
        Verdict::AboveSource => "above".to_owned(),
        Verdict::OutsideSources => "outside".to_owned(),
        Verdict::Excluded { by, at } => match by {
            Exclusion::Name(name) => format!("out {name} at {at}"),
            Exclusion::Path(path) => format!("out {path} at {at}"),
        },
        Verdict::NotCopied(kind) => format!("{kind:?}"),
    }
}

#[test]
fn what_lies_below_a_source_is_in() {
    let rule = rule(&["/home/docs", "/home/pics"], &[], &[]);
    for (text, kind, expected) in [
        ("/home/docs", Kind::Directory, "in /home/docs"),
        ("/home/docs/a", Kind::File, "in /home/docs"),
        ("/home/docs/a", Kind::Directory, "in /home/docs"),
        ("/home/pics/a/b", Kind::File, "in /home/pics"),
        ("/home/docs", Kind::File, "outside"),
        ("/home", Kind::Directory, "above"),
        ("/", Kind::Directory, "above"),
        ("/home", Kind::File, "outside"),
        ("/home/docs2", Kind::Directory, "outside"),
        ("/home/docs2/a", Kind::File, "outside"),
        ("/home/Docs/a", Kind::File, "outside"),
        ("/etc", Kind::Directory, "outside"),
        ("/home/docs/a", Kind::Link, "in /home/docs"),
        ("/home/docs/a", Kind::Special, "Special"),
    ] {
        assert_eq!(verdict(&rule, text, kind), expected, "{text} {kind:?}");
    }
}

#[test]
fn names_and_paths_leave_out() {
    let rule = rule(
        &["/home/docs", "/home/cache/pics"],
        &["cache", "t?mp*", "/home/docs/private"],
        &["*.bak", "plain", "/home/docs/secret", "/other/x"],
    );
    for (text, kind, expected) in [
        (
            "/home/docs/cache",
            Kind::Directory,
            "out cache at /home/docs/cache",
        ),
        (
            "/home/docs/cache/a",
            Kind::File,
            "out cache at /home/docs/cache",
        ),
        ("/home/docs/cache", Kind::File, "in /home/docs"),
        ("/home/docs/cache", Kind::Link, "in /home/docs"),
        (
            "/home/docs/temp1",
            Kind::Directory,
            "out t?mp* at /home/docs/temp1",
        ),
        ("/home/docs/tmp", Kind::Directory, "in /home/docs"),
        // A name leaves out neither a source nor what leads to one.
        ("/home/cache", Kind::Directory, "above"),
        ("/home/cache/pics/a", Kind::File, "in /home/cache/pics"),
        (
            "/home/cache/cache",
            Kind::Directory,
            "out cache at /home/cache/cache",
        ),
        (
            "/home/docs/private",
            Kind::Directory,
            "out /home/docs/private at /home/docs/private",
        ),
        (
            "/home/docs/private/a",
            Kind::File,
            "out /home/docs/private at /home/docs/private",
        ),
        ("/home/docs/private", Kind::File, "in /home/docs"),
        ("/home/docs/a/private", Kind::Directory, "in /home/docs"),
        (
            "/home/docs/secret",
            Kind::File,
            "out /home/docs/secret at /home/docs/secret",
        ),
        ("/home/docs/secret", Kind::Directory, "in /home/docs"),
        (
            "/home/docs/a.bak",
            Kind::File,
            "out *.bak at /home/docs/a.bak",
        ),
        ("/home/docs/a.bak", Kind::Directory, "in /home/docs"),
        ("/home/docs/a.bak2", Kind::File, "in /home/docs"),
        ("/home/docs/A.BAK", Kind::File, "in /home/docs"),
        (
            "/home/docs/plain",
            Kind::File,
            "out plain at /home/docs/plain",
        ),
        ("/home/docs/plain2", Kind::File, "in /home/docs"),
    ] {
        assert_eq!(verdict(&rule, text, kind), expected, "{text} {kind:?}");
    }
}

/// A path leaves out also what a source lies in, a source, and the root.
#[test]
fn a_full_path_wins_over_a_source() {
    let above = rule(&["/home/docs/a"], &["/home/docs"], &[]);
    let file = verdict(&above, "/home/docs/a/f", Kind::File);
    assert_eq!(file, "out /home/docs at /home/docs");
    let itself = rule(&["/home/docs"], &["/home/docs"], &[]);
    let file = verdict(&itself, "/home/docs/f", Kind::File);
    assert_eq!(file, "out /home/docs at /home/docs");
    let root = rule(&["/home", "/"], &["/"], &[]);
    assert_eq!(verdict(&root, "/home/f", Kind::File), "out / at /");
    assert_eq!(
        root.excluded_root(&path("/")),
        Some(Exclusion::Path(path("/")))
    );
    let below = rule(&["/"], &["/home"], &["/f"]);
    assert_eq!(below.excluded_root(&path("/")), None);
    assert_eq!(verdict(&below, "/etc/f", Kind::File), "in /");
    assert_eq!(verdict(&below, "/f", Kind::File), "out /f at /f");
    let drives = rule(&["C:\\", "D:\\"], &["D:\\"], &[]);
    assert_eq!(drives.excluded_root(&path("C:\\")), None);
    assert_eq!(verdict(&drives, "D:\\f", Kind::File), "out D:\\ at D:\\");
    assert_eq!(verdict(&drives, "C:\\f", Kind::File), "in C:\\");
}

#[test]
fn windows_compares_without_case() {
    let rule = rule(
        &["C:\\Users\\Allen"],
        &["Cache"],
        &["*.TMP", "C:\\users\\allen\\X"],
    );
    for (text, kind, expected) in [
        ("c:\\USERS\\allen\\f", Kind::File, "in C:\\Users\\Allen"),
        ("C:\\users", Kind::Directory, "above"),
        ("D:\\Users\\Allen\\f", Kind::File, "outside"),
        (
            "C:\\Users\\Allen\\cache",
            Kind::Directory,
            "out Cache at C:\\Users\\Allen\\cache",
        ),
        (
            "C:\\Users\\Allen\\a.tmp",
            Kind::File,
            "out *.TMP at C:\\Users\\Allen\\a.tmp",
        ),
        (
            "C:\\Users\\Allen\\x",
            Kind::File,
            "out C:\\users\\allen\\X at C:\\Users\\Allen\\x",
        ),
    ] {
        assert_eq!(verdict(&rule, text, kind), expected, "{text} {kind:?}");
    }
}

#[test]
fn a_place_knows_what_lies_ahead() {
    let rule = rule(
        &["/home/docs", "/home/docs/a", "/var", "/home/pics"],
        &[],
        &[],
    );
    let place = |text: &str| rule.location(&path(text));
    for (text, is_source, inside, leads, next) in [
        ("/", false, false, true, &["home", "var"][..]),
        ("/home", false, false, true, &["docs", "pics"]),
        ("/home/docs", true, true, true, &["a"]),
        ("/home/docs/a", true, true, true, &[]),
        ("/home/docs/b", false, true, false, &[]),
        ("/home/x", false, false, false, &[]),
        ("/var", true, true, true, &[]),
    ] {
        let at = place(text);
        assert_eq!(at.is_source(), is_source, "{text}");
        assert_eq!(at.inside_source(), inside, "{text}");
        assert_eq!(at.leads_to_source(), leads, "{text}");
        assert_eq!(at.next_names(), next, "{text}");
        assert_eq!(at.family(), Family::Unix);
    }
    let all = self::rule(&["/"], &[], &[]).location(&path("/"));
    assert!(all.is_source() && all.inside_source());
    let drive = self::rule(&["C:\\", "D:\\a"], &[], &[]);
    assert!(drive.root_location(&path("C:\\")).inside_source());
    assert!(!drive.root_location(&path("D:\\")).inside_source());
    assert!(!drive.root_location(&path("E:\\")).leads_to_source());
}

#[test]
fn patterns_as_in_dos() {
    for (pattern, name, fits) in [
        ("*.*", "without", true),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("a?c", "abc", true),
        ("a?c", "abbc", false),
        ("a?c", "ac", false),
        ("a.*", "axb", false),
        ("*.tmp", "x.tmp.txt", false),
        ("[a]*", "[a]b", true),
        ("[a]*", "ab", false),
        ("a*", "a\nb", true),
    ] {
        let regex = name_pattern(Family::Unix, pattern);
        assert_eq!(regex.is_match(name), fits, "{pattern} {name:?}");
    }
}

#[test]
fn a_rule_shows_what_it_is_made_from() {
    let rule = rule(&["/home"], &["cache"], &[]);
    assert_eq!(format!("{rule:?}"), format!("{:?}", rule.spec()));
    assert_eq!(rule.spec().sources, [path("/home")]);
}
