//! Reads rows from the columns of views, as Postgres sends them: in its binary format.
//!
//! Texts and numbers take their types by serde, as they do when a row is stored. So a new type of field needs
//! nothing here. Times and ids, which serde would read as texts, are read directly.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::de::value::{BorrowedStrDeserializer, Error, I64Deserializer};
use sqlx::error::BoxDynError;
use sqlx::postgres::PgRow;
use sqlx::{Row, ValueRef};
use uuid::Uuid;

use super::JsonText;

/// A row that is read from columns. The names of its fields, as it serialises, are those of the columns.
pub trait FromCells: DeserializeOwned + Sized {
    /// Reads the fields, each once, in the order of their declaration. A column that the read did not ask for gives
    /// a placeholder.
    ///
    /// # Errors
    /// When a column does not hold what its field can.
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error>;
}

/// The cells of a row, from left to right. Each method reads the next one, whose type it assumes. The placeholder
/// of a column that was not read is the same for all rows: nil, zero, empty, or the given text.
#[derive(Debug)]
pub struct Cells<'row> {
    row: &'row PgRow,
    next: usize,
    /// The columns that are still to be read, of which some are not in the row; `None` if all are.
    columns: Option<std::slice::Iter<'row, bool>>,
}

/// The time from which Postgres counts, 2000-01-01, in microseconds of Unix time.
const EPOCH: i64 = 946_684_800_000_000;

impl<'row> Cells<'row> {
    /// Begins at the first cell.
    pub(crate) fn of(row: &'row PgRow) -> Self {
        Self {
            row,
            next: 0,
            columns: None,
        }
    }

    /// Reads the rest as columns of which only these are in the row.
    pub(crate) fn of_columns(self, are_read: &'row [bool]) -> Self {
        Self {
            columns: Some(are_read.iter()),
            ..self
        }
    }

    /// Reads a `uuid`.
    ///
    /// # Errors
    /// When the cell is null or of another type.
    pub fn uuid<T: From<Uuid>>(&mut self) -> Result<T, sqlx::Error> {
        let id = self.read(|bytes| Ok(Uuid::from_slice(bytes)?))?;
        Ok(id.unwrap_or_default().into())
    }

    /// Reads a `text`. The placeholder must be a text of the field's type too.
    ///
    /// # Errors
    /// When the cell is null, of another type, or no text of the field's type.
    pub fn text<T: DeserializeOwned>(&mut self, placeholder: &str) -> Result<T, sqlx::Error> {
        match self.read(|bytes| of_text(std::str::from_utf8(bytes)?))? {
            Some(text) => Ok(text),
            None => of_text(placeholder).map_err(sqlx::Error::Decode),
        }
    }

    /// Reads a `text[]` without nulls.
    ///
    /// # Errors
    /// When the cell is null, of another type, or when an element is no text of the field's type.
    pub fn texts<T: DeserializeOwned, C: FromIterator<T>>(&mut self) -> Result<C, sqlx::Error> {
        self.read(|bytes| {
            // The dimensions, a flag and the type; of the only dimension the length and the first index.
            let mut rest = bytes.get(5 * size_of::<i32>()..).unwrap_or_default();
            let texts =
                std::iter::from_fn(|| (!rest.is_empty()).then(|| of_text(element(&mut rest)?)));
            texts.collect()
        })
        .map(|texts| texts.unwrap_or_else(|| C::from_iter([])))
    }

    /// Reads a `smallint`, an `integer` or a `bigint`.
    ///
    /// # Errors
    /// When the cell is null, of another type, or beyond the field's range.
    pub fn number<T: DeserializeOwned>(&mut self) -> Result<T, sqlx::Error> {
        match self.read(|bytes| of_number(integer(bytes)?))? {
            Some(number) => Ok(number),
            None => of_number(0).map_err(sqlx::Error::Decode),
        }
    }

    /// Reads a `timestamptz`.
    ///
    /// # Errors
    /// When the cell is null, of another type, or infinite.
    pub fn time(&mut self) -> Result<DateTime<Utc>, sqlx::Error> {
        self.read(|bytes| {
            let micros = integer(bytes)?.checked_add(EPOCH);
            let time = micros.and_then(DateTime::from_timestamp_micros);
            time.ok_or_else(|| "the time is infinite".into())
        })
        .map(Option::unwrap_or_default)
    }

    /// Reads a `jsonb`.
    ///
    /// # Errors
    /// When the cell is null, of another type, or no JSON of the field's type.
    pub fn json<T: DeserializeOwned + Default>(&mut self) -> Result<T, sqlx::Error> {
        self.read(|bytes| Ok(serde_json::from_slice(json(bytes)?)?))
            .map(Option::unwrap_or_default)
    }

    /// Reads a `json` as its text. A cell of another type is not noticed: a test compares the columns of every model
    /// with its file of columns.
    ///
    /// # Errors
    /// When the cell is null, or no UTF-8.
    pub fn json_text(&mut self) -> Result<JsonText, sqlx::Error> {
        self.read(|bytes| Ok(JsonText::checked(std::str::from_utf8(bytes)?)))
            .map(Option::unwrap_or_default)
    }

    /// Reads a cell that may be null, such as `cells.optional(Cells::time)`.
    ///
    /// # Errors
    /// Those of `read`, except for null.
    pub fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, sqlx::Error> {
        let mut columns = self.columns.clone();
        let is_read = columns
            .as_mut()
            .is_none_or(|columns| *columns.next().unwrap_or(&false));
        if is_read && !self.is_null()? {
            return read(self).map(Some);
        }
        self.columns = columns;
        self.next += usize::from(is_read);
        Ok(None)
    }

    /// True if the next cell is null.
    pub(crate) fn is_null(&self) -> Result<bool, sqlx::Error> {
        Ok(self.row.try_get_raw(self.next)?.is_null())
    }

    /// Reads the next cell; `None` if its column was not read.
    fn read<T>(
        &mut self,
        decode: impl FnOnce(&'row [u8]) -> Result<T, BoxDynError>,
    ) -> Result<Option<T>, sqlx::Error> {
        if !self.is_next_read() {
            return Ok(None);
        }
        let index = self.next;
        self.next += 1;
        let value = self.row.try_get_raw(index)?;
        let decoded = value.as_bytes().and_then(decode);
        decoded
            .map(Some)
            .map_err(|source| undecodable(self.row, index, source))
    }

    /// Moves to the next column, and returns true if it is in the row.
    fn is_next_read(&mut self) -> bool {
        let columns = self.columns.as_mut();
        columns.is_none_or(|columns| columns.next().copied().unwrap_or_default())
    }
}

fn of_number<T: DeserializeOwned>(number: i64) -> Result<T, BoxDynError> {
    Ok(T::deserialize(I64Deserializer::<Error>::new(number))?)
}

fn of_text<T: DeserializeOwned>(text: &str) -> Result<T, BoxDynError> {
    Ok(T::deserialize(BorrowedStrDeserializer::<Error>::new(text))?)
}

/// Takes the first element of an array: its length and its text.
fn element<'array>(rest: &mut &'array [u8]) -> Result<&'array str, BoxDynError> {
    let torn = "the array is shorter than it says";
    let (length, after) = rest.split_first_chunk().ok_or(torn)?;
    let length = usize::try_from(i32::from_be_bytes(*length))?;
    let (text, after) = after.split_at_checked(length).ok_or(torn)?;
    *rest = after;
    Ok(std::str::from_utf8(text)?)
}

fn integer(bytes: &[u8]) -> Result<i64, BoxDynError> {
    match *bytes {
        [a, b] => Ok(i16::from_be_bytes([a, b]).into()),
        [a, b, c, d] => Ok(i32::from_be_bytes([a, b, c, d]).into()),
        _ => Ok(i64::from_be_bytes(bytes.try_into()?)),
    }
}

/// The text of a `jsonb`, which follows the version of the format.
fn json(bytes: &[u8]) -> Result<&[u8], BoxDynError> {
    match bytes {
        [1, text @ ..] => Ok(text),
        _ => Err("the cell is no jsonb of a known version".into()),
    }
}

fn undecodable(row: &PgRow, index: usize, source: BoxDynError) -> sqlx::Error {
    let name = row.columns().get(index).map(sqlx::Column::name);
    sqlx::Error::ColumnDecode {
        index: name.unwrap_or("?").to_owned(),
        source,
    }
}
