//! The progress of consumers on given versions of streams.

use domain::ids::OrgId;
use sqlx::PgPool;

use crate::envelope::{Position, StreamId, Version};
use crate::error::StoreError;

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
    /// The position of the event, once it has one.
    pub position: Option<Position>,
    /// True if the consumer's generation that serves has applied the event. `false` without a consumer.
    pub is_applied: bool,
    /// True if that generation has parked the event. `false` without a consumer.
    pub is_parked: bool,
}

/// Returns the progress on each of the wanted versions, in their order, by one statement. A stream of
/// another organization looks like one that does not exist.
///
/// # Errors
/// When Postgres fails.
pub async fn progress(pool: &PgPool, wanted: &[Wanted<'_>]) -> Result<Vec<Progress>, StoreError> {
    let rows: Vec<(Option<i64>, Option<i64>, bool, bool)> =
        sqlx::query_as(include_str!("applied.sql"))
            .bind(wanted.iter().map(|w| w.org.as_str()).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.stream.uuid).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.version.0).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.consumer).collect::<Vec<_>>())
            .fetch_all(pool)
            .await
            .map_err(StoreError::unavailable(
                "looking up what consumers have applied",
            ))?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(stored, position, is_applied, is_parked)| Progress {
            stored: stored.map(Version),
            position: position.map(Position),
            is_applied,
            is_parked,
        })
        .collect())
}
