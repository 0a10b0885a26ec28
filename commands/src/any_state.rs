//! The state of an aggregate, behind a trait that hides its type.

use std::any::Any;
use std::fmt::Debug;

use domain::registry::Registered;
use event_store::write::snapshot::Snapshot;

/// The state of any aggregate.
pub(crate) trait AnyState: Any + Debug + Send + Sync {
    /// Returns a snapshot of the state.
    ///
    /// # Errors
    /// When the state cannot be written as JSON.
    fn snapshot(&self) -> Result<Snapshot, serde_json::Error>;
}

impl<D: Registered> AnyState for D {
    fn snapshot(&self) -> Result<Snapshot, serde_json::Error> {
        Snapshot::of(self)
    }
}

/// Returns the state, if it is one of this aggregate.
pub(crate) fn downcast<D: Registered>(state: &dyn AnyState) -> Option<&D> {
    let state: &dyn Any = state;
    state.downcast_ref()
}
