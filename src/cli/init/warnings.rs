//! What `init` warns of: the profile is right, but something that it needs is not.

use std::fs;

use super::{InitArgs, complain};
use crate::adapters::{credential, scheduler};
use crate::model::cancel::Cancel;
use crate::model::policy::Reference;
use crate::profile::check::{SHORT_KEY_HINT, is_short, short_key};
use crate::render::profile::DraftReference;

impl InitArgs {
    /// The schedule has no scheduler, the store has backups of the same location, or the key is easy
    /// to guess.
    pub(super) fn warn(&self, cancel: &Cancel) {
        if !self.at.is_empty() && scheduler::is_absent() {
            let [text, hint] = scheduler::ABSENT;
            complain("warning", text, hint);
        }
        self.warn_of_backups();
        let Some(archive) = self.draft("").archive else {
            return;
        };
        let reference = match archive.key {
            DraftReference::File(file) => Reference::File(file),
            DraftReference::Env(variable) => Reference::Env(variable),
        };
        // A key that is not here is brought later.
        if credential::resolve(&reference, cancel).is_ok_and(|key| is_short(&key)) {
            let text = short_key(&credential::describe(&reference));
            complain("warning", &text, SHORT_KEY_HINT);
        }
    }

    /// Two computers with one location would take each other's place in a store.
    fn warn_of_backups(&self) {
        let draft = self.draft("");
        let Some(directory) = &draft.directory else {
            return;
        };
        // A disk that is not attached is brought later.
        let mut keys = fs::read_dir(directory).into_iter().flatten().flatten();
        let start = format!("{}_", draft.location);
        if keys.any(|key| key.file_name().to_string_lossy().starts_with(&start)) {
            let text = format!(
                "'{directory}' already has backups of the location '{}'",
                draft.location
            );
            let hint = "if they are of another computer or profile, change location in the \
                        profile before the first run";
            complain("warning", &text, hint);
        }
    }
}
