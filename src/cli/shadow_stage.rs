//! `shadow-stage`: the inner side of a snapshot; started by the snapshot program, not by people
//! (SPEC#snapshot).

use std::path::Path;

use super::exit::Exit;
use crate::model::cancel::Cancel;
use crate::model::secret::Secret;
use crate::run::backup::exec::{KEY_VARIABLE, run_order_file};
use crate::run::backup::stage::StageError;

/// Carries out an order file.
pub fn run(order: &Path, cancel: &Cancel) -> Exit {
    let key = std::env::var(KEY_VARIABLE).ok().map(Secret::new);
    match run_order_file(order, key.as_ref(), cancel) {
        Ok(()) => Exit::Success,
        Err(StageError::Interrupted) => Exit::Interrupted,
        Err(_) => Exit::Failed,
    }
}
