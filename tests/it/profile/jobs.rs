//! What job a profile becomes.

use super::*;

/// SPEC#profile: the whole example, every key in its place.
#[test]
fn the_example_of_the_specification_becomes_a_job() {
    let job = profile::load(&root().join("examples/windows-workstation.yaml"))
        .unwrap_or_else(|d| panic!("{d}"));
    assert_eq!(
        (job.name.as_str(), job.location.as_str(), job.family),
        ("nightly", "main-work-computer", Family::Windows)
    );
    let sources: Vec<_> = job
        .sources
        .iter()
        .map(|s| (s.path.to_string(), s.optional))
        .collect();
    assert_eq!(
        sources,
        [
            (r"C:\Users\Allen\Documents".to_owned(), false),
            (r"D:\audiovisual".to_owned(), true)
        ]
    );
    let (directories, files) = (
        &job.selection.spec().directories,
        &job.selection.spec().files,
    );
    assert_eq!((directories.len(), files.len()), (2, 1));
    let snapshot = job.snapshot.as_ref().unwrap();
    assert_eq!(
        (snapshot.program.as_deref(), &snapshot.mount),
        (None, &MountPoint::Drive('Q'))
    );
    let mirror = job.mirror.as_ref().unwrap();
    assert_eq!(
        (mirror.path.to_string(), mirror.extra_files),
        (r"F:\backup\main".to_owned(), ExtraFiles::Keep)
    );
    assert_eq!(mirror.max_delete, MaxDelete::Percent(25));
    let s3 = crate::support::profile::s3(&job).unwrap();
    assert_eq!(
        (s3.bucket.as_str(), s3.region.as_str(), s3.storage_class),
        ("aam-data-backup", "us-east-1", StorageClass::DeepArchive)
    );
    assert_eq!(s3.endpoints, ["http://127.0.0.1:5000"]);
    let credentials = s3.credentials.as_ref().unwrap();
    assert!(
        matches!(&credentials.access_key_id, Reference::Env(name) if name == "AAM_ACCESS_KEY_ID")
    );
    assert_eq!(
        job.stores().find_map(|s| s.path()).unwrap().to_string(),
        r"N:\archives"
    );
    let archive = job.archive.as_ref().unwrap();
    assert_eq!(
        (
            archive.format,
            archive.volume_size,
            archive.compression_level
        ),
        (Format::Zip, 4_000_000_000, 5)
    );
    assert_eq!(
        job.work_directory.to_string(),
        r"C:\ProgramData\AAM Auto Backup\work"
    );
    assert_eq!((job.lookback_months.get(), job.restore.keep_days), (6, 2));
    assert_eq!(
        (
            job.restore.poll_every.as_secs(),
            job.lock.retry_every.as_secs(),
            job.lock.give_up_after.as_secs()
        ),
        (1800, 600, 7200)
    );
    assert_eq!(
        (
            job.reporting.log.keep_days,
            job.reporting.log.directory.as_ref().unwrap().to_string()
        ),
        (180, r"C:\ProgramData\AAM Auto Backup\logs".to_owned())
    );
    assert_eq!(
        job.reporting.email.as_ref().unwrap().to,
        ["owner@example.com"]
    );
    assert_eq!(
        job.tools.seven_zip.as_deref(),
        Some(r"C:\Program Files\7-Zip\7z.exe")
    );
    assert_eq!((job.zone, job.pause_at_end), (Zone::Utc, false));
}

/// SPEC#profile: what is left out has these values.
#[test]
fn defaults() {
    let load = |text: &str| {
        profile::load_bytes(Path::new("p.yaml"), text.as_bytes()).unwrap_or_else(|d| panic!("{d}"))
    };
    let archive = "archive: {encryption-key: {env: K}}\n";
    let unix = load(&format!("{VALID}{archive}"));
    assert!(
        unix.snapshot.is_none()
            && unix.reporting.email.is_none()
            && unix.reporting.log.directory.is_none()
    );
    assert_eq!(unix.work_directory.to_string(), "/var/tmp");
    assert_eq!(
        (
            unix.lock.retry_every.as_secs(),
            unix.lock.give_up_after.as_secs()
        ),
        (600, 7200)
    );
    assert_eq!(
        (
            unix.restore.keep_days,
            unix.restore.poll_every.as_secs(),
            unix.reporting.log.keep_days
        ),
        (2, 1800, 180)
    );
    let hooked = load(&format!("{VALID}hooks: {{after: [x]}}\n"))
        .reporting
        .hooks
        .after
        .unwrap();
    assert_eq!(hooked.give_up_after.as_secs(), 3600);
    assert_eq!(
        (unix.lookback_months.get(), unix.mirror.unwrap().max_delete),
        (6, MaxDelete::Percent(25))
    );
    let windows = load(
        &format!("{VALID}{archive}")
            .replace("/home/allen", r"C:\Users")
            .replace("/mnt/usb", r"F:\m"),
    );
    let snapshot = windows.snapshot.unwrap();
    assert_eq!(
        (snapshot.program, snapshot.mount),
        (None, MountPoint::Drive('Q'))
    );
    assert_eq!(
        windows.work_directory.to_string(),
        r"C:\ProgramData\AAM Auto Backup\work"
    );
}

/// A directory of the program's own may lie inside a source that excludes it by its full path.
#[test]
fn an_exclusion_makes_room_inside_a_source() {
    let text = VALID.replace("/mnt/usb", "/home/allen/usb/m");
    let load = |text: &str| profile::load_bytes(Path::new("p.yaml"), text.as_bytes());
    assert!(load(&text).is_err());
    for (exclusion, fits) in [
        ("/home/allen/usb/m", true),
        ("/home/allen/usb", true),
        ("/home/allen/usb/m/x", false),
        ("usb", false),
    ] {
        let text = format!("{text}exclude: {{directories: [{exclusion}]}}\n");
        assert_eq!(load(&text).is_ok(), fits, "{exclusion}");
    }
}

/// Whom to tell, from a profile that is broken elsewhere (or just there).
#[test]
fn what_a_broken_profile_still_says() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("p.yaml");
    let good = "version: 1\nname: nightly\nlocation: pc\nsources: [/home]\ndestinations: {mirror: {path: /mnt}}\n\
                log: {directory: /var/log/aam}\nemail: {from: a@example.com, to: [b@example.com], region: us-east-1}\n\
                ping: {failure: 'https://example.com/fail'}\nhooks: {on-failure: [call-me]}\n";
    let all = ["name", "log", "email", "ping", "hooks"];
    for (from, to, lost) in [
        ("", "", &[][..]),
        ("sources: [/home]", "sources: [home]", &[]),
        ("sources: [/home]\n", "", &[]),
        ("location: pc", "locaton: pc", &[]),
        ("version: 1", "version: 2", &[]),
        ("name: nightly", "name: ''", &["name"]),
        ("a@example.com", "nobody", &["email"]),
        ("email:", "emial:", &["email"]),
        (
            "region: us-east-1",
            "region: us-east-1, unknown: key",
            &["email"],
        ),
        (
            "log: {directory: /var/log/aam}",
            "log: {directory: logs}",
            &["log"],
        ),
        ("'https://example.com/fail'", "example.com", &["ping"]),
        ("[call-me]", "call-me", &["hooks"]),
        ("[/home]", "[/home", &all),
    ] {
        let text = good.replacen(from, to, 1);
        fs::write(&file, &text).unwrap();
        let readable = aam_auto_backup::parts::profile::readable(&file);
        let reporting = &readable.reporting;
        let found = [
            readable.name.is_some(),
            reporting.log.directory.is_some(),
            reporting.email.is_some(),
            reporting.ping.failure.is_some(),
            reporting.hooks.on_failure.is_some(),
        ];
        for (what, found) in all.iter().zip(found) {
            assert_eq!(found, !lost.contains(what), "{what} of\n{text}");
        }
    }
    fs::remove_file(&file).unwrap();
    assert!(
        aam_auto_backup::parts::profile::readable(&file)
            .name
            .is_none()
    );
}

#[test]
fn a_mirror_of_windows_keeps_access_lists_if_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let kept = |more: &str| {
        let path = dir.path().join("p.yaml");
        let text = format!(
            "version: 1\nname: n\nlocation: pc\nsources: ['C:\\Users']\n\
             destinations: {{mirror: {{path: 'F:\\m'{more}}}}}\n"
        );
        fs::write(&path, text).unwrap();
        let job = profile::load(&path).unwrap_or_else(|d| panic!("{d}"));
        job.mirror.unwrap().access_lists
    };
    assert!(!kept(""));
    assert!(!kept(", access-lists: false"));
    assert!(kept(", access-lists: true"));
}

#[test]
fn links_are_kept_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let links = |more: &str| {
        let path = dir.path().join("p.yaml");
        fs::write(&path, format!("{VALID}{more}")).unwrap();
        let job = profile::load(&path).unwrap_or_else(|d| panic!("{d}"));
        job.selection.spec().links
    };
    assert_eq!(links(""), Links::Keep);
    assert_eq!(links("links: keep\n"), Links::Keep);
    assert_eq!(links("links: skip\n"), Links::Skip);
}
