//! Rows whose type is not known here, which subscriptions carry for any stream.

use std::any::Any;
use std::sync::Arc;

use event_store::envelope::{Recorded, Version};

use super::{Model, StreamRow};
use crate::fold::UnexpectedEvent;

/// The row of a stream as of an event, of any model that holds one row for each stream; cheap to clone.
#[derive(Debug, Clone)]
pub struct LiveRow {
    version: Version,
    row: Arc<dyn Any + Send + Sync>,
}

impl LiveRow {
    fn new<R: StreamRow>(row: R) -> Self {
        Self {
            version: row.version(),
            row: Arc::new(row),
        }
    }

    /// The version of the stream that the row shows.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The row, if it is of this type.
    #[must_use]
    pub fn row<R: StreamRow>(&self) -> Option<Arc<R>> {
        Arc::clone(&self.row).downcast().ok()
    }
}

/// A function from the row of a stream before an event to the row after it. The row before the first
/// event is `None`; any other must be one that the same function gave.
pub type LiveFold = fn(Option<LiveRow>, &Recorded) -> Result<LiveRow, UnexpectedEvent>;

/// Implements [`LiveFold`] for a model.
pub(super) fn fold<M: Model>(
    before: Option<LiveRow>,
    event: &Recorded,
) -> Result<LiveRow, UnexpectedEvent> {
    // A row of another type cannot come here; if it did, the event would be out of order.
    let before = before.and_then(|before| before.row.downcast::<M::Row>().ok());
    super::fold::<M>(before.map(Arc::unwrap_or_clone), event).map(LiveRow::new)
}
