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
        let build = |columns: &str| frame.query(|query| push_select(query, columns, org, filter));
        let decode =
            |row: &PgRow, are_read: &[bool]| frame.decode(row, are_read, ActivityRow::from_cells);
        let columns = (NAME, &page.columns, &frame.sort().columns()[..]);
        let rows = self.select::<ActivityRow, _>(org, columns, build, decode);
        let mut slices = frame.slices(rows.await?);
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

fn push_select(
    query: &mut QueryBuilder<Postgres>,
    columns: &str,
    org: &OrgId,
    filter: &ActivityFilter,
) {
    query.push("select ").push(columns);
    query.push(" from read_v1.activity where org_id = ");
    query.push_bind(org.as_str());
    if let Some(kinds) = &filter.kinds {
        query.push(" and kind = any(").push_bind(kinds).push(")");
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
}
