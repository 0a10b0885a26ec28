//! The columns that lists are sorted by, and the place of a row in a list: the content of a cursor.

use chrono::{DateTime, Datelike, Utc};
use event_store::envelope::Position;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::Direction;

/// The columns that a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A column of times, then `id`.
    Time(&'static str),
    /// A column of texts, then `id`.
    Text(&'static str),
    /// The column `position`, of the rows of one `org_id`.
    Position,
}

/// The values of a [`Sort`]'s columns in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The values of [`Sort::Time`]. Read models hold microseconds, and so do cursors.
    Time(DateTime<Utc>, Uuid),
    /// The values of [`Sort::Text`].
    Text(String, Uuid),
    /// The value of [`Sort::Position`].
    Position(Position),
}

impl Key {
    /// Appends the values as bytes.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Time(time, id) => {
                bytes.extend_from_slice(&time.timestamp_micros().to_be_bytes());
                bytes.extend_from_slice(id.as_bytes());
            }
            Self::Text(text, id) => {
                bytes.extend_from_slice(id.as_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::Position(position) => bytes.extend_from_slice(&position.0.to_be_bytes()),
        }
    }

    /// Reads the values that [`Key::write`] wrote; `None` for other bytes, and for values that Postgres cannot
    /// compare with.
    pub(super) fn read(bytes: &[u8], sort: Sort) -> Option<Self> {
        match sort {
            Sort::Time(_) => {
                let (micros, id) = bytes.split_first_chunk()?;
                let time = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
                let id = Uuid::from_slice(id).ok()?;
                is_storable(&time).then_some(Self::Time(time, id))
            }
            Sort::Text(_) => {
                let (id, text) = bytes.split_first_chunk()?;
                let text = std::str::from_utf8(text).ok()?;
                let id = Uuid::from_bytes(*id);
                (!text.contains('\0')).then(|| Self::Text(text.to_owned(), id))
            }
            Sort::Position => {
                let position = i64::from_be_bytes(bytes.try_into().ok()?);
                Some(Self::Position(Position(position)))
            }
        }
    }

    /// Restricts a query to the rows after this key, or before it.
    pub(super) fn push_bound(self, query: &mut QueryBuilder<Postgres>, sort: Sort, operator: &str) {
        let column = sort.column();
        match self {
            Self::Time(time, id) => {
                query.push(format!(" and ({column}, id){operator}("));
                query.push_bind(time).push(", ").push_bind(id).push(")");
            }
            Self::Text(text, id) => {
                query.push(format!(" and ({column}, id){operator}("));
                query.push_bind(text).push(", ").push_bind(id).push(")");
            }
            Self::Position(position) => {
                query.push(format!(" and {column}{operator}"));
                query.push_bind(position.0);
            }
        }
    }
}

impl Sort {
    /// The column whose values cursors hold.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Time(column) | Self::Text(column) => column,
            Self::Position => "position",
        }
    }

    /// The columns of an `order by`. With that of the organization, so that its index has the order of positions and no other.
    pub(crate) fn columns(self) -> [&'static str; 2] {
        match self {
            Self::Time(_) | Self::Text(_) => [self.column(), "id"],
            Self::Position => ["org_id", self.column()],
        }
    }

    /// The columns and directions of an `order by`.
    pub(super) fn order_by(self, direction: Direction) -> String {
        let direction = match direction {
            Direction::Ascending => "",
            Direction::Descending => " desc",
        };
        let [first, second] = self.columns();
        format!("{first}{direction}, {second}{direction}")
    }
}

/// True if Postgres can compare with the time: its times end before ours.
fn is_storable(time: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&time.year())
}
