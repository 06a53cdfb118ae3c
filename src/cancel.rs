//! The one flag that an interrupt sets and every long loop asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Cloned into everything that can take long. Setting it once ends the run in an orderly way (SPEC §8).
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// The flag itself, for the signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }

    /// Asks everything to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
