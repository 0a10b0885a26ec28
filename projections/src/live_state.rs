//! Rows as of the last committed event of their streams: what a mutation answers with.
//!
//! Sees every committed event, also one that has no position yet and that no read model has applied.

use domain::ids::OrgId;
use event_store::codec;
use event_store::envelope::{Recorded, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;

use crate::model::{self, Model};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// The row that a model makes of a stream of an organization up to the last committed event.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn live_state<M: Model>(
        &self,
        org: &OrgId,
        stream: StreamId,
    ) -> Result<Option<M::Row>, ReadError> {
        let mut stored = log::read_stream(&self.store, stream, Version::NONE)
            .await
            .map_err(ReadError::Store)?;
        // The owner sees every organization: another one's stream is as good as none.
        stored.retain(|event| event.org == *org);
        let events = decode(&stored).map_err(ReadError::Store)?;
        events
            .iter()
            .try_fold(None, |row, event| model::fold::<M>(row, event).map(Some))
            .map_err(ReadError::UnexpectedEvent)
    }
}

/// Decodes events of one stream.
pub(crate) fn decode(stored: &[StoredEvent]) -> Result<Vec<Recorded>, StoreError> {
    let decoded = stored.iter().map(|event| {
        codec::decode(event).map_err(|source| StoreError::Decode {
            stream: event.stream,
            version: event.version,
            source,
        })
    });
    decoded.collect()
}
