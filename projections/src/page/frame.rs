//! Builds the statement for pages: of one list or of a list for each of several parents, with or without the position
//! that they show.

use std::marker::PhantomData;

use event_store::envelope::Position;
use event_store::incarnation::{IncarnationId, Lineage};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Cursor, Direction, Item, Key, List, LogCursor, Order, Page, Place, Slice, Sort, Take};
use crate::model::Cells;
use crate::reader::ReadError;

/// The sizes of pages whose plans Postgres keeps: they are part of the statement. A bound limit counts as a tenth of
/// the table, so that each execution is planned again. Other sizes are bound, because a connection keeps only some
/// statements.
const USUAL: [u32; 11] = [0, 1, 2, 3, 5, 10, 20, 25, 30, 50, 100];

/// The most rows that a page looks at if few of them may be its items. So no statement reads for long, whatever the
/// filter.
pub const LOOKED_AT: u32 = 10_000;
/// The column that is true in the last row that a page looked at.
const ENDS_LOOK: &str = "ends_look";

/// A page that is wanted, of a list of `R`.
pub(crate) struct Frame<'asked, R, O> {
    page: &'asked Page<O>,
    list: List,
    lineage: &'asked Lineage,
    /// The query of the position that the page shows, if it is wanted.
    as_of: Option<String>,
    parents: Option<Parents<'asked>>,
    rows: PhantomData<fn() -> R>,
}

/// The parents of lists: each list has the rows whose column is the id of one of them.
#[derive(Clone, Copy)]
pub(crate) struct Parents<'asked> {
    pub(crate) column: &'static str,
    pub(crate) ids: &'asked [Uuid],
}

/// A row of the answer.
pub(crate) struct Framed<R> {
    as_of: Option<Position>,
    /// The place of the parent among the parents, from 0.
    parent: usize,
    /// `None` if the list is empty. Boxed, because a row has hundreds of bytes, and moves from list to list.
    row: Option<Box<R>>,
    /// True if the row is no item: it is the last one that the page looked at.
    ends_look: bool,
}

impl<'asked, R, O: Order<R>> Frame<'asked, R, O> {
    /// Asks for one page, in the current one of these incarnations of the log. `as_of` is the query of the position
    /// that all rows show.
    pub(crate) fn of(
        page: &'asked Page<O>,
        lineage: &'asked Lineage,
        as_of: impl FnOnce() -> String,
    ) -> Self {
        Self {
            page,
            list: page.list(),
            lineage,
            as_of: page.as_of.then(as_of),
            parents: None,
            rows: PhantomData,
        }
    }

    /// Asks for a page for each parent, if there are parents.
    pub(crate) fn by(self, parents: Option<Parents<'asked>>) -> Self {
        Self { parents, ..self }
    }

    /// Builds the statement. `select` adds the query of all rows of the list, which ends in its conditions.
    pub(crate) fn query(
        &self,
        select: impl FnOnce(&mut QueryBuilder<Postgres>),
    ) -> Result<QueryBuilder<Postgres>, ReadError> {
        self.query_of(|query| self.rows(query, select))
    }

    /// Builds the statement of one page of few items among many rows. It looks at [`LOOKED_AT`] rows at most, and tells
    /// the last one of them if there may be more items after it.
    ///
    /// `select` adds the query of all rows that are looked at, with the columns of the order, which ends in its
    /// conditions. `columns` are those of an item, with the columns of the order but `id`; `filter` adds the conditions
    /// of items. `select` is called twice. All is one statement, so that the last row is one of those that were looked
    /// at, whatever is inserted or dropped meanwhile.
    pub(crate) fn query_among(
        &self,
        columns: &str,
        select: impl Fn(&mut QueryBuilder<Postgres>),
        filter: impl Fn(&mut QueryBuilder<Postgres>),
    ) -> Result<QueryBuilder<Postgres>, ReadError> {
        self.query_of(|query| {
            let order = self.list.sort.order_by(self.walk());
            let (Take::First(wanted) | Take::Last(wanted)) = self.page.take;
            let id = match self.list.sort {
                Sort::Time(_) | Sort::Text(_) => ", id",
                Sort::Position => "",
            };
            query.push(format!("with item as (select {columns}{id} from ("));
            select(query);
            self.cursors(query)?;
            query.push(format!(" order by {order} limit {LOOKED_AT}) looked_at where true"));
            filter(query);
            query.push(format!(" order by {order} limit "));
            self.push_limit(query);
            query.push(format!(
                ") select *, false as {ENDS_LOOK} from item union all select {columns}{id}, true from ("
            ));
            select(query);
            self.cursors(query)?;
            query
                .push(" and (select count(*) from item) <= ")
                .push_bind(i64::from(wanted));
            let last = LOOKED_AT - 1;
            query.push(format!(" order by {order} offset {last} limit 1) looked_at order by {order}"));
            Ok(())
        })
    }

    /// Builds the statement from the query of the rows of one page.
    fn query_of(
        &self,
        rows: impl FnOnce(&mut QueryBuilder<Postgres>) -> Result<(), ReadError>,
    ) -> Result<QueryBuilder<Postgres>, ReadError> {
        let mut query = QueryBuilder::new("");
        if self.is_plain() {
            rows(&mut query)?;
            return Ok(query);
        }
        let several = self.several_parents();
        query.push("select ");
        if self.as_of.is_some() {
            query.push("a.as_of, ");
        }
        if several.is_some() {
            query.push("p.place, ");
        }
        query.push("q.* from ");
        if let Some(as_of) = &self.as_of {
            query.push("(select (").push(as_of).push(") as as_of) a");
        }
        if let Some(parents) = several {
            let cross = if self.as_of.is_some() {
                " cross join "
            } else {
                ""
            };
            query.push(cross).push("unnest(").push_bind(parents.ids);
            query.push("::uuid[]) with ordinality as p(parent, place)");
        }
        // So that there is a row for an empty page too.
        query.push(" left join lateral (");
        rows(&mut query)?;
        query.push(") q on true order by ");
        if several.is_some() {
            query.push("p.place, ");
        }
        query.push(self.list.sort.order_by(self.walk()));
        Ok(query)
    }

    /// Returns the columns that the list is sorted by.
    pub(crate) fn sort(&self) -> Sort {
        self.list.sort
    }

    /// Decodes a row of the answer; `decode` reads the cells of the list's row. The first of those that are in the
    /// row is never null.
    pub(crate) fn decode(
        &self,
        row: &PgRow,
        are_read: &[bool],
        decode: impl FnOnce(&mut Cells<'_>) -> Result<R, sqlx::Error>,
    ) -> Result<Framed<R>, sqlx::Error> {
        let mut cells = Cells::of(row);
        let as_of = match self.as_of {
            Some(_) => Some(cells.number()?),
            None => None,
        };
        let parent = match self.several_parents() {
            Some(_) => cells.number::<usize>()? - 1,
            None => 0,
        };
        let is_empty = !self.is_plain() && cells.is_null()?;
        Ok(Framed {
            as_of,
            parent,
            row: if is_empty {
                None
            } else {
                Some(Box::new(decode(&mut cells.of_columns(are_read))?))
            },
            ends_look: false,
        })
    }

    /// Decodes a row of the answer to [`Frame::query_among`], like [`Frame::decode`].
    pub(crate) fn decode_among(
        &self,
        row: &PgRow,
        are_read: &[bool],
        decode: impl FnOnce(&mut Cells<'_>) -> Result<R, sqlx::Error>,
    ) -> Result<Framed<R>, sqlx::Error> {
        let framed = self.decode(row, are_read, decode)?;
        Ok(Framed {
            ends_look: row.try_get::<Option<bool>, _>(ENDS_LOOK)? == Some(true),
            ..framed
        })
    }

    /// Makes the pages of the answer: one for each parent, or one. The rows are in the order of their parents.
    pub(crate) fn slices(&self, rows: Vec<Framed<R>>) -> Vec<Slice<R>> {
        let count = self.parents.map_or(1, |parents| parents.ids.len());
        let as_of = rows.first().and_then(|row| row.as_of);
        let mut rows = rows.into_iter().peekable();
        let slices = (0..count).map(|parent| {
            let own = std::iter::from_fn(|| rows.next_if(|row| row.parent == parent));
            self.slice(own, as_of)
        });
        slices.collect()
    }

    fn slice(&self, rows: impl Iterator<Item = Framed<R>>, as_of: Option<Position>) -> Slice<R> {
        let page = self.page;
        let (Take::First(wanted) | Take::Last(wanted)) = page.take;
        let wanted = usize::try_from(wanted).expect("32 bits fit a usize");
        let cursor =
            |node: &R| Cursor::new(self.list, page.order.key(node), self.lineage.current().id);
        let mut looked_at_to = None;
        // At one place, the row that ends the look and an item can come in any order.
        let mut items = Vec::new();
        for Framed { row, ends_look, .. } in rows {
            match row {
                Some(node) if ends_look => looked_at_to = Some(cursor(&node)),
                Some(node) => items.push(Item {
                    cursor: cursor(&node),
                    node,
                }),
                None => {}
            }
        }
        let more = items.len() > wanted || looked_at_to.is_some();
        items.truncate(wanted);
        let is_reversed = matches!(page.take, Take::Last(_));
        if is_reversed {
            items.reverse();
        }
        let mut start = items.first().map(|item| item.cursor.clone());
        let mut end = items.last().map(|item| item.cursor.clone());
        if looked_at_to.is_some() {
            *(if is_reversed { &mut start } else { &mut end }) = looked_at_to;
        }
        // At the end that was not walked to stands the row of the cursor itself.
        let (has_next, has_previous) = match page.take {
            Take::First(_) => (more, page.after.is_some()),
            Take::Last(_) => (page.before.is_some(), more),
        };
        Slice {
            items,
            has_next,
            has_previous,
            start,
            end,
            as_of: as_of.map(|position| LogCursor {
                position,
                incarnation: Some(self.lineage.current().id),
            }),
        }
    }

    /// Returns the positions that all rows come after and before, by the cursors of the page.
    pub(crate) fn positions(&self) -> Result<(Position, Position), ReadError> {
        let position = |cursor: &Option<String>| match cursor.as_deref().map(|c| self.key(c)) {
            Some(Ok(Key::Position(position))) => Ok(Some(position)),
            Some(Ok(Key::Time(..) | Key::Text(..))) => Err(ReadError::InvalidCursor),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        let (after, before) = (position(&self.page.after)?, position(&self.page.before)?);
        let (low, high) = match self.page.direction {
            Direction::Ascending => (after, before),
            Direction::Descending => (before, after),
        };
        let last = Position(i64::MAX);
        Ok((low.unwrap_or(Position::START), high.unwrap_or(last)))
    }

    /// True if the query of the rows is the whole statement.
    fn is_plain(&self) -> bool {
        self.as_of.is_none() && self.several_parents().is_none()
    }

    /// The parents, if rows must tell which one is theirs.
    fn several_parents(&self) -> Option<Parents<'asked>> {
        self.parents.filter(|parents| parents.ids.len() != 1)
    }

    /// Adds the query of the rows of one page.
    fn rows(
        &self,
        query: &mut QueryBuilder<Postgres>,
        select: impl FnOnce(&mut QueryBuilder<Postgres>),
    ) -> Result<(), ReadError> {
        select(query);
        match self.parents {
            Some(Parents { column, ids: [one] }) => {
                query.push(" and ").push(column).push(" = ").push_bind(*one);
            }
            Some(Parents { column, .. }) => {
                query.push(" and ").push(column).push(" = p.parent");
            }
            None => {}
        }
        self.bound(query)
    }

    /// The direction in which the rows are walked.
    fn walk(&self) -> Direction {
        match self.page.take {
            Take::First(_) => self.page.direction,
            Take::Last(_) => self.page.direction.reversed(),
        }
    }

    /// Reads a cursor of the list.
    fn key(&self, cursor: &str) -> Result<Key, ReadError> {
        let Place { key, incarnation } = self.list.place(cursor)?;
        if let Key::Position(position) = key {
            let kept = self.lineage.check_position(incarnation, position);
            kept.map_err(ReadError::LostCursor)?;
        }
        Ok(key)
    }

    /// True if the page gives or takes positions of the log.
    fn concerns_positions(&self) -> bool {
        self.list.sort == Sort::Position || self.as_of.is_some()
    }

    /// Adds the bounds, the order and the limit of the page.
    fn bound(&self, query: &mut QueryBuilder<Postgres>) -> Result<(), ReadError> {
        self.cursors(query)?;
        let order = self.list.sort.order_by(self.walk());
        query.push(" order by ").push(order).push(" limit ");
        self.push_limit(query);
        Ok(())
    }

    /// Adds the bounds of the page, and the condition that they count.
    fn cursors(&self, query: &mut QueryBuilder<Postgres>) -> Result<(), ReadError> {
        let (page, sort) = (self.page, self.list.sort);
        if self.concerns_positions() {
            let IncarnationId(id) = self.lineage.current().id;
            query
                .push(" and es.demand_incarnation(")
                .push_bind(id)
                .push(")");
        }
        if let Some(after) = &page.after {
            let key = self.key(after)?;
            key.push_bound(query, sort, page.direction.later());
        }
        if let Some(before) = &page.before {
            let key = self.key(before)?;
            key.push_bound(query, sort, page.direction.reversed().later());
        }
        Ok(())
    }

    /// Adds the limit of the page: one more item than is wanted, to see whether there is more.
    fn push_limit(&self, query: &mut QueryBuilder<Postgres>) {
        let (Take::First(wanted) | Take::Last(wanted)) = self.page.take;
        let limit = i64::from(wanted) + 1;
        if USUAL.contains(&wanted) {
            query.push(limit);
        } else {
            query.push_bind(limit);
        }
    }
}
