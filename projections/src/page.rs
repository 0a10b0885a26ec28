//! Keyset pagination: a page begins at a cursor, not after a number of rows. So pages neither repeat nor
//! skip a row when others are inserted meanwhile.
//!
//! A cursor is opaque, URL-safe text that holds the sort key and the id of its row. It stays valid when
//! its row changes or leaves the list.

use sqlx::{Postgres, QueryBuilder};

use crate::list::Columns;
use crate::reader::ReadError;

mod key;

pub use self::key::{Key, Sort};

/// The part of a list that is wanted.
#[derive(Debug, Clone)]
pub struct Page<O> {
    /// The end of the list that the page is taken from, and the number of items. The caller bounds the
    /// number.
    pub take: Take,
    /// The cursor that all items come after.
    pub after: Option<String>,
    /// The cursor that all items come before.
    pub before: Option<String>,
    /// The order of the list.
    pub order: O,
    /// The direction of the order.
    pub direction: Direction,
    /// The columns that are read.
    pub columns: Columns,
}

/// The end of the list that a page is taken from. The items are in the list's order in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The beginning: at most so many first items.
    First(u32),
    /// The end: at most so many last items.
    Last(u32),
}

/// The direction of a list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    Descending,
}

/// The order of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByPosition;

/// A page that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// The items, in the list's order.
    pub items: Vec<Item<T>>,
    /// True if there is more after the items.
    pub has_next: bool,
    /// True if there is more before the items.
    pub has_previous: bool,
}

/// An item of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<T> {
    /// The place of the item in the list.
    pub cursor: String,
    /// The item itself.
    pub node: T,
}

/// An order of lists of `R`.
pub trait Order<R>: Copy {
    /// The columns that the list is sorted by.
    fn sort(self) -> Sort;

    /// Returns the key of a row: its place in the list.
    fn key(self, row: &R) -> Key;
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// Returns the operator that compares a later key with an earlier one.
    fn later(self) -> &'static str {
        match self {
            Self::Ascending => " > ",
            Self::Descending => " < ",
        }
    }
}

/// Completes a query, which ends in its conditions, by the page's bounds, order and limit.
pub(crate) fn bound<R, O: Order<R>>(
    query: &mut QueryBuilder<Postgres>,
    page: &Page<O>,
) -> Result<(), ReadError> {
    let sort = page.order.sort();
    if let Some(after) = &page.after {
        let key = Key::from_cursor(after, sort)?;
        key.push_bound(query, page.direction.later());
    }
    if let Some(before) = &page.before {
        let key = Key::from_cursor(before, sort)?;
        key.push_bound(query, page.direction.reversed().later());
    }
    let (wanted, walk) = match page.take {
        Take::First(wanted) => (wanted, page.direction),
        Take::Last(wanted) => (wanted, page.direction.reversed()),
    };
    query.push(" order by ").push(sort.order_by(walk));
    // One more, to see whether there is more.
    query.push(" limit ").push_bind(i64::from(wanted) + 1);
    Ok(())
}

/// Makes the page of the rows that a query gave, which [`bound`] has completed.
pub(crate) fn slice<R, O: Order<R>>(rows: Vec<R>, page: &Page<O>) -> Slice<R> {
    let (Take::First(wanted) | Take::Last(wanted)) = page.take;
    let wanted = usize::try_from(wanted).expect("32 bits fit a usize");
    let more = rows.len() > wanted;
    let items = rows.into_iter().take(wanted).map(|node| Item {
        cursor: page.order.key(&node).to_cursor(),
        node,
    });
    let mut items: Vec<_> = items.collect();
    // At the end that was not walked to stands the row of the cursor itself.
    let (has_next, has_previous) = match page.take {
        Take::First(_) => (more, page.after.is_some()),
        Take::Last(_) => {
            items.reverse();
            (page.before.is_some(), more)
        }
    };
    Slice {
        items,
        has_next,
        has_previous,
    }
}
