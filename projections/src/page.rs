//! Keyset pagination: a page begins at a cursor, not after a number of rows. So pages neither repeat nor
//! skip a row when others are inserted meanwhile.
//!
//! A cursor is opaque, URL-safe text that holds its list, order and direction, and the sort key and the id of its
//! row. It stays valid when its row changes or leaves the list. Another list refuses it.
//!
//! The cursor of a position also holds the incarnation of the log. A list refuses one of a position that the log lost:
//! another event may have the position by now. The statement of such a page demands the incarnation that its cursors
//! were judged by.

use crate::columns::Columns;

// Named by code that writes cursors, such as the API, which does not import the event store.
pub use event_store::envelope::Position;
pub use event_store::incarnation::IncarnationId;

mod frame;
mod key;
mod lineage;
mod list;

pub use self::frame::LOOKED_AT;
pub(crate) use self::frame::{Frame, Parents};
pub use self::key::{Key, Sort};
pub use self::list::{Cursor, List, LogCursor, Place, log_cursor, log_position};

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
    /// True if the position that the page shows is wanted.
    pub as_of: bool,
}

impl<O> Page<O> {
    /// Asks for the items at one end of a list, with all columns and without the position.
    #[must_use]
    pub fn of(take: Take, order: O, direction: Direction) -> Self {
        Self {
            take,
            after: None,
            before: None,
            order,
            direction,
            columns: Columns::All,
            as_of: false,
        }
    }

    /// Returns the list of `R` that the page is taken from.
    #[must_use]
    pub fn list<R>(&self) -> List
    where
        O: Order<R>,
    {
        List {
            name: O::LIST,
            sort: self.order.sort(),
            direction: self.direction,
        }
    }
}

/// The end of the list that a page is taken from. The items are in the list's order in both cases. A page of 0
/// items still tells whether there is more.
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
    /// The place where the page starts: its first item, or the row before it where the search for items ended.
    pub start: Option<Cursor>,
    /// The place where the page ends: its last item, or the row after it where the search for items ended.
    pub end: Option<Cursor>,
    /// The position of the log that the page shows, if it was wanted: every event up to it is shown, and none
    /// after it. Streams that are parked are shown as they were before their parked event. With Kafka the
    /// page can show later events too: skip changes whose version it shows already.
    pub as_of: Option<LogCursor>,
}

/// An item of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<T> {
    /// The place of the item in the list.
    pub cursor: Cursor,
    /// The item itself.
    pub node: Box<T>,
}

/// An order of lists of `R`.
pub trait Order<R>: Copy {
    /// The name of the list, which its cursors carry.
    const LIST: &'static str;

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
