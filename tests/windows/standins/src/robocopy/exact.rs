//! Names that end in a dot or a space. What Robocopy does with them is not known: it takes them as
//! they are, or Windows cuts their ends off.

/// With this they are taken as they are.
const VARIABLE: &str = "AAM_STANDIN_EXACT";

/// What keeps Windows from changing a path.
const VERBATIM: &str = r"\\?\";

pub fn is_exact() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A path in the form in which files are opened.
pub fn used(path: &str) -> String {
    let sign = if is_exact() { VERBATIM } else { "" };
    format!("{sign}{path}")
}

/// And back.
pub fn shown(path: &str) -> &str {
    path.strip_prefix(VERBATIM).unwrap_or(path)
}
