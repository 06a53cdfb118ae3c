//! Mounts: which directories are shadow-copied, for which sources (SPEC#mounts).
//! Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::name::MountName;
use crate::model::path::FullPath;

/// A directory that is shadow-copied once for the sources at or below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Mount {
    pub path: FullPath,
    /// Its name in object names.
    pub name: MountName,
    /// The sources it serves, sorted; a source below another source is absorbed.
    pub sources: Vec<FullPath>,
}

/// Two mounts would write the same object names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mounts '{first}' and '{second}' would have the same name '{name}' in object names")]
pub struct MountError {
    pub first: FullPath,
    pub second: FullPath,
    pub name: MountName,
}

/// Groups sources into mounts: sorted by path component, one pass, a source joins the last mount
/// when they share a parent below the drive root (the root itself only when the user listed it).
///
/// # Errors
/// When two mounts would have the same name.
pub fn mounts(sources: &[FullPath]) -> Result<Vec<Mount>, Box<MountError>> {
    let mut sorted: Vec<&FullPath> = sources.iter().collect();
    sorted.sort_by_cached_key(|path| path.sort_key());

    let mut mounts: Vec<Mount> = Vec::new();
    for source in sorted {
        match mounts.last_mut() {
            Some(last) if source.starts_with(&last.path) || last.path.shared_parts(source) > 0 => {
                last.path = last.path.truncated(last.path.shared_parts(source));
                if !last.sources.iter().any(|s| source.starts_with(s)) {
                    last.sources.push(source.clone());
                }
            }
            _ => mounts.push(Mount {
                path: source.clone(),
                name: MountName::of(source),
                sources: vec![source.clone()],
            }),
        }
    }
    for mount in &mut mounts {
        mount.name = MountName::of(&mount.path);
    }
    for (i, second) in mounts.iter().enumerate() {
        if let Some(first) = mounts[..i].iter().find(|m| m.name == second.name) {
            let (first, name) = (first.path.clone(), second.name.clone());
            return Err(Box::new(MountError {
                first,
                second: second.path.clone(),
                name,
            }));
        }
    }
    Ok(mounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(of: &[&str]) -> Vec<String> {
        let sources: Vec<FullPath> = of.iter().map(|p| FullPath::parse(p).unwrap()).collect();
        mounts(&sources)
            .unwrap()
            .iter()
            .map(|m| m.path.to_string().to_lowercase())
            .collect()
    }

    /// The design document's example and its test case 1.
    #[test]
    fn the_documents_examples() {
        let example = [
            r"c:\users\allen\documents\folder1\folder1-2\",
            r"c:\users\allen\documents\folder1\folder1-4\",
            r"c:\users\allen\documents\folder2\",
            r"c:\users\allen\documents\folder2\folder2-1\",
            r"c:\users\allen\documents\folder2\folder2-1-1\",
            r"c:\users\allen\documents\folder3\",
            r"C:\Users\Allen\AAM posting\stock linked files\",
            r"c:\temp\test\",
            r"c:\temp\test2\",
        ];
        assert_eq!(paths(&example), [r"c:\temp", r"c:\users\allen"]);
    }

    #[test]
    fn shared_parents_roots_and_order() {
        for (sources, expected) in [
            (&["/home/allen"][..], &["/home/allen"][..]),
            (&["/home/allen", "/etc"], &["/etc", "/home/allen"]),
            (&["/home/allen/a", "/home/bob"], &["/home"]),
            (&["/a/b/x", "/a-b", "/a/c"], &["/a", "/a-b"]),
            (&["/home/allen", "/home/allen/x"], &["/home/allen"]),
            (&["/", "/home"], &["/"]),
            (&[r"D:\", r"C:\x", r"d:\y"], &[r"c:\x", r"d:\"]),
            (&[r"C:\a", r"D:\a"], &[r"c:\a", r"d:\a"]),
        ] {
            let mut found = paths(sources);
            found.sort();
            assert_eq!(found, expected, "{sources:?}");
        }
    }

    #[test]
    fn a_source_below_another_is_absorbed() {
        let sources: Vec<FullPath> = ["/a/b/c", "/a/b", "/a/d"]
            .iter()
            .map(|p| FullPath::parse(p).unwrap())
            .collect();
        let all = mounts(&sources).unwrap();
        assert_eq!(
            all[0]
                .sources
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["/a/b", "/a/d"]
        );
    }

    #[test]
    fn equal_names_are_refused() {
        let sources = [
            FullPath::parse("/a/b").unwrap(),
            FullPath::parse("/a-b").unwrap(),
        ];
        assert!(mounts(&sources).is_err());
    }
}
