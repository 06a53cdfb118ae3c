//! A stage of root's is shown the mount and the mirror through no link (SPEC#security).

use std::fs;
use std::path::{Path, PathBuf};

use super::StageError;
use crate::adapters::closed_view::View;
use crate::adapters::fs::create_private_directory;
use crate::model::path::FullPath;
use crate::plan::backup::{MirrorOrder, StageOrder};

/// The directory of a mount's work files where the mount is shown.
const SHOWN: &str = "source";

/// Carries out an order on a view of its mount that the kernel provides, if the system supports
/// that.
pub(super) fn with_view<T: Send>(
    order: &StageOrder,
    body: &mut (dyn FnMut(&StageOrder) -> Result<T, StageError> + Send),
) -> Result<T, StageError> {
    if order.in_snapshot() {
        return body(order);
    }
    let work = order.work.to_native();
    create_private_directory(&work).map_err(StageError::io("creating the directory", &work))?;
    let below = |source: &FullPath| {
        let names = source.below(&order.mount.path)?;
        (!names.is_empty()).then(|| names.iter().collect())
    };
    let sources = order.mount.sources.iter().filter_map(below).collect();
    let view = View {
        mount: PathBuf::from(&order.shown_at),
        sources,
        at: work.join(SHOWN),
        written: order.mirror.as_ref().map(written),
        programs: programs(order),
        work,
    };
    view.run(|shown| match shown {
        Some(shown) => body(&through(order, &view.at, shown.root.as_deref())),
        None => body(order),
    })
}

/// The order for the mount as it is shown at a path, with tools in a root of their own.
fn through(order: &StageOrder, at: &Path, root: Option<&Path>) -> StageOrder {
    let mut order = order.clone();
    let Some(at) = at.to_str() else {
        return order;
    };
    order.shown_at = at.to_owned();
    order.is_live = true;
    order.tools_root = root.map(Path::to_owned);
    if root.is_some() {
        order.seven_zip = real(&order.seven_zip);
        order.copier = real(&order.copier);
    }
    if let Some(archive) = &mut order.archive {
        // The links above the sources have been followed.
        archive.follows_links = false;
    }
    order
}

/// The part of a mirror that is written. A link above it was made by the user.
fn written(mirror: &MirrorOrder) -> PathBuf {
    let (root, target) = (mirror.mirror.to_native(), mirror.target.to_native());
    let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let mut way = target.ancestors().take_while(|above| *above != root);
    match way.any(is_link) {
        true => target,
        false => root,
    }
}

/// The programs that the script of an order starts.
fn programs(order: &StageOrder) -> Vec<PathBuf> {
    let copier = order.mirror.as_ref().map(|_| &order.copier);
    let archiver = order.archive.as_ref().map(|_| &order.seven_zip);
    let programs = copier.into_iter().chain(archiver);
    programs.map(PathBuf::from).collect()
}

/// Links of the system that lead to a program are not all there in another root.
fn real(program: &str) -> String {
    let real = Path::new(program).canonicalize().ok();
    let real = real.and_then(|path| path.to_str().map(str::to_owned));
    real.unwrap_or_else(|| program.to_owned())
}
