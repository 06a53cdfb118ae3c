//! An object that is sent while its content is made (SPEC#stream).

use bytes::Bytes;

use super::StoreError;
use crate::model::object::ObjectRef;

/// An object on its way. It appears when it is published, and not before.
pub trait GrowingObject: Send {
    /// What a later run needs to remove the object if this one is killed.
    fn trace(&self) -> String;

    /// Sends the next part, all but the last of the same size. May return while the part is still
    /// under way; at most two are.
    ///
    /// # Errors
    /// When this part or one before it was not taken.
    fn add(&mut self, part: Bytes) -> Result<(), StoreError>;

    /// Waits until all parts have arrived.
    ///
    /// # Errors
    /// As [`GrowingObject::add`].
    fn close(&mut self) -> Result<(), StoreError>;

    /// Makes the object appear; what arrived must be what `stored` says. It never replaces another
    /// one.
    ///
    /// # Errors
    /// When it does not appear, or another object has the key. What was sent is removed.
    fn publish(self: Box<Self>, stored: &ObjectRef) -> Result<(), StoreError>;

    /// Removes what was sent.
    ///
    /// # Errors
    /// When that is still there.
    fn abandon(self: Box<Self>) -> Result<(), StoreError>;
}
