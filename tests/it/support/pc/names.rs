//! Names of mounts, objects and stamps, and 7-Zip by hand.

use super::*;

pub fn mount_of(path: &FullPath) -> Mount {
    Mount {
        path: path.clone(),
        name: MountName::of(path),
        sources: vec![path.clone()],
    }
}

/// A key of the location `pc`.
pub fn name(backup: BackupId, mount: &FullPath, part: Part) -> String {
    ObjectName {
        location: "pc".into(),
        backup,
        mount: MountName::of(mount),
        part,
    }
    .to_string()
}

pub fn stamp(text: &str) -> Stamp {
    text.parse().unwrap()
}

/// Makes an archive as the program does: an explicit list, the key by standard input.
pub fn seven_zip(
    format: Format,
    directory: &Path,
    archive: &Path,
    list: &Path,
    volume_size: Option<u32>,
) {
    let mut command = Command::new("7zz");
    command
        .current_dir(directory)
        .args(["a", "-p", "-spd", "-scsUTF-8", "-y", "-sae"]);
    match format {
        Format::Zip => command.args(["-tzip", "-mem=AES256", "-mcu=on"]),
        Format::SevenZip => command.args(["-t7z", "-mhe=on"]),
    };
    if let Some(size) = volume_size {
        command.arg(format!("-v{size}b"));
    }
    command.arg(archive).arg(format!("@{}", list.display()));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{KEY}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
