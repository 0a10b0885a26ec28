//! An organization's events in log order, as they were stored: for auditors.
//!
//! Reads the log and the events themselves, as the role that row-level security binds, and gives the
//! stored bytes without decoding them, so that an event which this program cannot read hides nothing.

use domain::ids::{EventId, OrgId};
use event_store::envelope::{Position, Shard, Version};
// Named by whoever shows a history; the API, for one, does not import the event store.
pub use event_store::envelope::{Metadata, Positioned, StoredEvent, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

use crate::page::{self, ByPosition, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

/// Which events are wanted; the default is all.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// Of this stream.
    pub stream: Option<StreamId>,
    /// Of one of these types, such as `droplet_activated`; empty for any.
    pub event_types: Vec<String>,
}

impl Reader {
    /// A page of an organization's history.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn history(
        &self,
        org: &OrgId,
        filter: &HistoryFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<Positioned<StoredEvent>>, ReadError> {
        let query = select(org, filter);
        page::fetch(&mut *self.session(org).await?, query, page, positioned).await
    }
}

impl Order<Positioned<StoredEvent>> for ByPosition {
    fn sort(self) -> Sort {
        Sort::Position
    }

    fn key(self, event: &Positioned<StoredEvent>) -> Key {
        Key::Position(event.position)
    }
}

fn select(org: &OrgId, filter: &HistoryFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "select l.position, e.shard, e.stream_id, e.version, e.event_id, e.org_id, e.event_type, \
         e.schema_version, e.data::text as data, e.metadata::text as metadata, e.recorded_at \
         from es.log l join es.events e on e.seq = l.seq where l.org_id = ",
    );
    query.push_bind(org.as_str());
    if let Some(stream) = filter.stream {
        query.push(" and e.stream_id = ").push_bind(stream.uuid);
    }
    if !filter.event_types.is_empty() {
        let types = &filter.event_types;
        query
            .push(" and e.event_type = any(")
            .push_bind(types)
            .push(")");
    }
    query
}

fn positioned(row: &PgRow) -> Result<Positioned<StoredEvent>, sqlx::Error> {
    let malformed = |what: &str| sqlx::Error::Decode(format!("a stored {what} is not one").into());
    let shard = Shard(row.try_get("shard")?);
    let org: String = row.try_get("org_id")?;
    let event = StoredEvent {
        stream: StreamId {
            stream_type: shard.stream_type(),
            uuid: row.try_get("stream_id")?,
        },
        version: Version(row.try_get("version")?),
        event_id: EventId::new(row.try_get("event_id")?),
        org: OrgId::parse(org).map_err(|_| malformed("organization"))?,
        event_type: row.try_get("event_type")?,
        schema_version: row.try_get("schema_version")?,
        data: row.try_get("data")?,
        metadata: row.try_get("metadata")?,
        recorded_at: row.try_get("recorded_at")?,
    };
    Ok(Positioned {
        position: Position(row.try_get("position")?),
        event,
    })
}
