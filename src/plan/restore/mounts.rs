//! Where the mounts of a plan are restored, and which parts of them are wanted (SPEC#restore).
//! Pure.

use crate::model::path::{Family, FullPath};

use super::error::PlanError;
use super::layout::{Layout, original};
use super::only::Wanted;
use super::plan::{PlannedMount, RestoreFinding, RestoreOptions};

/// Where each mount is restored below the target.
pub fn lay_out(mounts: &mut [PlannedMount], layout: Layout) -> Result<(), Box<PlanError>> {
    if layout == Layout::Numbered {
        mounts
            .iter_mut()
            .for_each(|m| m.target = vec![m.number.to_string()]);
        return Ok(());
    }
    let mut paths: Vec<FullPath> = Vec::new();
    for mount in mounts {
        let Some(path) = &mount.path else {
            return Err(Box::new(PlanError::UnknownPath(mount.name.clone())));
        };
        if path.family() != Family::HOST {
            return Err(Box::new(PlanError::OtherFamily(path.clone())));
        }
        if let Some(other) = paths
            .iter()
            .find(|p| p.starts_with(path) || path.starts_with(p))
        {
            return Err(Box::new(PlanError::Nested(other.clone(), path.clone())));
        }
        mount.target = original(path);
        paths.push(path.clone());
    }
    Ok(())
}

/// `--only`: which mounts, and which parts of them.
pub fn select(
    mounts: &mut Vec<PlannedMount>,
    options: &RestoreOptions,
    findings: &mut Vec<RestoreFinding>,
) -> Result<(), Box<PlanError>> {
    for text in &options.only {
        let mut found = false;
        for mount in mounts.iter_mut() {
            if let Some(wanted) = Wanted::within(text, mount.number, mount.path.as_ref()) {
                found = true;
                mount.wanted.push(wanted);
            }
        }
        if !found {
            let mounts = mounts
                .iter()
                .map(|m| format!("{}: {}", m.number, m.shown()))
                .collect();
            return Err(Box::new(PlanError::OutsideMounts {
                path: text.clone(),
                mounts,
            }));
        }
    }
    if !options.only.is_empty() {
        mounts.retain(|m| !m.wanted.is_empty());
    }
    for mount in mounts {
        if mount.wanted.iter().any(|w| w.names.is_empty()) {
            mount.wanted.clear();
        } else if !mount.wanted.is_empty() && mount.manifest.is_none() {
            let text = format!(
                "'{}' has no manifest: all {} of its archives are needed",
                mount.name,
                mount.archives.len()
            );
            findings.push(RestoreFinding {
                warning: false,
                text,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::model::name::MountName;

    fn mount(number: usize, path: &str) -> PlannedMount {
        let path = FullPath::parse(path).unwrap();
        PlannedMount {
            number,
            name: MountName::of(&path),
            path: Some(path),
            target: Vec::new(),
            archives: Vec::new(),
            manifest: None,
            state_bytes: None,
            wanted: Vec::new(),
        }
    }

    fn mounts(paths: &[&str]) -> Vec<PlannedMount> {
        (1..)
            .zip(paths)
            .map(|(number, path)| mount(number, path))
            .collect()
    }

    #[test]
    fn mounts_lie_beside_each_other_in_the_original_layout() {
        for (paths, expected) in [
            (&["/a", "/b"][..], ""),
            (&["/a", "/ab"], ""),
            (&["/a", "/a/b"], "'/a' and '/a/b' overlap"),
            (&["/a/b", "/a"], "'/a/b' and '/a' overlap"),
            (&["/x", "/a/b/c", "/"], "'/x' and '/' overlap"),
            (&["/a", "/a"], "'/a' and '/a' overlap"),
            (
                &["C:\\a"],
                "'C:\\a' is a windows path, this computer has unix paths",
            ),
        ] {
            let laid_out = lay_out(&mut mounts(paths), Layout::Original);
            let error = laid_out.err().map(|error| error.to_string().to_lowercase());
            assert_eq!(error.unwrap_or_default(), expected.to_lowercase());
            assert!(lay_out(&mut mounts(paths), Layout::Numbered).is_ok());
        }
        let mut known = mounts(&["/a/b", "/c"]);
        lay_out(&mut known, Layout::Original).unwrap();
        let targets = |mounts: &[PlannedMount]| -> Vec<String> {
            mounts.iter().map(|mount| mount.target.join("/")).collect()
        };
        assert_eq!(targets(&known), ["a/b", "c"]);
        lay_out(&mut known, Layout::Numbered).unwrap();
        assert_eq!(targets(&known), ["1", "2"]);
        known[1].path = None;
        assert!(lay_out(&mut known, Layout::Original).is_err());
    }

    #[test]
    fn only_what_is_wanted_is_restored() {
        let wanted = |only: &[&str]| {
            let options = RestoreOptions {
                only: only.iter().map(|path| (*path).to_owned()).collect(),
                ..RestoreOptions::default()
            };
            let (mut mounts, mut findings) = (mounts(&["/a", "/b"]), Vec::new());
            select(&mut mounts, &options, &mut findings).map_err(|error| error.to_string())?;
            let parts = |mount: &PlannedMount| {
                let names = mount.wanted.iter().map(|wanted| wanted.names.join("/"));
                format!("{}: {}", mount.shown(), names.collect::<Vec<_>>().join(" "))
            };
            Ok((mounts.iter().map(parts).collect::<Vec<_>>(), findings.len()))
        };
        let parts = |parts: &[&str], findings| {
            Ok((
                parts.iter().map(|part| (*part).to_owned()).collect(),
                findings,
            ))
        };
        assert_eq!(wanted(&[]), parts(&["/a: ", "/b: "], 0));
        assert_eq!(wanted(&["/a/x", "1/y"]), parts(&["/a: x y"], 1));
        assert_eq!(wanted(&["/b", "/b/z"]), parts(&["/b: "], 0), "all of it");
        assert_eq!(wanted(&["/"]), parts(&["/a: ", "/b: "], 0));
        let error = "'/c' is in none of the mounts of this backup (1: /a, 2: /b)";
        assert_eq!(wanted(&["/a/x", "/c"]), Err(error.to_owned()));
    }
}
