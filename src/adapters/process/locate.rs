//! Where a program is.

use std::path::{Path, PathBuf};

use super::ToolError;

/// Finds a program: the path a profile gives, or the first of `names` on the search path. On
/// Windows, where programs are unpacked into one directory, that of this program comes first.
///
/// # Errors
/// When it is not found. The message says where it was searched for, and the hint how to get it.
pub fn locate(configured: Option<&str>, names: &[&str], hint: &str) -> Result<PathBuf, ToolError> {
    let missing = |name: &str, places: &str| ToolError::Missing {
        name: name.to_owned(),
        places: places.to_owned(),
        hint: hint.to_owned(),
    };
    if let Some(path) = configured.filter(|p| Path::new(p).components().count() > 1) {
        return if Path::new(path).is_file() {
            Ok(PathBuf::from(path))
        } else {
            Err(missing(path, ""))
        };
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let beside = std::env::current_exe().ok().filter(|_| cfg!(windows));
    let beside = beside.as_deref().and_then(Path::parent);
    let wanted: Vec<&str> = configured
        .into_iter()
        .chain(
            if configured.is_some() { &[][..] } else { names }
                .iter()
                .copied(),
        )
        .collect();
    wanted
        .iter()
        .flat_map(|name| {
            let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let search = std::env::split_paths(&search);
            beside
                .map(Path::to_owned)
                .into_iter()
                .chain(search)
                .map(move |dir| dir.join(&file))
                .collect::<Vec<_>>()
        })
        .find(|path| is_program(path))
        .ok_or_else(|| missing(&wanted.join("' or '"), " on the search path"))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
