//! Reads `read_v1.activity`.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use event_store::envelope::StreamId;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use super::ActivityRow;
use crate::model::{Cells, FromCells};
use crate::page::{self, ByPosition, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

/// A filter of activity lines; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct ActivityFilter {
    /// The kinds of the events, such as `droplet_activated`; empty for any.
    pub kinds: Vec<String>,
    /// The stream of the resource; `None` for any.
    pub resource: Option<StreamId>,
    /// The actor of the events; `None` for any.
    pub actor: Option<String>,
    /// The earliest business time of the events, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// The end of the business times of the events, exclusive.
    pub until: Option<DateTime<Utc>>,
}

impl Reader {
    /// Returns a page of an organization's activity.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn activity(
        &self,
        org: &OrgId,
        filter: &ActivityFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<ActivityRow>, ReadError> {
        let build = |columns: &str| {
            let mut query = select(columns, org, filter);
            page::bound::<ActivityRow, _>(&mut query, page)?;
            Ok(query)
        };
        let decode = |row: &PgRow| ActivityRow::from_cells(&mut Cells::of(row));
        let rows = self.select::<ActivityRow, _>(org, ("activity", page.columns), build, decode);
        Ok(page::slice(rows.await?, page))
    }
}

impl Order<ActivityRow> for ByPosition {
    fn sort(self) -> Sort {
        Sort::Position
    }

    fn key(self, row: &ActivityRow) -> Key {
        Key::Position(row.position)
    }
}

fn select(columns: &str, org: &OrgId, filter: &ActivityFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(columns)
        .push(" from read_v1.activity where org_id = ");
    query.push_bind(org.as_str());
    if !filter.kinds.is_empty() {
        query
            .push(" and kind = any(")
            .push_bind(&filter.kinds)
            .push(")");
    }
    if let Some(resource) = filter.resource {
        query.push(" and resource_id = ").push_bind(resource.uuid);
        let stream_type = resource.stream_type.to_string();
        query.push(" and resource_type = ").push_bind(stream_type);
    }
    if let Some(actor) = &filter.actor {
        query.push(" and actor = ").push_bind(actor);
    }
    if let Some(from) = filter.from {
        query.push(" and occurred_at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        query.push(" and occurred_at < ").push_bind(until);
    }
    query
}
