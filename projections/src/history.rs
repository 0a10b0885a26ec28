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
    /// Returns a page of an organization's history. A page of all streams with a filter looks at
    /// [`LOOKED_AT`](crate::page::LOOKED_AT) events at most: if few of them pass, it has fewer items than are wanted, and
    /// tells that there is more.
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
        let select = |query: &mut QueryBuilder<Postgres>| log::push_organization(query, events);
        let events = if filter.is_of_few() {
            let push_filter = |query: &mut _| push_filter(query, filter, "looked_at");
            let query = frame.query_among("*", select, push_filter)?;
            let decode = |row: &PgRow| frame.decode_among(row, &[], |_| log::positioned(row));
            self.fetch(org, query, decode).await?
        } else {
            let query = frame.query(|query| {
                select(query);
                push_filter(query, filter, "e");
            })?;
            let decode = |row: &PgRow| frame.decode(row, &[], |_| log::positioned(row));
            self.fetch(org, query, decode).await?
        };
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

impl HistoryFilter {
    /// True if few of many events may pass, and no index finds them.
    fn is_of_few(&self) -> bool {
        let Self {
            stream,
            event_types,
            actor,
            from,
            until,
        } = self;
        let is_restricted =
            event_types.is_some() || actor.is_some() || from.is_some() || until.is_some();
        is_restricted && stream.is_none()
    }
}

/// Adds the conditions of events. `events` names the rows that have the columns of events.
fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &HistoryFilter, events: &str) {
    let HistoryFilter {
        stream: _,
        event_types,
        actor,
        from,
        until,
    } = filter;
    // Text where the columns of a page were selected.
    let metadata = format!("({events}.metadata::json)");
    if let Some(types) = event_types {
        query
            .push(format!(" and {events}.event_type = any("))
            .push_bind(types.clone())
            .push(")");
    }
    if let Some(actor) = actor {
        query
            .push(format!(" and {metadata}->>'actor' = "))
            .push_bind(actor.clone());
    }
    for (operator, time) in [(" >= ", from), (" < ", until)] {
        if let Some(time) = time {
            // Postgres refuses the leap seconds that older programs took.
            query
                .push(format!(
                    " and replace({metadata}->>'occurred_at', ':60', ':59')::timestamptz{operator}"
                ))
                .push_bind(*time);
        }
    }
}
