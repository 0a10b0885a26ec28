//! Reads the rows of a model as clients ask for them: one, several by their ids, or a page. Also counts
//! the rows that a filter lets through.
//!
//! All reads go through the view `read_v1.NAME` of the model, whose columns include the fields of the
//! row. They use a session that sees one organization only.

use std::collections::HashMap;

use domain::ids::OrgId;
use event_store::consume::shown;
use event_store::envelope::StreamId;
use event_store::incarnation::Lineage;
use sqlx::postgres::PgRow;
use sqlx::{Encode, Postgres, QueryBuilder, Row, Type};
use uuid::Uuid;

use crate::columns::Columns;
use crate::model::{Cells, FromCells, Model};
use crate::page::{Frame, Order, Page, Parents, Slice};
use crate::reader::{ReadError, Reader};

mod named;
mod nested;
pub(crate) mod select;

pub use self::named::Named;

/// A model whose rows clients list.
pub trait Listed: Model {
    /// The filter of lists.
    type Filter: Filter;
    /// The order of lists.
    type Order: Order<Self::Row> + Send + Sync;
}

/// A filter of a model's rows; the default is the one of a client that gives none.
pub trait Filter: Default + Send + Sync {
    /// Adds the conditions that rows must meet.
    fn restrict(&self, conditions: &mut Conditions<'_>);
}

/// The status of rows that a list omits by default.
const DELETED: &str = "DELETED";

/// A query that gets conditions. Columns are names in this program's code, and values are bound.
pub struct Conditions<'query>(&'query mut QueryBuilder<Postgres>);

impl Conditions<'_> {
    /// Requires that the column has this value.
    pub fn equal<'value>(
        &mut self,
        column: &'static str,
        value: impl Encode<'value, Postgres> + Type<Postgres>,
    ) {
        self.0.push(" and ").push(column).push(" = ");
        self.0.push_bind(value);
    }

    /// Requires that the column has one of these texts: no row has one of none. `None` requires nothing.
    pub fn one_of<'text>(
        &mut self,
        column: &'static str,
        texts: Option<impl IntoIterator<Item = &'text str>>,
    ) {
        if let Some(texts) = texts {
            let texts: Vec<_> = texts.into_iter().collect();
            self.0.push(" and ").push(column);
            push_one_of(self.0, &texts);
        }
    }

    /// Requires that the status is one of these: no row has one of none. `None` lets all through but `DELETED`.
    pub fn status_of<'text>(&mut self, statuses: Option<impl IntoIterator<Item = &'text str>>) {
        let statuses: Option<Vec<_>> = statuses.map(|statuses| statuses.into_iter().collect());
        // Part of the statement, and not implied by a bound value, so that an index of what is not deleted serves.
        if !statuses.as_ref().is_some_and(|all| all.contains(&DELETED)) {
            self.0.push(format!(" and status <> '{DELETED}'"));
        }
        self.one_of("status", statuses);
    }

    /// Requires that the text of the column contains this one, in upper or lower case.
    pub fn contains(&mut self, column: &'static str, text: &str) {
        self.0.push(" and strpos(lower(").push(column);
        self.0.push("), lower(").push_bind(text).push(")) > 0");
    }

    /// Requires that the array of the column has all of these texts: every row has all of none.
    pub fn has_all<'text>(
        &mut self,
        column: &'static str,
        texts: impl IntoIterator<Item = &'text str>,
    ) {
        let texts: Vec<_> = texts.into_iter().collect();
        if !texts.is_empty() {
            self.0.push(" and ").push(column).push(" @> ");
            self.0.push_bind(texts);
        }
    }
}

impl Reader {
    /// Returns the row of a stream of an organization.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn row<M: Model>(
        &self,
        org: &OrgId,
        stream: impl Into<StreamId>,
        columns: &Columns,
    ) -> Result<Option<M::Row>, ReadError> {
        let id = stream.into().uuid;
        let mut rows = self.rows::<M>(org, &[id], columns).await?;
        Ok(rows.remove(&id))
    }

    /// Returns the rows of those of these streams that the organization has, by id. One statement reads
    /// them, however many they are.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn rows<M: Model>(
        &self,
        org: &OrgId,
        ids: &[Uuid],
        columns: &Columns,
    ) -> Result<HashMap<Uuid, M::Row>, ReadError> {
        let build = |columns: &str| {
            let mut query = QueryBuilder::new("");
            push_select::<M>(&mut query, columns, org);
            query.push(" and id");
            push_one_of(&mut query, ids);
            Ok(query)
        };
        let decode = |row: &PgRow, are_read: &[bool]| {
            let cells = || Cells::of(row).of_columns(are_read);
            // The first column of every row.
            let id = cells().uuid()?;
            Ok((id, M::Row::from_cells(&mut cells())?))
        };
        let rows = self
            .select::<M::Row, _>(org, (M::NAME, columns, &["id"]), build, decode)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// Returns the page of an organization's rows.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn page<M: Listed>(
        &self,
        org: &OrgId,
        filter: &M::Filter,
        page: &Page<M::Order>,
    ) -> Result<Slice<M::Row>, ReadError> {
        let mut slices = self.slices::<M>(org, filter, page, None).await?;
        Ok(slices.pop().expect("one page was asked for"))
    }

    /// Reads a page, or one for each parent, in one statement.
    async fn slices<M: Listed>(
        &self,
        org: &OrgId,
        filter: &M::Filter,
        page: &Page<M::Order>,
        parents: Option<Parents<'_>>,
    ) -> Result<Vec<Slice<M::Row>>, ReadError> {
        let lineage = self.lineage(org, page).await?;
        match self
            .slices_in::<M>(&lineage, org, filter, page, parents)
            .await
        {
            Err(failed) => {
                let lineage = self.lineage_after(&lineage, failed).await?;
                self.slices_in::<M>(&lineage, org, filter, page, parents)
                    .await
            }
            read => read,
        }
    }

    async fn slices_in<M: Listed>(
        &self,
        lineage: &Lineage,
        org: &OrgId,
        filter: &M::Filter,
        page: &Page<M::Order>,
        parents: Option<Parents<'_>>,
    ) -> Result<Vec<Slice<M::Row>>, ReadError> {
        let frame = Frame::of(page, lineage, || shown::query(M::NAME, M::OF)).by(parents);
        let build = |columns: &str| {
            frame.query(|query| {
                push_select::<M>(query, columns, org);
                filter.restrict(&mut Conditions(query));
            })
        };
        let decode =
            |row: &PgRow, are_read: &[bool]| frame.decode(row, are_read, M::Row::from_cells);
        let needed = frame.sort().columns();
        let rows = self
            .select::<M::Row, _>(org, (M::NAME, &page.columns, &needed), build, decode)
            .await?;
        Ok(frame.slices(rows))
    }

    /// Counts the rows of an organization that the filter lets through.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn total<M: Listed>(
        &self,
        org: &OrgId,
        filter: &M::Filter,
    ) -> Result<i64, ReadError> {
        let mut query = QueryBuilder::new("");
        push_select::<M>(&mut query, "count(*)", org);
        filter.restrict(&mut Conditions(&mut query));
        let total = self.fetch(org, query, |row| row.try_get(0)).await?;
        Ok(total.into_iter().next().ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// Adds a condition: equal to one of these values. Postgres plans a statement with an array again for each
/// execution, and keeps the plan of one with a single value.
fn push_one_of<'value, T>(query: &mut QueryBuilder<Postgres>, values: &'value [T])
where
    T: Encode<'value, Postgres> + Type<Postgres> + Copy,
    &'value [T]: Encode<'value, Postgres> + Type<Postgres>,
{
    match values {
        [one] => query.push(" = ").push_bind(*one),
        several => query.push(" = any(").push_bind(several).push(")"),
    };
}

/// Adds a query of a model's rows, whose last condition is the organization.
pub(crate) fn push_select<M: Model>(query: &mut QueryBuilder<Postgres>, what: &str, org: &OrgId) {
    query.push("select ").push(what);
    query.push(" from read_v1.").push(M::NAME);
    query.push(" where org_id = ").push_bind(org.as_str());
}
