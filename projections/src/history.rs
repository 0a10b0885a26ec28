//! An organization's events in log order, as they were stored: for auditors.
//!
//! Reads the log as the role that row-level security binds. Gives the stored bytes without decoding
//! them, so that an event which this program cannot decode hides nothing.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use event_store::incarnation::Lineage;
use event_store::log::{self, OrganizationEvents};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use crate::page::{ByPosition, Frame, Key, List, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

// Named by code that shows a history, such as the API, which does not import the event store.
pub use event_store::envelope::{Metadata, Positioned, StoredEvent, StreamId};

/// A filter of events; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// The stream of the events; `None` for any.
    pub stream: Option<StreamId>,
    /// The types of the events, such as `droplet_activated`; `None` for any.
    pub event_types: Option<Vec<String>>,
    /// The actor of the events; `None` for any.
    pub actor: Option<String>,
    /// The earliest business time of the events, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// The end of the business times of the events, exclusive.
    pub until: Option<DateTime<Utc>>,
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
        let lineage = self
            .lineage::<Positioned<StoredEvent>, _>(org, page)
            .await?;
        match self.history_in(&lineage, org, filter, page).await {
            Err(failed) => {
                let lineage = self.lineage_after(&lineage, failed).await?;
                self.history_in(&lineage, org, filter, page).await
            }
            read => read,
        }
    }

    async fn history_in(
        &self,
        lineage: &Lineage,
        org: &OrgId,
        filter: &HistoryFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<Positioned<StoredEvent>>, ReadError> {
        let frame = Frame::of(page, lineage, || log::HEAD.to_owned());
        let (after, before) = frame.positions()?;
        let events = OrganizationEvents {
            org,
            stream: filter.stream,
            after,
            before,
            with_data: page.columns.has("data"),
        };
        let query = frame.query(|query| push_select(query, events, filter))?;
        let decode = |row: &PgRow| frame.decode(row, &[], |_| log::positioned(row));
        let events = self.fetch(org, query, decode).await?;
        let mut slices = frame.slices(events);
        Ok(slices.pop().expect("one page was asked for"))
    }
}

impl Order<Positioned<StoredEvent>> for ByPosition {
    const LIST: &'static str = List::LOG.name;

    fn sort(self) -> Sort {
        Sort::Position
    }

    fn key(self, event: &Positioned<StoredEvent>) -> Key {
        Key::Position(event.position)
    }
}

fn push_select(
    query: &mut QueryBuilder<Postgres>,
    events: OrganizationEvents<'_>,
    filter: &HistoryFilter,
) {
    let HistoryFilter {
        stream: _,
        event_types,
        actor,
        from,
        until,
    } = filter;
    log::push_organization(query, events);
    if let Some(types) = event_types {
        query
            .push(" and e.event_type = any(")
            .push_bind(types)
            .push(")");
    }
    if let Some(actor) = actor {
        query.push(" and e.metadata->>'actor' = ").push_bind(actor);
    }
    for (operator, time) in [(" >= ", from), (" < ", until)] {
        if let Some(time) = time {
            query
                .push(" and ")
                .push(OCCURRED_AT)
                .push(operator)
                .push_bind(*time);
        }
    }
}

/// The business time of an event. Postgres refuses the leap seconds that older programs took.
const OCCURRED_AT: &str = "replace(e.metadata->>'occurred_at', ':60', ':59')::timestamptz";
