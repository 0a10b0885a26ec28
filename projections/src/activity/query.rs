//! Reads `read_v1.activity`.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use domain::stream_type::StreamType;
use event_store::consume::shown;
use event_store::envelope::StreamId;
use event_store::incarnation::Lineage;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use super::{ActivityRow, NAME};
use crate::model::FromCells;
use crate::page::{ByPosition, Frame, Key, Order, Page, Slice, Sort};
use crate::reader::{ReadError, Reader};

/// A filter of activity lines; the default lets all of them through.
#[derive(Debug, Clone, Default)]
pub struct ActivityFilter {
    /// The kinds of the events, such as `droplet_activated`; `None` for any.
    pub kinds: Option<Vec<String>>,
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
    /// Returns a page of an organization's activity. A page of all resources with a filter looks at
    /// [`LOOKED_AT`](crate::page::LOOKED_AT) lines at most: if few of them pass, it has fewer items than are wanted, and
    /// tells that there is more.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn activity(
        &self,
        org: &OrgId,
        filter: &ActivityFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<ActivityRow>, ReadError> {
        let lineage = self.lineage::<ActivityRow, _>(org, page).await?;
        match self.activity_in(&lineage, org, filter, page).await {
            Err(failed) => {
                let lineage = self.lineage_after(&lineage, failed).await?;
                self.activity_in(&lineage, org, filter, page).await
            }
            read => read,
        }
    }

    async fn activity_in(
        &self,
        lineage: &Lineage,
        org: &OrgId,
        filter: &ActivityFilter,
        page: &Page<ByPosition>,
    ) -> Result<Slice<ActivityRow>, ReadError> {
        let frame = Frame::of(page, lineage, || shown::query(NAME, StreamType::known()));
        let needed = frame.sort().columns();
        let columns = (NAME, &page.columns, &needed[..]);
        let rows = if filter.is_of_few() {
            let build = |columns: &str| {
                frame.query_among(
                    columns,
                    |query| push_select(query, "*", org, filter.resource),
                    |query| push_filter(query, filter),
                )
            };
            let decode = |row: &PgRow, are_read: &[bool]| {
                frame.decode_among(row, are_read, ActivityRow::from_cells)
            };
            self.select::<ActivityRow, _>(org, columns, build, decode)
                .await?
        } else {
            let build = |columns: &str| {
                frame.query(|query| {
                    push_select(query, columns, org, filter.resource);
                    push_filter(query, filter);
                })
            };
            let decode = |row: &PgRow, are_read: &[bool]| {
                frame.decode(row, are_read, ActivityRow::from_cells)
            };
            self.select::<ActivityRow, _>(org, columns, build, decode)
                .await?
        };
        let mut slices = frame.slices(rows);
        Ok(slices.pop().expect("one page was asked for"))
    }
}

impl Order<ActivityRow> for ByPosition {
    const LIST: &'static str = NAME;

    fn sort(self) -> Sort {
        Sort::Position
    }

    fn key(self, row: &ActivityRow) -> Key {
        Key::Position(row.position)
    }
}

impl ActivityFilter {
    /// True if few of many lines may pass, and no index finds them.
    fn is_of_few(&self) -> bool {
        let Self {
            kinds,
            resource,
            actor,
            from,
            until,
        } = self;
        let is_restricted = kinds.is_some() || actor.is_some() || from.is_some() || until.is_some();
        is_restricted && resource.is_none()
    }
}

fn push_select(
    query: &mut QueryBuilder<Postgres>,
    columns: &str,
    org: &OrgId,
    resource: Option<StreamId>,
) {
    query.push("select ").push(columns);
    query.push(" from read_v1.activity where org_id = ");
    query.push_bind(org.as_str().to_owned());
    if let Some(resource) = resource {
        query.push(" and resource_id = ").push_bind(resource.uuid);
        let stream_type = resource.stream_type.to_string();
        query.push(" and resource_type = ").push_bind(stream_type);
    }
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &ActivityFilter) {
    let ActivityFilter {
        kinds,
        resource: _,
        actor,
        from,
        until,
    } = filter;
    if let Some(kinds) = kinds {
        query
            .push(" and kind = any(")
            .push_bind(kinds.clone())
            .push(")");
    }
    if let Some(actor) = actor {
        query.push(" and actor = ").push_bind(actor.clone());
    }
    if let Some(from) = from {
        query.push(" and occurred_at >= ").push_bind(*from);
    }
    if let Some(until) = until {
        query.push(" and occurred_at < ").push_bind(*until);
    }
}
