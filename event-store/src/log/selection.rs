//! The part of an organization's log that a subscriber wants, chosen in the statement.
//!
//! A page of a selection looks at a bounded part of the log, whatever the selection lets through. So no statement
//! takes long, and the position of its reader moves also when nothing is found.

use domain::ids::OrgId;
use domain::stream_type::StreamType;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::positioned;
use crate::envelope::{Position, Positioned, Shard, StoredEvent, StreamId, Version};
use crate::error::StoreError;
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

/// Returns the next page of a selection of an organization's events.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn read(
    pool: &PgPool,
    org: &OrgId,
    selection: &Selection,
    span: Span,
) -> Result<Page, StoreError> {
    let read = match selection.streams {
        Streams::All => of_log(pool, org, None, selection, span).await,
        Streams::OfType(stream_type) => of_log(pool, org, Some(stream_type), selection, span).await,
        Streams::One(stream) => of_stream(pool, org, stream, selection, span).await,
    };
    read.map_err(StoreError::asking("reading an organization's log"))
}

/// Looks at the next rows of the organization's log, and finds the events of those that are wanted.
async fn of_log(
    pool: &PgPool,
    org: &OrgId,
    stream_type: Option<StreamType>,
    selection: &Selection,
    span: Span,
) -> Result<Page, sqlx::Error> {
    let shards = stream_type.map(|stream_type| {
        let shards = Shard::all(&[stream_type]);
        shards.into_iter().map(|shard| shard.0).collect::<Vec<_>>()
    });
    let gives_all = *selection == Selection::default();
    let looked_at = if gives_all { limit() } else { LOOKED_AT };
    let rows = sqlx::query(include_str!("selection.sql"))
        .bind(org.as_str())
        .bind(span.after.0)
        .bind(span.up_to.0)
        .bind(looked_at)
        .bind(shards)
        .bind(&selection.event_types)
        .bind(limit())
        .bind(span.incarnation.0)
        .fetch_all(pool)
        .await?;
    // There is a row in any case, which tells how far was looked.
    let looked_to: Option<i64> = rows
        .first()
        .map(|row| row.try_get("looked_to"))
        .transpose()?;
    let found = rows.iter().filter_map(|row| match row.try_get("position") {
        Ok(Some::<i64>(_)) => Some(positioned(row)),
        Ok(None) => None,
        Err(error) => Some(Err(error)),
    });
    let events = found.collect::<Result<Vec<_>, _>>()?;
    Ok(page(events, looked_to.map_or(span.up_to, Position)))
}

/// Reads the stream on from a version: within a stream, the order of versions is that of positions.
async fn of_stream(
    pool: &PgPool,
    org: &OrgId,
    stream: StreamId,
    selection: &Selection,
    span: Span,
) -> Result<Page, sqlx::Error> {
    let rows = sqlx::query(include_str!("selection_of_stream.sql"))
        .bind(stream.uuid)
        .bind(Shard::of(stream).0)
        .bind(org.as_str())
        .bind(span.after_version.0)
        .bind(span.after.0)
        .bind(span.up_to.0)
        .bind(&selection.event_types)
        .bind(limit())
        .bind(span.incarnation.0)
        .fetch_all(pool)
        .await?;
    let events = rows.iter().map(|row: &PgRow| positioned(row));
    Ok(page(events.collect::<Result<_, _>>()?, span.up_to))
}

fn limit() -> i64 {
    i64::try_from(PAGE).expect("256 fits 64 bits")
}

/// Returns the page of these events. After a full page there may be more, before the end of what was looked at.
fn page(events: Vec<Positioned<StoredEvent>>, looked_to: Position) -> Page {
    let complete_to = match events.last() {
        Some(last) if events.len() >= PAGE => last.position,
        _ => looked_to,
    };
    Page {
        events,
        complete_to,
    }
}
