//! An object that is sent by `rclone rcat` while its content is made.

use std::io::{PipeWriter, Write};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::program::RcloneEnd;
use super::{PARTIAL, RcloneStore};
use crate::adapters::store::growing::GrowingObject;
use crate::adapters::store::{Act, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::object::ObjectRef;

/// An object whose content is written to a running rclone.
pub(super) struct GrowingRemote<'a> {
    store: &'a RcloneStore,
    act: Act,
    /// Where it is until it is published, and where it belongs. The same where objects appear whole.
    sent_to: String,
    place: String,
    input: Option<PipeWriter>,
    program: Option<JoinHandle<RcloneEnd>>,
    stop: Cancel,
}

impl<'a> GrowingRemote<'a> {
    pub(super) fn begin(
        store: &'a RcloneStore,
        key: &str,
    ) -> Result<GrowingRemote<'a>, StoreError> {
        let act = store.act("writing", key);
        let place = store.place(key, &act)?;
        store.is_there(&act)?;
        if store.look(&act, &place)?.is_some() {
            return Err(act.exists());
        }
        let sent_to = match store.features(&act)?.r#move {
            true => store.below(&format!("{PARTIAL}{key}")),
            false => place.clone(),
        };
        let stop = store.cancel.child();
        let (input, program) = store.receive(&act, &sent_to, &stop)?;
        Ok(GrowingRemote {
            store,
            act,
            sent_to,
            place,
            input: Some(input),
            program: Some(program),
            stop,
        })
    }

    /// Waits for rclone, and says what it says.
    fn end(&mut self) -> Result<(), StoreError> {
        self.input = None;
        let lost = || self.act.error(StoreErrorKind::Other, "rclone was lost", "");
        let program = self.program.take().ok_or_else(lost)?;
        let (code, said) = program.join().map_err(|_| lost())?;
        self.store.judge(&self.act, code, said)
    }
}

impl GrowingObject for GrowingRemote<'_> {
    fn trace(&self) -> String {
        self.sent_to.clone()
    }

    fn add(&mut self, part: Bytes) -> Result<(), StoreError> {
        let written = self.input.as_mut().map(|input| input.write_all(&part));
        match written {
            Some(Ok(())) => Ok(()),
            // rclone knows better what happened.
            _ => {
                self.end()?;
                let why = "rclone ended before everything was sent";
                Err(self.act.error(StoreErrorKind::Other, why, ""))
            }
        }
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn publish(self: Box<Self>, stored: &ObjectRef) -> Result<(), StoreError> {
        let mut moved = Ok(());
        if self.sent_to != self.place {
            let arguments = ["moveto", "--ignore-existing", &self.sent_to, &self.place];
            moved = self.store.logged(&self.act, &arguments);
            // Also when it was renamed: an object that is there already is not replaced.
            self.store.clean_up(&self.sent_to);
        }
        let absent = || {
            self.act
                .error(StoreErrorKind::Other, "it did not appear", "")
        };
        match self.store.look(&self.act, &self.place)? {
            Some(found) if found == stored.size => moved,
            Some(_) => Err(self.act.exists()),
            None => moved.and(Err(absent())),
        }
    }

    fn abandon(mut self: Box<Self>) -> Result<(), StoreError> {
        // At the end of its input, it would make an object of what it has.
        self.stop.set();
        let _ = self.program.take().map(JoinHandle::join);
        match self.store.clean_up(&self.sent_to) {
            true => Ok(()),
            false => Err(self.act.error(
                StoreErrorKind::Other,
                "what was sent could not be removed",
                "",
            )),
        }
    }
}
