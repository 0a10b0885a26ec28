//! Lists, and the cursors that belong to them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_store::envelope::Position;
use event_store::incarnation::IncarnationId;
use uuid::Uuid;

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
    place: Place,
}

/// A place in a list, as its cursor holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The sort key and the id of the row.
    pub key: Key,
    /// The incarnation of the log that gave the position, if the key is one. `None` in cursors of programs that knew
    /// none: they belong to the first. Other keys are values of a row, and mean the same in every incarnation.
    pub incarnation: Option<IncarnationId>,
}

/// A place in the log: the cursor of the list `events`, oldest first, and of subscriptions. The default is the place
/// before the first event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogCursor {
    /// The position.
    pub position: Position,
    /// The incarnation of the log that gave the position; `None` is the first.
    pub incarnation: Option<IncarnationId>,
}

impl Cursor {
    pub(super) fn new(list: List, key: Key, incarnation: IncarnationId) -> Self {
        let incarnation = match list.sort {
            Sort::Position => Some(incarnation),
            Sort::Time(_) | Sort::Text(_) => None,
        };
        Self {
            list,
            place: Place { key, incarnation },
        }
    }

    /// Writes the cursor as clients get it.
    #[must_use]
    pub fn text(&self) -> String {
        self.list.cursor(&self.place)
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
    pub fn cursor(&self, place: &Place) -> String {
        let mut bytes = self.prefix();
        place.key.write(&mut bytes);
        if let Some(IncarnationId(id)) = place.incarnation {
            bytes.extend_from_slice(id.as_bytes());
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this list.
    ///
    /// # Errors
    /// [`ReadError::InvalidCursor`] when the text is no cursor, or one of another list, order or direction.
    pub fn place(&self, cursor: &str) -> Result<Place, ReadError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor);
        let bytes = bytes.map_err(|_| ReadError::InvalidCursor)?;
        let place = bytes.strip_prefix(self.prefix().as_slice());
        place
            .and_then(|place| self.read(place))
            .ok_or(ReadError::InvalidCursor)
    }

    fn read(&self, place: &[u8]) -> Option<Place> {
        let (key, id) = match self.sort {
            Sort::Position => place.split_at_checked(size_of::<i64>())?,
            Sort::Time(_) | Sort::Text(_) => (place, &[][..]),
        };
        let incarnation = match id {
            [] => None,
            id => Some(IncarnationId(Uuid::from_slice(id).ok()?)),
        };
        let key = Key::read(key, self.sort)?;
        Some(Place { key, incarnation })
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

/// Writes the cursor of a place in the log.
#[must_use]
pub fn log_cursor(cursor: LogCursor) -> String {
    List::LOG.cursor(&Place {
        key: Key::Position(cursor.position),
        incarnation: cursor.incarnation,
    })
}

/// Reads a cursor of [`log_cursor`].
///
/// # Errors
/// [`ReadError::InvalidCursor`].
pub fn log_position(cursor: &str) -> Result<LogCursor, ReadError> {
    let Place { key, incarnation } = List::LOG.place(cursor)?;
    match key {
        Key::Position(position) => Ok(LogCursor {
            position,
            incarnation,
        }),
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
    fn places() -> Vec<(List, Place)> {
        let place = |(list, key): (List, Key)| {
            let is_position = list.sort == Sort::Position;
            let incarnation = is_position.then_some(IncarnationId(ID));
            (list, Place { key, incarnation })
        };
        keys().into_iter().map(place).collect()
    }

    fn keys() -> Vec<(List, Key)> {
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
        for (list, place) in places() {
            let cursor = list.cursor(&place);
            assert!(
                cursor
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            for (other, _) in places() {
                let read = other.place(&cursor);
                if other == list {
                    assert_eq!(read.expect("is a cursor"), place);
                } else {
                    assert!(matches!(read, Err(ReadError::InvalidCursor)), "{other:?}");
                }
            }
        }
    }

    #[test]
    fn the_cursor_of_the_log_is_one_of_events() {
        let place = LogCursor {
            position: Position(7),
            incarnation: Some(IncarnationId(ID)),
        };
        let cursor = log_cursor(place);
        assert_eq!(log_position(&cursor).expect("is one"), place);
        let events = list("events", Sort::Position, Direction::Ascending);
        assert!(events.place(&cursor).is_ok());
    }

    #[test]
    fn cursors_of_programs_without_incarnations_are_read() {
        let cursor = BASE64_URL_SAFE_NO_PAD.encode(b"events\0position\0+\0\0\0\0\0\0\0\x07");
        let place = LogCursor {
            position: Position(7),
            incarnation: None,
        };
        assert_eq!(log_position(&cursor).expect("is one"), place);
        assert_eq!(log_cursor(place), cursor);
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
            (List::LOG, with(List::LOG, &[0; 7])),
            (List::LOG, with(List::LOG, &[0; 9])),
            (List::LOG, with(List::LOG, &[0; 25])),
        ] {
            assert!(list.place(&text).is_err(), "{text:?} was taken");
        }
    }
}
