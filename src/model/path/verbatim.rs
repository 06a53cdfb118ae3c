//! The form of paths in which Windows takes any length and any name, and back.

use std::path::{Path, PathBuf};

/// A path in the form in which Windows takes any length, and names that end in a dot or a space.
/// Elsewhere the path as it is.
pub fn verbatim(path: &Path) -> PathBuf {
    if !cfg!(windows) {
        return path.to_path_buf();
    }
    match path.to_str() {
        Some(text) if text.starts_with(r"\\?\") => path.to_path_buf(),
        Some(text) if text.starts_with(r"\\") => PathBuf::from(format!(r"\\?\UNC\{}", &text[2..])),
        Some(text) => PathBuf::from(format!(r"\\?\{text}")),
        None => path.to_path_buf(),
    }
}

/// A path for people: without the sign of [`verbatim`].
pub fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    match (text.strip_prefix(r"\\?\UNC\"), text.strip_prefix(r"\\?\")) {
        (Some(share), _) => format!(r"\\{share}"),
        (_, Some(path)) => path.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbatim_paths_are_shown_without_their_sign() {
        for (path, expected) in [
            (r"\\?\C:\a", r"C:\a"),
            (r"\\?\UNC\nas\x", r"\\nas\x"),
            ("/a", "/a"),
            (r"C:\a", r"C:\a"),
        ] {
            assert_eq!(shown(Path::new(path)), expected);
        }
    }
}
