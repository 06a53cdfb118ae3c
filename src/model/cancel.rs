//! The one flag that an interrupt sets and every long loop checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Cloned into everything that can take a long time. Setting it once ends the run in an orderly way
/// (SPEC#run).
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    above: Option<Arc<Cancel>>,
}

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// A flag that is set with this one, and can be set alone.
    #[must_use]
    pub fn child(&self) -> Cancel {
        Cancel {
            flag: Arc::default(),
            above: Some(Arc::new(self.clone())),
        }
    }

    /// The flag itself, for the signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }

    /// Asks everything to stop.
    pub fn set(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst) || self.above.as_ref().is_some_and(|above| above.is_set())
    }
}
