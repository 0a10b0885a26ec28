//! Keyset pagination: a page begins where a cursor points, not after a number of rows, so that pages
//! neither repeat nor skip a row when others are inserted meanwhile.
//!
//! A cursor is opaque, URL-safe text that holds the sort key and the id of its row. It stays valid
//! when its row changes or leaves the list.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use domain::name::DropletName;
use event_store::envelope::Position;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::reader::ReadError;

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

/// The columns that a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `created_at`, then `id`.
    CreatedAt,
    /// `updated_at`, then `id`.
    UpdatedAt,
    /// `name`, then `id`.
    Name,
    /// `position`.
    Position,
}

/// The values of those columns in one row: the content of a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// Of [`Sort::CreatedAt`].
    CreatedAt(DateTime<Utc>, Uuid),
    /// Of [`Sort::UpdatedAt`].
    UpdatedAt(DateTime<Utc>, Uuid),
    /// Of [`Sort::Name`].
    Name(DropletName, Uuid),
    /// Of [`Sort::Position`].
    Position(Position),
}

impl Key {
    /// Writes the cursor.
    #[must_use]
    pub fn to_cursor(&self) -> String {
        let json = serde_json::to_vec(self).expect("times, names and ids are JSON");
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a cursor of a list that is sorted this way.
    ///
    /// # Errors
    /// [`ReadError::InvalidCursor`] when the text is no cursor, or one of another order.
    pub fn from_cursor(cursor: &str, sort: Sort) -> Result<Self, ReadError> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
        let key: Option<Self> = json.and_then(|json| serde_json::from_slice(&json).ok());
        key.filter(|key| key.sort() == sort && key.is_storable())
            .ok_or(ReadError::InvalidCursor)
    }

    fn sort(&self) -> Sort {
        match self {
            Self::CreatedAt(..) => Sort::CreatedAt,
            Self::UpdatedAt(..) => Sort::UpdatedAt,
            Self::Name(..) => Sort::Name,
            Self::Position(_) => Sort::Position,
        }
    }

    /// Whether Postgres can compare with it: its times end before ours.
    fn is_storable(&self) -> bool {
        match self {
            Self::CreatedAt(time, _) | Self::UpdatedAt(time, _) => {
                (1..=9999).contains(&time.year())
            }
            Self::Name(..) | Self::Position(_) => true,
        }
    }
}

impl Sort {
    fn columns(self) -> &'static str {
        match self {
            Self::CreatedAt => "(created_at, id)",
            Self::UpdatedAt => "(updated_at, id)",
            Self::Name => "(name, id)",
            Self::Position => "(position)",
        }
    }

    fn order_by(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::CreatedAt, Direction::Ascending) => "created_at, id",
            (Self::CreatedAt, Direction::Descending) => "created_at desc, id desc",
            (Self::UpdatedAt, Direction::Ascending) => "updated_at, id",
            (Self::UpdatedAt, Direction::Descending) => "updated_at desc, id desc",
            (Self::Name, Direction::Ascending) => "name, id",
            (Self::Name, Direction::Descending) => "name desc, id desc",
            (Self::Position, Direction::Ascending) => "position",
            (Self::Position, Direction::Descending) => "position desc",
        }
    }
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
        push_bound(&mut query, page.direction.later(), key);
    }
    if let Some(before) = &page.before {
        let key = Key::from_cursor(before, sort)?;
        push_bound(&mut query, page.direction.reversed().later(), key);
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

fn push_bound(query: &mut QueryBuilder<Postgres>, operator: &str, key: Key) {
    query
        .push(" and ")
        .push(key.sort().columns())
        .push(operator);
    query.push("(");
    match key {
        Key::CreatedAt(time, id) | Key::UpdatedAt(time, id) => {
            query.push_bind(time).push(", ").push_bind(id);
        }
        Key::Name(name, id) => {
            query.push_bind(name.as_str()).push(", ").push_bind(id);
        }
        Key::Position(position) => {
            query.push_bind(position.0);
        }
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Key {
        let name = DropletName::parse(text).expect("is a name");
        Key::Name(name, Uuid::from_u128(7))
    }

    #[test]
    fn a_cursor_is_read_back_and_safe_in_urls() {
        let cursor = name("web-1").to_cursor();
        assert!(
            cursor
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        let key = Key::from_cursor(&cursor, Sort::Name).expect("is a cursor");
        assert_eq!(key, name("web-1"));
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let cursor = name("web-1").to_cursor();
        for sort in [Sort::CreatedAt, Sort::UpdatedAt, Sort::Position] {
            let refused = Key::from_cursor(&cursor, sort);
            assert!(matches!(refused, Err(ReadError::InvalidCursor)), "{sort:?}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let of = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        for text in [
            String::new(),
            "web-1".to_owned(),
            "é".to_owned(),
            of("{}"),
            of(r#"{"name":["a\u0000b","00000000-0000-0000-0000-000000000007"]}"#),
            of(
                r#"{"created_at":["+200000-01-01T00:00:00Z","00000000-0000-0000-0000-000000000007"]}"#,
            ),
        ] {
            for sort in [Sort::CreatedAt, Sort::Name] {
                assert!(Key::from_cursor(&text, sort).is_err(), "{text:?} was taken");
            }
        }
    }
}
