//! Lists, and the cursors that belong to them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_store::envelope::Position;

use super::{Direction, Key, Sort};
use crate::reader::ReadError;

/// A list in an order and a direction. A cursor of one list is refused by every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The name, such as `droplets`.
    pub name: &'static str,
    /// The columns that the list is sorted by.
    pub sort: Sort,
    /// The direction of the order.
    pub direction: Direction,
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    list: List,
    key: Key,
}

impl Cursor {
    pub(super) fn new(list: List, key: Key) -> Self {
        Self { list, key }
    }

    /// Writes the cursor as clients get it.
    #[must_use]
    pub fn text(&self) -> String {
        self.list.cursor(&self.key)
    }
}

impl List {
    /// The events of an organization in the order of the log. Its cursors are those of subscriptions too.
    pub const LOG: Self = Self {
        name: "events",
        sort: Sort::Position,
        direction: Direction::Ascending,
    };

    /// Writes the cursor of a place in the list.
    #[must_use]
    pub fn cursor(&self, key: &Key) -> String {
        let mut bytes = self.prefix();
        key.write(&mut bytes);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this list.
    ///
    /// # Errors
    /// [`ReadError::InvalidCursor`] when the text is no cursor, or one of another list, order or direction.
    pub fn key(&self, cursor: &str) -> Result<Key, ReadError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor);
        let bytes = bytes.map_err(|_| ReadError::InvalidCursor)?;
        let key = bytes.strip_prefix(self.prefix().as_slice());
        key.and_then(|key| Key::read(key, self.sort))
            .ok_or(ReadError::InvalidCursor)
    }

    /// The start of all cursors of the list, and of no other list.
    fn prefix(&self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(80);
        for part in [self.name, self.sort.column()] {
            prefix.extend_from_slice(part.as_bytes());
            prefix.push(0);
        }
        prefix.push(match self.direction {
            Direction::Ascending => b'+',
            Direction::Descending => b'-',
        });
        prefix
    }
}

/// Writes the cursor of a position in the log: the one of the list `events`, oldest first, and of subscriptions.
#[must_use]
pub fn log_cursor(position: Position) -> String {
    List::LOG.cursor(&Key::Position(position))
}

/// Reads a cursor of [`log_cursor`].
///
/// # Errors
/// [`ReadError::InvalidCursor`].
pub fn log_position(cursor: &str) -> Result<Position, ReadError> {
    match List::LOG.key(cursor)? {
        Key::Position(position) => Ok(position),
        Key::Time(..) | Key::Text(..) => Err(ReadError::InvalidCursor),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn list(name: &'static str, sort: Sort, direction: Direction) -> List {
        List {
            name,
            sort,
            direction,
        }
    }

    /// Every list of a few, with a place in it.
    fn places() -> Vec<(List, Key)> {
        let time = DateTime::from_timestamp(1_672_531_200, 123_000).expect("2023 is a year");
        let mut places = Vec::new();
        for direction in [Direction::Ascending, Direction::Descending] {
            for name in ["droplets", "jobs"] {
                for column in ["created_at", "updated_at"] {
                    let list = list(name, Sort::Time(column), direction);
                    places.push((list, Key::Time(time, ID)));
                }
                let list = list(name, Sort::Text("name"), direction);
                places.push((list, Key::Text("web-1".to_owned(), ID)));
            }
            for name in ["events", "activity"] {
                let list = list(name, Sort::Position, direction);
                places.push((list, Key::Position(Position(7))));
            }
        }
        places
    }

    #[test]
    fn a_cursor_is_read_back_by_its_list_and_refused_by_every_other() {
        for (list, key) in places() {
            let cursor = list.cursor(&key);
            assert!(
                cursor
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            for (other, _) in places() {
                let read = other.key(&cursor);
                if other == list {
                    assert_eq!(read.expect("is a cursor"), key);
                } else {
                    assert!(matches!(read, Err(ReadError::InvalidCursor)), "{other:?}");
                }
            }
        }
    }

    #[test]
    fn the_cursor_of_the_log_is_one_of_events() {
        let cursor = log_cursor(Position(7));
        assert_eq!(log_position(&cursor).expect("is one"), Position(7));
        let events = list("events", Sort::Position, Direction::Ascending);
        assert!(events.key(&cursor).is_ok());
    }

    #[test]
    fn other_texts_are_refused() {
        let by_time = list("droplets", Sort::Time("created_at"), Direction::Ascending);
        let by_name = list("droplets", Sort::Text("name"), Direction::Ascending);
        let with = |list: List, rest: &[u8]| {
            let bytes = [list.prefix().as_slice(), rest].concat();
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        let too_late = [i64::MAX.to_be_bytes().as_slice(), ID.as_bytes()].concat();
        let with_nul = [ID.as_bytes().as_slice(), b"a\0b"].concat();
        let not_utf8 = [ID.as_bytes().as_slice(), b"\xff"].concat();
        for (list, text) in [
            (by_time, String::new()),
            (by_time, "web-1".to_owned()),
            (by_time, "é".to_owned()),
            (by_time, with(by_time, b"")),
            (by_time, with(by_time, &[0; 23])),
            (by_time, with(by_time, &[0; 25])),
            (by_time, with(by_time, &too_late)),
            (by_name, with(by_name, b"short")),
            (by_name, with(by_name, &with_nul)),
            (by_name, with(by_name, &not_utf8)),
            (List::LOG, with(List::LOG, &[0; 9])),
        ] {
            assert!(list.key(&text).is_err(), "{text:?} was taken");
        }
    }
}
