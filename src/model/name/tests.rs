//! Names of objects, as they are written and read.

use super::*;

fn name(key: &str) -> ObjectName {
    ObjectName::parse(key).unwrap_or_else(|| panic!("{key} must parse"))
}

/// Every form the design document gives, with its own stamps.
#[test]
fn the_documents_names_round_trip() {
    for key in [
        "main-work-computer_20201221_134337.851361_0_0.0_no_c--users-allen-.zip.001",
        "main-work-computer_20201221_134337.851361_0_0.0_yes_c--users-allen-",
        "main-work-computer_20201221_134337.851361_20201222_112502.225333_no_c--temp-.zip.012",
        "main-work-computer_20201221_134337.851361_20201222_112502.225333_yes_c--temp-",
        "main-work-computer_20201221_134337.851361_0_0.0_manifest_c--temp-.zip",
        "laptop_20201221_134337.851361_0_0.0_no_-home-a_b_yes_c-.7z.1000",
        "laptop_20201221_134337.851361_0_0.0_yes_-home-x.zip.001",
    ] {
        assert_eq!(name(key).to_string(), key);
    }
    assert_eq!(
        name("l_20201221_134337.851361_0_0.0_no_-a_b-.zip.1000").part,
        Part::Volume(Extension::Zip, 1000)
    );
}

#[test]
fn no_name_is_longer_than_the_longest() {
    for (key, format) in [
        (
            "l_20201221_134337.851361_20201222_112502.225333_manifest_c--temp-.7z",
            Format::SevenZip,
        ),
        (
            "l_20201221_134337.851361_20201222_112502.225333_no_c--temp-.zip.100000",
            Format::Zip,
        ),
    ] {
        let parsed = name(key);
        let longest = ObjectName::longest(&parsed.location, &parsed.mount, format);
        assert!(
            key.len() <= longest && longest <= key.len() + 2,
            "{} {longest}",
            key.len()
        );
    }
}

#[test]
fn anything_else_is_not_ours() {
    for key in [
        "",
        "readme.txt",
        "main:20201221:134337.851361:0:0.0:yes:c--temp-",
        "a_b_20201221_134337.851361_0_0.0_yes_c--temp-",
        "a_20201221_134337.851361_0_0.0_maybe_c--temp-",
        "a_20201221_134337.851361_0_0.0_no_c--temp-.zip",
        "a_20201221_134337.851361_0_0.0_no_c--temp-.zip.000",
        "a_20201221_134337.851361_0_0.0_yes_",
        "a_20201221_134337.851361_0_112502.225333_yes_c--temp-",
        "a_20201321_134337.851361_0_0.0_yes_c--temp-",
    ] {
        assert_eq!(ObjectName::parse(key), None, "{key}");
    }
}

#[test]
fn colon_names_are_recognised() {
    for key in [
        "main:20201217:134337.851361:0:0:0:no:main.zip.001",
        "main:20201217:134337.851361:0:0.0:yes:main",
        "main:20201217:134337.851361:20201218:134337.851361:no:main.zip.001",
    ] {
        assert_eq!(
            (deprecated_location(key), ObjectName::parse(key)),
            (Some("main"), None),
            "{key}"
        );
    }
    for key in [
        "main:20201217",
        "main_20201221_134337.851361_0_0.0_yes_c--temp-",
        ":a",
        "",
    ] {
        assert_eq!(deprecated_location(key), None, "{key}");
    }
}

#[test]
fn mount_names_as_the_document_writes_them() {
    for (path, expected) in [
        (r"c:\users\allen\documents\", "c--users-allen-documents-"),
        (r"C:\Users\Allen\AAM posting", "c--users-allen-aam posting-"),
        (r"D:\", "d--"),
        ("/home/Allen", "-home-Allen-"),
        ("/", "-"),
    ] {
        assert_eq!(
            MountName::of(&FullPath::parse(path).unwrap()).as_str(),
            expected
        );
    }
}
