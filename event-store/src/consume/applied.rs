//! The progress of consumers on given versions of streams.

use domain::ids::OrgId;
use sqlx::PgPool;

use crate::envelope::{Position, StreamId, Version};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// A version of a stream, and the consumer whose progress on it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted<'a> {
    /// The organization that must own the stream.
    pub org: &'a OrgId,
    /// The stream.
    pub stream: StreamId,
    /// The version of the stream.
    pub version: Version,
    /// The consumer, if its progress matters.
    pub consumer: Option<&'static str>,
}

/// The progress on a [`Wanted`] version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The wanted version if it is stored, else the last one of the stream. `None` if the organization does not
    /// have the stream.
    pub stored: Option<Version>,
    /// The number of the event, once it is stored: of the incarnations of the log, those whose
    /// [`last_kept`](crate::incarnation::Lineage::last_kept) is not below it have this event.
    pub seq: Option<i64>,
    /// The position of the event, once it has one.
    pub position: Option<Position>,
    /// True if the consumer's generation that serves has applied the event. `false` without a consumer.
    pub is_applied: bool,
    /// True if that generation has parked the event. `false` without a consumer.
    pub is_parked: bool,
}

/// The columns of a [`Progress`]: stored version, position, whether applied, whether parked, number.
type Row = (Option<i64>, Option<i64>, bool, bool, Option<i64>);

/// Returns the progress on each of the wanted versions, in their order, by one statement in this incarnation of the
/// log. A stream of another organization looks like one that does not exist.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails.
pub async fn progress(
    pool: &PgPool,
    incarnation: IncarnationId,
    wanted: &[Wanted<'_>],
) -> Result<Vec<Progress>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("applied.sql"))
        .bind(wanted.iter().map(|w| w.org.as_str()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.stream.uuid).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.version.0).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.consumer).collect::<Vec<_>>())
        .bind(incarnation.0)
        .fetch_all(pool)
        .await
        .map_err(StoreError::asking("looking up what consumers have applied"))?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(stored, position, is_applied, is_parked, seq)| Progress {
            seq,
            stored: stored.map(Version),
            position: position.map(Position),
            is_applied,
            is_parked,
        })
        .collect())
}
