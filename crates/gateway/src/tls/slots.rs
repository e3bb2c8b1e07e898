//! The TLS of a listener, replaced while connections live.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::terminate::Terminator;

/// A place for a listener's TLS, which whoever replaces it and all workers have in common.
#[derive(Clone, Debug, Default)]
pub struct TlsSlot(Arc<ArcSwapOption<Terminator>>);

impl TlsSlot {
    /// A place with this in it; `None` for a listener in the clear.
    #[must_use]
    pub fn new(terminator: Option<Terminator>) -> Self {
        Self(Arc::new(ArcSwapOption::new(terminator.map(Arc::new))))
    }

    /// What new handshakes meet.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Terminator>> {
        self.0.load_full()
    }

    /// From now on, new connections meet `terminator`. Those that are there keep what they have.
    pub fn replace(&self, terminator: Terminator) {
        self.0.store(Some(Arc::new(terminator)));
    }
}
