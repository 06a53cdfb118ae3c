//! Exclusions that leave nothing out: a mistyped path costs space, a forgotten one nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::visit::Visit;
use super::{CheckAnswer, ok, warning};
use crate::adapters::walk::{Item, Walk};
use crate::model::exclusion::Exclusion;
use crate::model::path::Family;
use crate::model::select::{Kind, Selection};
use crate::model::text;

pub(super) fn exclusions(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let spec = visit.job.selection.spec();
    let all = spec.directories.len() + spec.files.len();
    if all == 0 || visit.job.family != Family::HOST {
        return Vec::new();
    }
    let mut idle = Idle {
        directories: spec.directories.clone(),
        files: spec.files.clone(),
    };
    idle.use_up(visit);
    let lists = [("directories", idle.directories), ("files", idle.files)];
    let mut found = Vec::new();
    let mut names = Vec::new();
    for (list, exclusions) in lists {
        for exclusion in exclusions {
            match exclusion {
                Exclusion::Path(path) if !path.to_native().exists() => found.push(warning(
                    format!("exclude.{list}: '{path}' does not exist"),
                    "correct it, or remove it from exclude in the profile",
                )),
                Exclusion::Path(path) => found.push(warning(
                    format!("exclude.{list}: '{path}' leaves nothing out"),
                    match list {
                        "directories" => {
                            "it is no directory below a source, or excluded by another"
                        }
                        _ => "it is no file below a source, or excluded by another",
                    },
                )),
                Exclusion::Name(name) => names.push(format!("'{name}'")),
            }
        }
    }
    if found.is_empty() || !names.is_empty() {
        let mut said = text::count(all as u64, "exclusion");
        if !names.is_empty() {
            said.push_str(&format!(
                "; nothing has a name like {} now",
                names.join(", ")
            ));
        }
        found.push(ok(said));
    }
    found
}

/// The exclusions by which nothing was left out yet.
struct Idle {
    directories: Vec<Exclusion>,
    files: Vec<Exclusion>,
}

impl Idle {
    /// Walks all sources. What cannot be read is reported by the check of the sources.
    fn use_up(&mut self, visit: &Visit<'_>) {
        let selection = Arc::new(Selection::new(visit.job.selection.spec().clone()));
        for mount in visit.job.mounts().into_iter().flatten() {
            let shown_at = mount.path.to_native();
            let walk = Walk {
                selection: &selection,
                mount: &mount.path,
                shown_at: &shown_at,
                reads_attributes: false,
                cancel: visit.cancel,
            };
            let _ = walk.run(&mut |_, item| {
                if let Item::Excluded { kind, by } = item {
                    let list = match kind {
                        Kind::Directory => &mut self.directories,
                        _ => &mut self.files,
                    };
                    list.retain(|exclusion| *exclusion != by);
                }
                match self.directories.is_empty() && self.files.is_empty() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
        }
    }
}
