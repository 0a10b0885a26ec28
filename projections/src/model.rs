//! What a read model is, and the one consumer of models that hold one row for each stream.
//!
//! A model that holds one row for each stream declares what it is ([`Model`]): its name and version,
//! the streams it is about, its row, and a pure fold of events into the row. [`Rows`] does the rest for
//! all of them: it loads the rows of a batch, folds, and stores them. A model of another kind
//! implements [`ReadModel`] itself.
//!
//! This module must never name a model: whoever needs one by name or type of stream asks
//! [`registry`](crate::registry).

use std::fmt::Debug;

use domain::stream_type::StreamType;
use event_store::consume::consumer::Consumer;
use event_store::envelope::{Recorded, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fold::{UnexpectedEvent, must_follow};

mod columns;
mod counted;
mod live;
mod rows;

pub use self::counted::{Counted, Counting, Dimension};
pub use self::live::{LiveFold, LiveRow};
pub use self::rows::Rows;

/// A read model of any kind: a consumer of events that owns tables.
pub trait ReadModel: Consumer {
    /// How an event changes the row of its stream, for a model that holds one row for each stream.
    fn live_fold(&self) -> Option<LiveFold> {
        None
    }

    /// What the streams of the model are counted by in `counts`, if they are.
    fn counting(&self) -> Option<Counting> {
        None
    }
}

/// A read model that holds one row for each stream, in the table of its own name, whose key is the
/// column `id`: the id of the stream. [`Rows`] makes a consumer of it.
pub trait Model: Send + Sync + 'static {
    /// The name, which the table has too: lower-case letters and underscores.
    const NAME: &'static str;

    /// The version of what the fold makes of events, from 1.
    const VERSION: i32;

    /// The streams that it holds rows of.
    const OF: &'static [StreamType];

    /// What its streams are counted by in `counts`, if they are.
    const COUNTING: Option<Counting> = None;

    /// The row of a stream.
    type Row: StreamRow;

    /// The row after the event. `row` is the one before it, if there was an event before. The event is
    /// the next one of the stream: whoever calls has checked it ([`fold`]).
    ///
    /// # Errors
    /// When the event cannot have come next. The stream is then parked in this model.
    fn fold(row: Option<Self::Row>, event: &Recorded) -> Result<Self::Row, UnexpectedEvent>;
}

/// The row of one stream. The names of its fields, as it serialises, are the columns of its table.
pub trait StreamRow: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The version of the stream that the row shows.
    fn version(&self) -> Version;
}

/// The row of a stream after the event; `row` is the one before it, if there was an event before.
///
/// # Errors
/// When the event is not the next one of the stream, or cannot have come next.
pub fn fold<M: Model>(row: Option<M::Row>, event: &Recorded) -> Result<M::Row, UnexpectedEvent> {
    must_follow(row.as_ref().map(StreamRow::version), event)?;
    M::fold(row, event)
}
