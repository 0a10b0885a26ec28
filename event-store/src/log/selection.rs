//! The part of an organization's log that a subscriber wants, chosen in the statement.
//!
//! A page of a selection looks at a bounded part of the log, whatever the selection lets through. So no statement
//! takes long, and the position of its reader moves also when nothing is found.

use domain::ids::OrgId;
use domain::stream_type::StreamType;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use super::positioned;
use crate::envelope::{Position, Positioned, Shard, StoredEvent, StreamId, Version};
use crate::incarnation::IncarnationId;

/// The most events of a page.
pub const PAGE: usize = 256;

/// The most rows of the log that a page looks at. A page of all events looks at no more than it gives.
pub const LOOKED_AT: i64 = 4_096;

/// The events of an organization that are wanted: those that match both fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The streams of the events.
    pub streams: Streams,
    /// The types of the events, such as `droplet_activated`; `None` for any.
    pub event_types: Option<Vec<String>>,
}

/// The streams whose events are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Streams {
    /// All streams.
    #[default]
    All,
    /// The streams of a type.
    OfType(StreamType),
    /// A single stream.
    One(StreamId),
}

impl Selection {
    /// Returns true if the event is wanted.
    #[must_use]
    pub fn includes(&self, event: &StoredEvent) -> bool {
        let of_stream = match self.streams {
            Streams::All => true,
            Streams::OfType(stream_type) => event.stream.stream_type == stream_type,
            Streams::One(stream) => event.stream == stream,
        };
        let of_type = |types: &Vec<String>| types.contains(&event.event_type);
        of_stream && self.event_types.as_ref().is_none_or(of_type)
    }
}

/// The place in the log where a page begins and where the log ends for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The incarnation of the log that the positions and the version are of.
    pub incarnation: IncarnationId,
    /// The position that all events come after.
    pub after: Position,
    /// The last position of interest, which the log has.
    pub up_to: Position,
    /// A version that the events of a single stream come after; [`Version::NONE`] if none is known. It only
    /// saves the look at earlier ones.
    pub after_version: Version,
}

/// A page of a selection.
#[derive(Clone, Debug)]
pub struct Page {
    /// The events, in order.
    pub events: Vec<Positioned<StoredEvent>>,
    /// The position up to which these are all events of the selection.
    pub complete_to: Position,
}

/// A row of [`query`].
#[derive(Clone, Debug)]
pub struct Looked {
    /// The position up to which the query looked.
    to: Position,
    /// An event of the selection; `None` if the query found none.
    event: Option<Positioned<StoredEvent>>,
}

/// Returns the query for the next page of a selection of an organization's events. [`looked`] reads a row, and [`page`]
/// makes the page of all rows. Fails in another incarnation of the log.
pub fn query(
    org: &OrgId,
    selection: &Selection,
    span: Span,
) -> Query<'static, Postgres, PgArguments> {
    match selection.streams {
        Streams::All => of_log(org, None, selection, span),
        Streams::OfType(stream_type) => of_log(org, Some(stream_type), selection, span),
        Streams::One(stream) => of_stream(org, stream, selection, span),
    }
}

/// Looks at the next rows of the organization's log, and finds the events of those that are wanted. There is a row in
/// any case, which tells how far was looked.
fn of_log(
    org: &OrgId,
    stream_type: Option<StreamType>,
    selection: &Selection,
    span: Span,
) -> Query<'static, Postgres, PgArguments> {
    let shards = stream_type.map(|stream_type| {
        let shards = Shard::all(&[stream_type]);
        shards.into_iter().map(|shard| shard.0).collect::<Vec<_>>()
    });
    let gives_all = *selection == Selection::default();
    let looked_at = if gives_all { limit() } else { LOOKED_AT };
    sqlx::query(include_str!("selection.sql"))
        .bind(org.as_str().to_owned())
        .bind(span.after.0)
        .bind(span.up_to.0)
        .bind(looked_at)
        .bind(shards)
        .bind(selection.event_types.clone())
        .bind(limit())
        .bind(span.incarnation.0)
}

/// Reads the stream on from a version: within a stream, the order of versions is that of positions.
fn of_stream(
    org: &OrgId,
    stream: StreamId,
    selection: &Selection,
    span: Span,
) -> Query<'static, Postgres, PgArguments> {
    let looked_at = if selection.event_types.is_none() {
        limit()
    } else {
        LOOKED_AT
    };
    sqlx::query(include_str!("selection_of_stream.sql"))
        .bind(stream.uuid)
        .bind(Shard::of(stream).0)
        .bind(org.as_str().to_owned())
        .bind(span.after_version.0)
        .bind(span.after.0)
        .bind(span.up_to.0)
        .bind(selection.event_types.clone())
        .bind(limit())
        .bind(span.incarnation.0)
        .bind(looked_at)
}

/// Reads a row of [`query`].
///
/// # Errors
/// [`sqlx::Error::Decode`] when the event is malformed.
pub fn looked(row: &PgRow) -> Result<Looked, sqlx::Error> {
    let position: Option<i64> = row.try_get("position")?;
    Ok(Looked {
        to: Position(row.try_get("looked_to")?),
        event: position.map(|_| positioned(row)).transpose()?,
    })
}

fn limit() -> i64 {
    i64::try_from(PAGE).expect("256 fits 64 bits")
}

/// Returns the page of all rows of a query with this span. After a full page there may be more, before the end of what
/// was looked at.
#[must_use]
pub fn page(rows: Vec<Looked>, span: Span) -> Page {
    let looked_to = rows.first().map_or(span.up_to, |first| first.to);
    let events: Vec<_> = rows.into_iter().filter_map(|row| row.event).collect();
    let complete_to = match events.last() {
        Some(last) if events.len() >= PAGE => last.position,
        _ => looked_to,
    };
    Page {
        events,
        complete_to,
    }
}
