//! The declaration of a read model, and the one consumer of models that hold one row for each stream.
//!
//! A model that holds one row for each stream declares itself ([`Model`]), and [`Rows`] does the rest
//! for all of them. [`Rows`] loads the rows of a batch, folds, and stores them. A model of another kind
//! implements [`ReadModel`] itself.
//!
//! To write a model called `things`, write these files in the folder `things/`:
//! - `row.rs`: a struct that serialises to the columns of the table ([`StreamRow`]), and is read from those
//!   of the view ([`FromCells`]);
//! - `fold.rs`: the pure function from a row and an event to the next row. It judges nothing that
//!   `domain` judges, and says when an event cannot have come next;
//! - `tables.sql`: makes the tables of one generation, by bare names. The table `things` has the key
//!   `id` and one column for each field of the row;
//! - `read_v1.sql`: the view of clients, as a query with a list of columns and their meanings
//!   ([`View`]);
//! - `counted.rs`, if its streams are to be counted: the dimensions ([`Counted`]);
//! - `query.rs`: the filter and the orders of lists ([`Listed`](crate::list::Listed));
//! - `model.rs`: the declaration, and beside it a line in [`registry`](crate::registry).
//!
//! A version is its rows, its tables and its views together. A change of one of them must raise it.
//! Golden files of the columns of each version (`tests/golden`) fail the tests otherwise. A view of a
//! version of clients (`read_v1`) keeps its columns under every version of the model, or the model
//! declares `read_v2` beside it. A view that a version does not declare any more is dropped when that
//! version begins to serve.
//!
//! This module must never name a model: code that needs one by its name or type of stream asks the
//! registry.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use domain::stream_type::StreamType;
use event_store::consume::consumer::Consumer;
use event_store::envelope::{Recorded, Version};
use serde::Serialize;

use crate::fold::{UnexpectedEvent, must_follow};

mod cells;
pub(crate) mod columns;
mod counted;
mod json_text;
mod live;
mod rows;
mod view;

pub use self::cells::{Cells, FromCells};
pub use self::counted::{Counted, Counting, Dimension};
pub use self::json_text::JsonText;
pub use self::live::{LiveFold, LiveRow};
pub use self::rows::Rows;
pub(crate) use self::view::Commented;
pub use self::view::View;

/// A read model of any kind: a consumer of events that owns tables.
pub trait ReadModel: Consumer {
    /// The statements that make the tables of one generation, by bare names; see [`Model::TABLES`].
    fn tables(&self) -> &'static str;

    /// The views that clients read the model through.
    fn views(&self) -> &'static [View];

    /// Returns the fold of a stream's row, for a model that holds one row for each stream.
    fn live_fold(&self) -> Option<LiveFold> {
        None
    }

    /// Returns the counting of the model's streams in `counts`, if they are counted.
    fn counting(&self) -> Option<Counting> {
        None
    }
}

/// A read model that holds one row for each stream, in the table of its own name. The key of the table
/// is the column `id`: the id of the stream. [`Rows`] makes a consumer of the model.
pub trait Model: Send + Sync + 'static {
    /// The name, which the table has too: lower-case letters and underscores.
    const NAME: &'static str;

    /// The version of rows, tables and views, from 1. Must be raised with every change of the tables, of
    /// the views, or of what the fold makes of the same events. A generation of this version is then
    /// built from the log and replaces the one that serves.
    const VERSION: i32;

    /// The types of the streams that the model holds rows of.
    const OF: &'static [StreamType];

    /// The statements that make the tables of one generation, by bare names, in a schema that holds
    /// nothing else. Tables that clients may read have a column `org_id` and are protected:
    /// `select projections.protect('things')`.
    const TABLES: &'static str;

    /// The views that clients read the model through.
    const VIEWS: &'static [View];

    /// The counting of the model's streams in `counts`, if they are counted.
    const COUNTING: Option<Counting> = None;

    /// The row of a stream.
    type Row: StreamRow;

    /// Returns the row after the event. `row` is the one before it, if there was an event before. The
    /// event is the next one of the stream: the caller has checked it ([`fold`]).
    ///
    /// # Errors
    /// When the event cannot have come next. The stream is then parked in this model.
    fn fold(row: Option<Self::Row>, event: &Recorded) -> Result<Self::Row, UnexpectedEvent>;
}

/// The row of one stream. The names of its fields, as it serialises, are the columns of its table; the first
/// is `id`.
pub trait StreamRow: Clone + Debug + Serialize + FromCells + Send + Sync + 'static {
    /// The version of the stream that the row shows.
    fn version(&self) -> Version;

    /// The time at which the platform recorded the event of that version.
    fn recorded_at(&self) -> DateTime<Utc>;
}

/// The row of a stream after the event; `row` is the one before it, if there was an event before.
///
/// # Errors
/// When the event is not the next one of the stream, or cannot have come next.
pub fn fold<M: Model>(row: Option<M::Row>, event: &Recorded) -> Result<M::Row, UnexpectedEvent> {
    must_follow(row.as_ref().map(StreamRow::version), event)?;
    M::fold(row, event)
}
