//! Drive letters as Windows keeps them: names of devices or directories (SPEC#snapshot).

use std::io;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    DDD_EXACT_MATCH_ON_REMOVE, DDD_RAW_TARGET_PATH, DDD_REMOVE_DEFINITION, DefineDosDeviceW,
    QueryDosDeviceW,
};

/// Removes the definition with this target, not whatever is the newest: another program can have
/// taken the letter over. Windows keeps the definitions of a letter on top of each other.
const REMOVE: u32 = DDD_REMOVE_DEFINITION | DDD_EXACT_MATCH_ON_REMOVE;

/// What devices of shadow copies are called.
const SHADOW_COPY: &str = "HarddiskVolumeShadowCopy";

/// What a letter (`Q:`) leads to, as Windows keeps it: `\Device\HarddiskVolume3`, `\??\C:\dir`.
/// `None` when it is free.
#[allow(unsafe_code)]
pub fn target(letter: &str) -> Option<String> {
    let name = super::wide(letter.as_ref());
    let mut buffer = vec![0_u16; 32 * 1024];
    // SAFETY: the name ends with 0, and the buffer is as long as said.
    let written =
        unsafe { QueryDosDeviceW(name.as_ptr(), buffer.as_mut_ptr(), buffer.len() as u32) };
    let text = buffer.iter().copied().take_while(|unit| *unit != 0);
    (written > 0).then(|| String::from_utf16_lossy(&text.collect::<Vec<_>>()))
}

/// Frees a letter that a killed run left: one that leads to a shadow copy that no longer exists.
/// Returns whether it was one.
pub fn take_down_dangling(letter: &str) -> bool {
    target(letter).is_some_and(|target| {
        target.contains(SHADOW_COPY)
            && !Path::new(&format!("{letter}\\")).exists()
            && define(REMOVE | DDD_RAW_TARGET_PATH, letter, &target).is_ok()
    })
}

/// Whether a letter leads nowhere.
pub fn is_free(letter: &str) -> bool {
    target(letter).is_none() && !Path::new(&format!("{letter}\\")).exists()
}

/// A letter that leads to a directory until this is dropped.
#[derive(Debug)]
pub struct Letter {
    name: String,
    target: String,
}

impl Letter {
    /// Has a free letter lead to a directory.
    ///
    /// # Errors
    /// When Windows refuses.
    pub fn leading_to(name: &str, target: &str) -> io::Result<Letter> {
        define(0, name, target)?;
        Ok(Letter {
            name: name.to_owned(),
            target: target.to_owned(),
        })
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        // If it stays, the next run finds it dangling.
        let _ = define(REMOVE, &self.name, &self.target);
    }
}

#[allow(unsafe_code)]
fn define(flags: u32, letter: &str, target: &str) -> io::Result<()> {
    let (name, target) = (super::wide(letter.as_ref()), super::wide(target.as_ref()));
    // SAFETY: both texts end with 0.
    match unsafe { DefineDosDeviceW(flags, name.as_ptr(), target.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
