//! Secrets put into files of their own, which only their owner can read; for `import` and `init`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::model::secret::Secret;

/// Who can read the file of a secret, or the files of a directory, and what to do about it.
pub fn advice(path: &Path) -> String {
    let path = path.display();
    match cfg!(windows) {
        // The numbers of SYSTEM and the administrators, because their names differ in every
        // language.
        true => format!(
            r#"deny access to others: icacls "{path}" /inheritance:r /grant:r "%USERNAME%:F" "*S-1-5-18:F" "*S-1-5-32-544:F" /T"#
        ),
        false => format!(
            "only you can read '{path}'; if another account runs the backup, give the file to it with `chown`"
        ),
    }
}

/// Writes a new file with the secret as its one line.
///
/// # Errors
/// Also if the file exists, because overwriting a key means losing the backups.
pub fn write_new(path: &Path, secret: &Secret) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
