//! The columns that lists are sorted by, and the place of a row in a list: the content of a cursor.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use event_store::envelope::Position;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::Direction;
use crate::reader::ReadError;

/// The columns that a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A column of times, then `id`.
    Time(&'static str),
    /// A column of texts, then `id`.
    Text(&'static str),
    /// The column `position`.
    Position,
}

/// The values of a [`Sort`]'s columns in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The values of [`Sort::Time`].
    Time(&'static str, DateTime<Utc>, Uuid),
    /// The values of [`Sort::Text`].
    Text(&'static str, String, Uuid),
    /// The value of [`Sort::Position`].
    Position(Position),
}

impl Key {
    /// Writes the cursor.
    #[must_use]
    pub fn to_cursor(&self) -> String {
        let json = match self {
            Self::Time(column, time, id) => json!({ *column: [time, id] }),
            Self::Text(column, text, id) => json!({ *column: [text, id] }),
            Self::Position(position) => json!({ POSITION: position }),
        };
        BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    }

    /// Reads a cursor of a list that is sorted this way.
    ///
    /// # Errors
    /// [`ReadError::InvalidCursor`] when the text is no cursor, or one of another order.
    pub fn from_cursor(cursor: &str, sort: Sort) -> Result<Self, ReadError> {
        let key = match sort {
            Sort::Time(column) => content(cursor, column)
                .filter(|(time, _)| is_storable(time))
                .map(|(time, id)| Self::Time(column, time, id)),
            Sort::Text(column) => content(cursor, column)
                .filter(|(text, _): &(String, _)| !text.contains('\0'))
                .map(|(text, id)| Self::Text(column, text, id)),
            Sort::Position => content(cursor, POSITION).map(Self::Position),
        };
        key.ok_or(ReadError::InvalidCursor)
    }

    /// Restricts a query to the rows after this key, or before it.
    pub(super) fn push_bound(self, query: &mut QueryBuilder<Postgres>, operator: &str) {
        match self {
            Self::Time(column, time, id) => {
                query.push(format!(" and ({column}, id){operator}("));
                query.push_bind(time).push(", ").push_bind(id).push(")");
            }
            Self::Text(column, text, id) => {
                query.push(format!(" and ({column}, id){operator}("));
                query.push_bind(text).push(", ").push_bind(id).push(")");
            }
            Self::Position(position) => {
                query.push(format!(" and position{operator}"));
                query.push_bind(position.0);
            }
        }
    }
}

impl Sort {
    /// The columns and directions of an `order by`.
    pub(super) fn order_by(self, direction: Direction) -> String {
        let direction = match direction {
            Direction::Ascending => "",
            Direction::Descending => " desc",
        };
        match self {
            Self::Time(column) | Self::Text(column) => {
                format!("{column}{direction}, id{direction}")
            }
            Self::Position => format!("{POSITION}{direction}"),
        }
    }
}

/// The column of [`Sort::Position`].
const POSITION: &str = "position";

/// Returns the values in a cursor; `None` unless it is of this column and no other.
fn content<T: DeserializeOwned>(cursor: &str, column: &str) -> Option<T> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let mut columns: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    let values = columns.remove(column).filter(|_| columns.is_empty())?;
    serde_json::from_value(values).ok()
}

/// True if Postgres can compare with the time: its times end before ours.
fn is_storable(time: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_NAME: Sort = Sort::Text("name");
    const BY_TIME: Sort = Sort::Time("created_at");

    fn name(text: &str) -> Key {
        Key::Text("name", text.to_owned(), Uuid::from_u128(7))
    }

    #[test]
    fn a_cursor_is_read_back_and_safe_in_urls() {
        let time = DateTime::from_timestamp(1_672_531_200, 123_000).expect("2023 is a year");
        for (key, sort) in [
            (name("web-1"), BY_NAME),
            (Key::Time("created_at", time, Uuid::from_u128(7)), BY_TIME),
            (Key::Position(Position(7)), Sort::Position),
        ] {
            let cursor = key.to_cursor();
            assert!(
                cursor
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            assert_eq!(Key::from_cursor(&cursor, sort).expect("is a cursor"), key);
        }
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let cursor = name("web-1").to_cursor();
        for sort in [
            BY_TIME,
            Sort::Time("updated_at"),
            Sort::Text("title"),
            Sort::Position,
        ] {
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
            of(r#"{"name":["a","00000000-0000-0000-0000-000000000007"],"position":1}"#),
            of(
                r#"{"created_at":["+200000-01-01T00:00:00Z","00000000-0000-0000-0000-000000000007"]}"#,
            ),
        ] {
            for sort in [BY_TIME, BY_NAME] {
                assert!(Key::from_cursor(&text, sort).is_err(), "{text:?} was taken");
            }
        }
    }
}
