//! Rows as of the last committed event of their streams: the answers of mutations.
//!
//! Every committed event counts, also one that has no position yet and that no read model has applied.

use std::collections::HashMap;

use domain::ids::OrgId;
use event_store::codec;
use event_store::envelope::{Recorded, StoredEvent, StreamId};
use event_store::error::StoreError;
use event_store::log;
use sqlx::{QueryBuilder, Row};
use uuid::Uuid;

use crate::columns::Columns;
use crate::model::{self, Model};
use crate::reader::{ReadError, Reader};

impl Reader {
    /// Returns the row that a model makes of a stream of an organization up to the last committed event.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn live_state<M: Model>(
        &self,
        org: &OrgId,
        stream: StreamId,
    ) -> Result<Option<M::Row>, ReadError> {
        let mut query = QueryBuilder::new("");
        log::push_stream(&mut query, org, stream);
        let stored = self.fetch(org, query, log::stored).await?;
        let events = decode(&stored).map_err(ReadError::Store)?;
        events
            .iter()
            .try_fold(None, |row, event| model::fold::<M>(row, event).map(Some))
            .map_err(ReadError::UnexpectedEvent)
    }

    /// Returns the rows of those of these streams that the organization has. They come from the read
    /// model, or from the log where the read model does not show the stream yet. A stream whose events
    /// make no sense is left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn rows_or_live_state<M: Model>(
        &self,
        org: &OrgId,
        streams: &[StreamId],
        columns: &Columns,
    ) -> Result<HashMap<Uuid, M::Row>, ReadError> {
        let ids: Vec<_> = streams.iter().map(|stream| stream.uuid).collect();
        let mut rows = self.rows::<M>(org, &ids, columns).await?;
        let is_missing = |id: &Uuid| !rows.contains_key(id);
        let missing: Vec<_> = ids.into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(rows);
        }
        // Whoever names streams at random must not have a statement for each.
        let mut query = QueryBuilder::new("");
        log::push_streams_of(&mut query, org, &missing);
        let known: Vec<Uuid> = self.fetch(org, query, |row| row.try_get(0)).await?;
        for stream in streams.iter().filter(|stream| known.contains(&stream.uuid)) {
            match self.live_state::<M>(org, *stream).await {
                Ok(Some(row)) => drop(rows.insert(stream.uuid, row)),
                Ok(None)
                | Err(
                    ReadError::UnexpectedEvent(_) | ReadError::Store(StoreError::Decode { .. }),
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
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
