//! Events that a consumer could not apply, and the later events of their streams. The later events wait, so
//! that no stream is ever applied out of order. All other streams are applied as usual.
//!
//! This module owns `es.parked` and `es.skipped`.

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use domain::stream_type::StreamType;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::consume::source::ConsumerId;
use crate::envelope::Shard;
use crate::error::StoreError;

mod batch;
mod compare;
mod skip;

pub use self::compare::{NewlyParked, first_positions, newly_parked};
pub use self::skip::skip;

pub(crate) use self::batch::ParkedStreams;

/// The table of parked events, for reports that name the place of a difference.
pub const TABLE: &str = "es.parked";

/// A stream that is parked in a generation.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ParkedStream {
    /// The id of the stream.
    pub stream_id: Uuid,
    /// The type of the stream.
    #[sqlx(try_from = "i16")]
    pub stream_type: StreamType,
    /// The organization that owns the stream.
    pub org_id: String,
    /// The position of the event at fault.
    pub position: i64,
    /// The version of the event at fault.
    pub version: i64,
    /// The stored name of the event at fault.
    pub event_type: String,
    /// The reason why the event could not be applied.
    pub error: String,
    /// The number of attempts to apply the event.
    pub attempts: i32,
    /// The time of the first attempt.
    pub first_at: DateTime<Utc>,
    /// The time of the last attempt.
    pub last_at: DateTime<Utc>,
    /// The number of later events of the stream that wait behind the event at fault.
    pub waiting: i64,
    /// The operator who skipped the stream, if it is skipped.
    pub skipped_by: Option<String>,
    /// The reason of the skip.
    pub skipped_because: Option<String>,
    /// The time of the skip.
    pub skipped_at: Option<DateTime<Utc>>,
}

/// Returns the streams that are parked in a generation, in the order of their events at fault. `of` keeps
/// those of one organization, `first` bounds their number.
///
/// # Errors
/// When Postgres fails.
pub async fn list(
    pool: &PgPool,
    id: ConsumerId,
    of: Option<&OrgId>,
    first: Option<i64>,
) -> Result<Vec<ParkedStream>, StoreError> {
    sqlx::query_as(include_str!("parked/list.sql"))
        .bind(id.name)
        .bind(id.generation)
        .bind(of.map(OrgId::as_str))
        .bind(first)
        .bind(Shard::PARTITIONS)
        .fetch_all(pool)
        .await
        .map_err(StoreError::unavailable("listing parked streams"))
}

/// Returns true if a stream is parked in a generation, and is the organization's if one is given.
///
/// # Errors
/// When Postgres fails.
pub async fn is_parked(
    pool: &PgPool,
    id: ConsumerId,
    stream: Uuid,
    of: Option<&OrgId>,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "select exists (select from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3) \
         and ($4::text is null or exists (select from es.streams \
             where stream_id = $3 and org_id = $4))",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(stream)
    .bind(of.map(OrgId::as_str))
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable("looking for a parked stream"))
}
