//! Keyset pagination: a page begins where a cursor points, not after a number of rows, so that pages
//! neither repeat nor skip a row when others are inserted meanwhile.
//!
//! A cursor is opaque, URL-safe text that holds the sort key and the id of its row. It stays valid
//! when its row changes or leaves the list.

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use crate::reader::ReadError;

mod key;

pub use self::key::{Key, Sort};

/// Which part of a list is wanted.
#[derive(Debug, Clone)]
pub struct Page<O> {
    /// From which end, and how many. The caller bounds it.
    pub take: Take,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
    /// What the list is ordered by.
    pub order: O,
    /// Which way.
    pub direction: Direction,
}

/// From which end of the list a page is taken. The items are in the list's order in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The first so many.
    First(u32),
    /// The last so many.
    Last(u32),
}

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest, oldest first.
    Ascending,
    /// Largest, newest first.
    Descending,
}

/// The order of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByPosition;

/// A page as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// The items, in the list's order.
    pub items: Vec<Item<T>>,
    /// Whether there is more after them.
    pub has_next: bool,
    /// Whether there is more before them.
    pub has_previous: bool,
}

/// One item of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<T> {
    /// Where it stands in the list.
    pub cursor: String,
    /// What stands there.
    pub node: T,
}

/// An order of lists of `R`.
pub trait Order<R>: Copy {
    /// The columns that the list is sorted by.
    fn sort(self) -> Sort;

    /// Where a row stands.
    fn key(self, row: &R) -> Key;
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// How what comes later in the list compares with what comes earlier.
    fn later(self) -> &'static str {
        match self {
            Self::Ascending => " > ",
            Self::Descending => " < ",
        }
    }
}

/// Completes a query, which ends in its conditions, by the page's bounds, order and limit, and runs it.
pub(crate) async fn fetch<R, O: Order<R>>(
    connection: &mut PgConnection,
    mut query: QueryBuilder<Postgres>,
    page: &Page<O>,
    decode: fn(&PgRow) -> Result<R, sqlx::Error>,
) -> Result<Slice<R>, ReadError> {
    let sort = page.order.sort();
    if let Some(after) = &page.after {
        let key = Key::from_cursor(after, sort)?;
        key.push_bound(&mut query, page.direction.later());
    }
    if let Some(before) = &page.before {
        let key = Key::from_cursor(before, sort)?;
        key.push_bound(&mut query, page.direction.reversed().later());
    }
    let (wanted, walk) = match page.take {
        Take::First(wanted) => (wanted, page.direction),
        Take::Last(wanted) => (wanted, page.direction.reversed()),
    };
    query.push(" order by ").push(sort.order_by(walk));
    // One more, to see whether there is more.
    query.push(" limit ").push_bind(i64::from(wanted) + 1);
    let rows = query.build().fetch_all(connection).await?;

    let wanted = usize::try_from(wanted).expect("32 bits fit a usize");
    let more = rows.len() > wanted;
    let mut items = Vec::with_capacity(rows.len().min(wanted));
    for row in rows.iter().take(wanted) {
        let node = decode(row)?;
        let cursor = page.order.key(&node).to_cursor();
        items.push(Item { cursor, node });
    }
    // At the end that was not walked to stands the row of the cursor itself.
    let (has_next, has_previous) = match page.take {
        Take::First(_) => (more, page.after.is_some()),
        Take::Last(_) => {
            items.reverse();
            (page.before.is_some(), more)
        }
    };
    Ok(Slice {
        items,
        has_next,
        has_previous,
    })
}

/// Decodes a row of one JSON column.
pub(crate) fn json_row<T: DeserializeOwned>(row: &PgRow) -> Result<T, sqlx::Error> {
    row.try_get(0).map(|Json(value)| value)
}
