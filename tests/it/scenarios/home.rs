//! A home comes back as it was: links, owners, permissions, attributes, access lists, hard links
//! and holes (SPEC#restore). Compared by rsync, which knows nothing of this program.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;

use filetime::FileTime;
use rustix::fs::{XattrFlags, lsetxattr};

use crate::support::machine::{Machine, Ran, below};

/// More of them by hand.
fn files() -> usize {
    let given = std::env::var("AAM_TEST_HOME_FILES").ok();
    given.map_or(200, |number| number.parse().unwrap())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Version 2; owner, user 1001, group, mask, others.
const ACCESS_LIST: &[u8] = b"\x02\0\0\0\
    \x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\xe9\x03\0\0\x04\0\x04\0\xff\xff\xff\xff\
    \x10\0\x06\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";

/// `cap_net_raw+ep`, revision 2.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn attribute(path: &Path, name: &str, value: &[u8]) {
    match lsetxattr(path, name, value, XattrFlags::empty()) {
        // The file system of the tests has none: the rest is tested all the same.
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        set => set.unwrap(),
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes a tree of which every file has something of its own, chosen by its number.
fn make(root: &Path, count: usize) {
    for number in 0..count {
        let directory = root.join(format!("d{}/e{}", number % 17, number % 5));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(format!("file {number}"));
        if number % 7 == 6 {
            symlink(format!("../e0/file {}", number / 2), &path).unwrap();
            let time = FileTime::from_unix_time(900_000_000 + number as i64, 5);
            filetime::set_symlink_file_times(&path, time, time).unwrap();
            if is_root() {
                lchown(&path, Some(3000), Some(number as u32)).unwrap();
            }
            continue;
        }
        fs::write(&path, format!("content {number}")).unwrap();
        if number % 11 == 3 {
            fs::hard_link(&path, root.join(format!("d{}/name {number}", number % 3))).unwrap();
        }
        if number % 50 == 1 {
            let hole = File::options().write(true).open(&path).unwrap();
            hole.write_all_at(b"end", 1 << 20).unwrap();
        }
        if is_root() {
            lchown(&path, Some(1000 + number as u32 % 9), Some(2000)).unwrap();
        }
        if number % 5 == 2 {
            attribute(&path, "user.number", number.to_string().as_bytes());
        }
        if number % 13 == 4 {
            attribute(&path, "system.posix_acl_access", ACCESS_LIST);
        } else {
            mode(&path, [0o644, 0o600, 0o755, 0o444, 0o640][number % 5]);
        }
        if is_root() && number % 40 == 7 {
            mode(&path, 0o4755);
        }
        if is_root() && number % 40 == 8 {
            attribute(&path, "security.capability", CAPABILITY);
        }
        let time = FileTime::from_unix_time(800_000_000 + number as i64, 123_456_700);
        filetime::set_file_mtime(&path, time).unwrap();
    }
    attribute(&root.join("d1"), "user.of-a-directory", b"x");
    attribute(&root.join("d2"), "system.posix_acl_default", ACCESS_LIST);
    // Only root restores set-id bits.
    mode(&root.join("d3"), if is_root() { 0o2750 } else { 0o750 });
    symlink("/nowhere/at all", root.join("dangling")).unwrap();
    fs::create_dir(root.join("only a link")).unwrap();
    symlink("..", root.join("only a link/up")).unwrap();
    for number in (0..17).filter(|number| *number < count) {
        let directory = root.join(format!("d{number}"));
        if is_root() {
            lchown(&directory, Some(1000), Some(2000)).unwrap();
        }
        filetime::set_file_mtime(&directory, FileTime::from_unix_time(700_000_000, 0)).unwrap();
    }
}

/// What rsync would change to make the copy like the original.
fn differences(original: &Path, copy: &Path) -> Vec<String> {
    let slash = |path: &Path| format!("{}/", path.display());
    let compared = Command::new("rsync")
        .args(["-aHAXn", "--delete", "--itemize-changes"])
        .args([slash(original), slash(copy)])
        .output()
        .unwrap();
    assert!(compared.status.success(), "{compared:?}");
    let text = String::from_utf8_lossy(&compared.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

fn restored(machine: &Machine) -> std::path::PathBuf {
    let to = machine.nothing_restored();
    let arguments = ["--to", to.to_str().unwrap(), "--layout", "original"];
    machine.aam("restore", &arguments).exit(0);
    below(&to, &machine.home()).join("docs")
}

#[test]
fn a_home_comes_back_as_it_was() {
    let machine = Machine::new();
    let docs = machine.home().join("docs");
    make(&docs, files());
    machine.run(&[]).exit(0);
    let nothing = Vec::<String>::new();
    let back = restored(&machine);
    assert_eq!(differences(&docs, &back), nothing, "restored");
    let holes = fs::metadata(back.join("d1/e1/file 1")).unwrap();
    assert!(holes.blocks() * 512 < holes.len(), "{holes:?}");
    let mirror = below(&machine.path("mirror"), &machine.home()).join("docs");
    assert_eq!(differences(&docs, &mirror), nothing, "the mirror");

    // A change time moves for attributes too, and does not say for what: such files are archived again.
    mode(&docs.join("d0/e0/file 0"), 0o400);
    attribute(&docs.join("d2/e2/file 2"), "user.number", b"another");
    fs::remove_file(docs.join("dangling")).unwrap();
    symlink("/elsewhere", docs.join("dangling")).unwrap();
    if is_root() {
        lchown(docs.join("d5/e0/file 5"), Some(7), Some(7)).unwrap();
    }
    let archived = if is_root() { 3 } else { 2 };
    let archived = format!("Archived: {archived} files");
    machine.run(&[]).exit(0).says(&archived);
    assert_eq!(
        differences(&docs, &restored(&machine)),
        nothing,
        "restored again"
    );
    assert_eq!(differences(&docs, &mirror), nothing, "the mirror again");

    // A link becomes a directory, and a directory a link, which the mirror keeps aside.
    fs::remove_file(docs.join("dangling")).unwrap();
    fs::create_dir(docs.join("dangling")).unwrap();
    fs::write(docs.join("dangling/new"), "new").unwrap();
    fs::remove_dir_all(docs.join("only a link")).unwrap();
    symlink("d1", docs.join("only a link")).unwrap();
    machine.run(&[]).exit(3).says("replaced-");
    assert!(mirror.join("dangling/new").is_file());
    assert!(mirror.join("only a link").is_symlink());
    assert_eq!(
        differences(&docs, &restored(&machine)),
        nothing,
        "restored at last"
    );
}

/// The change time alone says that a file was written to: it is archived again.
#[test]
fn content_behind_an_old_time_is_archived() {
    let machine = Machine::new();
    let path = machine.home().join("docs/a.txt");
    let before = fs::metadata(&path).unwrap();
    machine.run(&[]).exit(0);
    let mut content = fs::read(&path).unwrap();
    content[0] ^= 1;
    fs::write(&path, &content).unwrap();
    filetime::set_file_mtime(&path, FileTime::from_last_modification_time(&before)).unwrap();
    machine.run(&[]).exit(0).says("Archived: 1 file");
    assert_eq!(fs::read(restored(&machine).join("a.txt")).unwrap(), content);
}

#[test]
fn links_are_skipped_if_the_profile_says_so() {
    let mut machine = Machine::new();
    let docs = machine.home().join("docs");
    symlink("a.txt", docs.join("link")).unwrap();
    machine.profile.more.push_str("links: skip\n");
    machine
        .aam("plan", &[])
        .exit(0)
        .says("1 entry not backed up: links and special files");
    machine
        .run(&[])
        .exit(0)
        .says("not backed up: 1 symbolic link");
    let mirror = below(&machine.path("mirror"), &machine.home()).join("docs");
    let link = docs.join("link");
    let explained = |machine: &Machine| machine.aam("explain", &[link.to_str().unwrap()]);
    let is_link = |path: &Path| path.join("link").is_symlink();
    assert!(!is_link(&mirror) && !is_link(&restored(&machine)));
    explained(&machine).says("OUT").says("is a link");
    let found = machine.aam("find", &["link"]);
    found.exit(0).says("nothing found");

    machine.profile.more = "links: keep\n".to_owned();
    // Links are in no archive: nothing has to be archived again.
    machine
        .run(&[])
        .exit(0)
        .says("Archived: no new or changed files");
    assert!(is_link(&mirror) && is_link(&restored(&machine)));
    explained(&machine).says("IN");

    machine.profile.more = "links: skip\n".to_owned();
    machine.profile.mirror_extra("delete", "100%");
    machine
        .run(&[])
        .exit(0)
        .says("Archived: no new or changed files");
    assert!(!is_link(&mirror) && !is_link(&restored(&machine)));
}

/// On another computer, users and groups have other numbers.
#[test]
fn owners_have_the_same_names_on_another_computer() {
    if !is_root() {
        return;
    }
    let machine = Machine::new();
    let docs = machine.home().join("docs");
    lchown(docs.join("a.txt"), Some(1), Some(2)).unwrap();
    lchown(docs.join("b.txt"), Some(54_321), Some(54_322)).unwrap();
    let ids = |path: &Path| {
        let found = fs::symlink_metadata(path).unwrap();
        (found.uid(), found.gid())
    };
    machine.run(&[]).exit(0);
    // Here, `daemon` is user 1 and `bin` group 2, as on every Debian.
    let accounts = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(from), "{text}");
        let path = machine.path(&file.replace('/', "-"));
        fs::write(&path, text.replace(from, to)).unwrap();
        path
    };
    let passwd = accounts("/etc/passwd", "daemon:x:1:", "daemon:x:71:");
    let group = accounts("/etc/group", "bin:x:2:", "bin:x:72:");
    let there = |arguments: &[&str]| -> Option<Ran> {
        let to = machine.nothing_restored();
        let profile = machine.path("profile.yaml");
        let profile = profile.to_str().unwrap();
        let restore = ["restore", profile, "--layout", "original", "--to"];
        let arguments = [&restore[..], &[to.to_str().unwrap()], arguments].concat();
        let program = machine.command(&arguments);
        let script = "mount --bind \"$1\" /etc/passwd && mount --bind \"$2\" /etc/group || exit 77\n\
                      shift 2; exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]);
        command
            .args([&passwd, &group])
            .arg(program.get_program())
            .args(program.get_args());
        command.env_clear().envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let ran = Ran::of(command.output().unwrap());
        // Not every container may mount.
        (ran.code != Some(77) && !ran.stderr.starts_with("unshare")).then_some(ran)
    };
    let back = below(&machine.path("back"), &machine.home()).join("docs");
    let Some(by_name) = there(&[]) else { return };
    by_name
        .exit(0)
        .says("owners by name: group bin is 72 here, and was 2; user daemon is 71 here, and was 1");
    assert_eq!(ids(&back.join("a.txt")), (71, 72));
    assert_eq!(ids(&back.join("b.txt")), (54_321, 54_322));
    let by_number = there(&["--numeric-owner"]).unwrap();
    by_number.exit(0).never_says("owners by name");
    assert_eq!(ids(&back.join("a.txt")), (1, 2));
}

/// Each name beyond the first, if it goes into the archive.
#[test]
fn what_hard_links_cost_is_said() {
    let machine = Machine::new();
    let home = machine.home();
    fs::write(home.join("docs/first"), vec![b'x'; 1_000_000]).unwrap();
    for name in ["docs/second", "pics/third"] {
        fs::hard_link(home.join("docs/first"), home.join(name)).unwrap();
    }
    // The other name is not selected.
    fs::hard_link(home.join("docs/a.txt"), machine.path("elsewhere")).unwrap();
    let words = "2 further names of hard-linked files: an archive has the content of each name, 2.0 MB more in all; a \
                 restore on Linux links them again";
    machine.aam("plan", &[]).exit(0).says(words);
    let ran = machine.run(&[]);
    ran.exit(0).says(&format!("{}: {words}", home.display()));
    machine.aam("plan", &[]).exit(0).never_says("hard-linked");
    machine.run(&[]).exit(0).never_says("hard-linked");
}

/// Whoever may write to a source can make such a path: it costs itself alone.
#[test]
fn a_path_longer_than_the_system_takes_costs_itself_alone() {
    let machine = Machine::new();
    let script = "name=$(printf %0200d 0); i=0
        while [ $i -lt 22 ]; do mkdir $name && cd -P $name || exit 1; i=$((i + 1)); done
        echo deep > file";
    let mut shell = Command::new("bash");
    let made = shell
        .args(["-c", script])
        .current_dir(machine.home().join("docs"));
    assert!(made.status().unwrap().success());
    fs::hard_link(
        machine.home().join("pics/p.jpg"),
        machine.home().join("pics/q.jpg"),
    )
    .unwrap();
    symlink("p.jpg", machine.home().join("pics/r.jpg")).unwrap();
    machine.run(&[]).exit(3).says("000/file' is not backed up");
    let restored = machine.path("restored");
    let ran = machine.aam("restore", &["--to", restored.to_str().unwrap()]);
    ran.exit(1)
        .says("its path is too long")
        .says("file' was not archived")
        .says("are there as listed, ");
    let back = restored.join("1/pics");
    assert_eq!(
        fs::read_link(back.join("r.jpg")).unwrap(),
        Path::new("p.jpg")
    );
    let number = |name: &str| fs::metadata(back.join(name)).unwrap().ino();
    assert_eq!(number("p.jpg"), number("q.jpg"));
}

/// Who may not enter a directory may own it all the same.
#[test]
fn a_directory_that_its_owner_may_not_enter_gets_its_times() {
    let mut machine = Machine::new();
    machine.become_ordinary();
    machine.mode("docs/empty", 0o600);
    machine.run(&[]).exit(0);
    let back = machine.nothing_restored();
    machine
        .aam("restore", &["--to", back.to_str().unwrap()])
        .exit(0);
    let [was, is] = [machine.home(), back.join("1")].map(|at| {
        let found = fs::metadata(at.join("docs/empty")).unwrap();
        (found.mode(), found.mtime(), found.mtime_nsec())
    });
    assert_eq!(is, was);
}
