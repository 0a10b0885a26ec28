//! Rows as of the last committed event of their streams: the answers of mutations.
//!
//! Every committed event counts, also one that has no position yet and that no read model has applied.

use std::collections::HashMap;

use domain::ids::OrgId;
use event_store::codec;
use event_store::consume::generation;
use event_store::envelope::{Recorded, StoredEvent, StreamId, Version};
use event_store::error::StoreError;
use event_store::log;
use sqlx::postgres::PgRow;
use sqlx::{QueryBuilder, Row};
use uuid::Uuid;

use crate::columns::Columns;
use crate::list::push_select;
use crate::list::select::list;
use crate::model::{self, Cells, FromCells, Model, StreamRow, columns};
use crate::reader::{ReadError, Reader};

/// The events of a stream that are read before its row is asked for: most streams have no more.
const SHORT: i64 = 64;

impl Reader {
    /// Returns the row that a model makes of a stream of an organization up to the last committed event.
    ///
    /// Few events are folded from the first one. More of them are folded from the row of the read model on, so the
    /// cost grows with the events that the row does not show yet, and not with the history of the stream. While a model
    /// is rebuilt for another version, the whole stream is folded.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn live_state<M: Model>(
        &self,
        org: &OrgId,
        stream: StreamId,
    ) -> Result<Option<M::Row>, ReadError> {
        let first = self.events(org, stream, Version(1), Some(SHORT)).await?;
        if (first.len() as i64) < SHORT {
            return fold::<M>(None, &first);
        }
        match self.continued_row::<M>(org, stream).await {
            Ok(Some(row)) => return Ok(Some(row)),
            Ok(None) => {}
            // The log has the answer also when the read model fails or has a row that makes no sense.
            Err(error) => tracing::warn!(
                stream.id = %stream,
                error = &error as &dyn std::error::Error,
                "the row of a long stream is of no use; the whole stream is folded"
            ),
        }
        fold::<M>(None, &self.events(org, stream, Version(1), None).await?)
    }

    /// Returns the row of a stream if the generation that serves is of this version of the model.
    ///
    /// The switch to another generation locks the view, so the statement sees the view and the version of the same
    /// generation.
    async fn row_of_this_version<M: Model>(
        &self,
        org: &OrgId,
        stream: StreamId,
    ) -> Result<Option<M::Row>, ReadError> {
        let mut query = QueryBuilder::new("");
        let columns = list(columns::of::<M::Row>().iter().copied(), |_| true);
        push_select::<M>(&mut query, &columns, org);
        query.push(" and id = ").push_bind(stream.uuid);
        query.push(" and ");
        generation::push_serves(&mut query, M::NAME, M::VERSION);
        let decode = |row: &PgRow| M::Row::from_cells(&mut Cells::of(row));
        let mut rows = self.fetch(org, query, decode).await?;
        Ok(rows.pop())
    }

    /// Folds the events after those that the row of the read model shows. Returns none if there is no row of this
    /// version of the model, or if the event that it shows last is another one or missing: the log went back since.
    async fn continued_row<M: Model>(
        &self,
        org: &OrgId,
        stream: StreamId,
    ) -> Result<Option<M::Row>, ReadError> {
        let Some(row) = self.row_of_this_version::<M>(org, stream).await? else {
            return Ok(None);
        };
        let shown = (row.version(), row.recorded_at());
        let events = self.events(org, stream, shown.0, None).await?;
        match events.split_first() {
            Some((last, later)) if (last.version, last.recorded_at) == shown => {
                fold::<M>(Some(row), later)
            }
            _ => Ok(None),
        }
    }

    async fn events(
        &self,
        org: &OrgId,
        stream: StreamId,
        from: Version,
        limit: Option<i64>,
    ) -> Result<Vec<StoredEvent>, ReadError> {
        let mut query = QueryBuilder::new("");
        log::push_stream(&mut query, org, stream, from);
        if let Some(limit) = limit {
            query.push(" limit ").push_bind(limit);
        }
        self.fetch(org, query, log::stored).await
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

/// Folds the events of a stream that follow the row.
fn fold<M: Model>(
    row: Option<M::Row>,
    stored: &[StoredEvent],
) -> Result<Option<M::Row>, ReadError> {
    let events = decode(stored).map_err(ReadError::Store)?;
    events
        .iter()
        .try_fold(row, |row, event| model::fold::<M>(row, event).map(Some))
        .map_err(ReadError::UnexpectedEvent)
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
