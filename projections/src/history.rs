//! An organization's events in log order, as they were stored: for auditors.
//!
//! Reads the log as the role that row-level security binds. Gives the stored bytes without decoding
//! them, so that an event which this program cannot decode hides nothing.

use domain::ids::OrgId;
use event_store::log;
use sqlx::{Postgres, QueryBuilder};

use crate::list::Columns;
use crate::page::{self, ByPosition, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

// Named by code that shows a history, such as the API, which does not import the event store.
pub use event_store::envelope::{Metadata, Positioned, StoredEvent, StreamId};

/// A filter of events; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// The stream of the events; `None` for any.
    pub stream: Option<StreamId>,
    /// The types of the events, such as `droplet_activated`; empty for any.
    pub event_types: Vec<String>,
}

impl Reader {
    /// Returns a page of an organization's history.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn history(
        &self,
        org: &OrgId,
        filter: &HistoryFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<Positioned<StoredEvent>>, ReadError> {
        let mut query = select(org, filter, page.columns);
        page::bound::<Positioned<StoredEvent>, _>(&mut query, page)?;
        let events = self.fetch(org, query, log::positioned).await?;
        Ok(page::slice(events, page))
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

fn select(org: &OrgId, filter: &HistoryFilter, columns: Columns) -> QueryBuilder<Postgres> {
    let mut query = log::select_organization(org, columns == Columns::All);
    if let Some(stream) = filter.stream {
        query.push(" and e.stream_id = ").push_bind(stream.uuid);
    }
    if !filter.event_types.is_empty() {
        query
            .push(" and e.event_type = any(")
            .push_bind(filter.event_types.clone())
            .push(")");
    }
    query
}
