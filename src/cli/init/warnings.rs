//! What `init` warns of: the profile is right, but something that it needs is not.

use super::{InitArgs, complain};
use crate::adapters::{credential, scheduler};
use crate::model::cancel::Cancel;
use crate::model::policy::Reference;
use crate::profile::check::{SHORT_KEY_HINT, is_short, short_key};
use crate::render::profile::DraftReference;

impl InitArgs {
    /// The schedule has no scheduler, or the key is easy to guess.
    pub(super) fn warn(&self, cancel: &Cancel) {
        if !self.at.is_empty() && scheduler::is_absent() {
            let [text, hint] = scheduler::ABSENT;
            complain("warning", text, hint);
        }
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
}
