//! Events that Kafka refused for good, and the later events of their streams that wait behind them: what
//! operators see of them, and ask for.
//!
//! The publisher alone takes rows into the table and deletes them; see the crate `outbox-relay`. An
//! operator only marks the first refused event of a stream: to be tried again, or never to be
//! published. The publisher that leads heeds that within a few seconds.

use chrono::{DateTime, Utc};
use domain::stream_type::StreamType;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::envelope::{Position, StreamId};
use crate::error::StoreError;

/// A stream that is held back: Kafka has its events before `position`, and none from there on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldStream {
    /// The stream.
    pub stream: StreamId,
    /// The first event that is held back.
    pub position: Position,
    /// What holds it back; `None` when its events go out next, because what was refused was skipped or
    /// published.
    pub refusal: Option<Refusal>,
    /// How many events of the stream only wait.
    pub waiting: i64,
}

/// The first event of a stream that Kafka refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it stands in the log.
    pub position: Position,
    /// What Kafka said last.
    pub error: String,
    /// How often it was refused.
    pub attempts: i32,
    /// When it was refused first.
    pub first_at: DateTime<Utc>,
    /// When it was refused last.
    pub last_at: DateTime<Utc>,
    /// When an operator asked for another attempt that was not made yet.
    pub retry_requested_at: Option<DateTime<Utc>>,
}

/// An event that Kafka will never have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Where it stands in the log.
    pub position: Position,
    /// Why Kafka refused it.
    pub error: String,
    /// When it was decided.
    pub skipped_at: DateTime<Utc>,
    /// Who decided.
    pub skipped_by: String,
    /// Why.
    pub reason: String,
}

/// What became of a request to skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The event at this position will never be published; later events of its stream follow.
    Skipped(Position),
    /// The event at this position is to be tried again at an operator's request, and may be in Kafka
    /// already: nothing was changed.
    RetryUnderWay(Position),
    /// No event of the stream is refused.
    NothingRefused,
}

/// The streams that are held back, by the position where each begins to be; at most `limit`.
///
/// # Errors
/// When Postgres fails.
pub async fn list(pool: &PgPool, limit: i64) -> Result<Vec<HeldStream>, StoreError> {
    let unavailable = || StoreError::unavailable("listing streams that are held back");
    let rows = sqlx::query(
        "select line.position, line.waiting, s.stream_id, s.stream_type, refused.position as refused, \
             refused.error, refused.attempts, refused.first_at, refused.last_at, \
             refused.retry_requested_at \
         from (select stream_id, min(position) as position, \
                   count(*) filter (where error is null) as waiting \
               from es.unpublished where skipped_at is null group by stream_id) line \
         join es.streams s using (stream_id) \
         left join lateral (select u.* from es.unpublished u \
             where u.stream_id = line.stream_id and u.skipped_at is null and u.error is not null \
             order by u.position limit 1) refused on true \
         order by line.position limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(unavailable())?;
    let held: Result<_, _> = rows.iter().map(held_stream).collect();
    held.map_err(unavailable())
}

/// The events that were skipped, the latest decision first; at most `limit`.
///
/// # Errors
/// When Postgres fails.
pub async fn skipped(pool: &PgPool, limit: i64) -> Result<Vec<SkippedEvent>, StoreError> {
    let unavailable = || StoreError::unavailable("listing events that were skipped");
    let rows = sqlx::query(
        "select u.position, u.stream_id, s.stream_type, u.error, u.skipped_at, u.skipped_by, \
             u.reason \
         from es.unpublished u join es.streams s using (stream_id) \
         where u.skipped_at is not null order by u.skipped_at desc, u.position desc limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(unavailable())?;
    let skipped: Result<_, _> = rows.iter().map(skipped_event).collect();
    skipped.map_err(unavailable())
}

/// Asks for another attempt at the first refused event of a stream; later events follow when Kafka
/// takes it. Gives the event's position, or `None` when no event of the stream is refused.
///
/// # Errors
/// When Postgres fails.
pub async fn retry(pool: &PgPool, stream: Uuid) -> Result<Option<Position>, StoreError> {
    let asked: Option<i64> = sqlx::query_scalar(
        "update es.unpublished set retry_requested_at = coalesce(retry_requested_at, \
             clock_timestamp()) \
         where position = (select min(position) from es.unpublished \
                 where stream_id = $1 and skipped_at is null and error is not null) \
             and skipped_at is null \
         returning position",
    )
    .bind(stream)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("asking for another attempt"))?;
    Ok(asked.map(Position))
}

/// Decides that the first refused event of a stream is never published. It stays in the log and in all
/// read models; only readers of Kafka never see it. Who decided and why is kept for ever.
///
/// # Errors
/// When Postgres fails.
pub async fn skip(pool: &PgPool, stream: Uuid, by: &str, reason: &str) -> Result<Skip, StoreError> {
    // An event that is to be tried again may have been committed in Kafka a moment ago.
    let done: Option<(i64, bool)> = sqlx::query_as(
        "with refused as ( \
             select position from es.unpublished \
             where stream_id = $1 and skipped_at is null and error is not null \
             order by position limit 1), \
         done as ( \
             update es.unpublished u \
             set skipped_at = clock_timestamp(), skipped_by = $2, reason = $3 \
             from refused where u.position = refused.position \
                 and u.retry_requested_at is null and u.skipped_at is null \
             returning u.position) \
         select refused.position, exists (select from done) from refused",
    )
    .bind(stream)
    .bind(by)
    .bind(reason)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("skipping an event"))?;
    Ok(match done {
        Some((position, true)) => Skip::Skipped(Position(position)),
        Some((position, false)) => Skip::RetryUnderWay(Position(position)),
        None => Skip::NothingRefused,
    })
}

fn held_stream(row: &PgRow) -> Result<HeldStream, sqlx::Error> {
    let refused: Option<i64> = row.try_get("refused")?;
    let refusal = match refused {
        Some(refused) => Some(Refusal {
            position: Position(refused),
            error: row.try_get("error")?,
            attempts: row.try_get("attempts")?,
            first_at: row.try_get("first_at")?,
            last_at: row.try_get("last_at")?,
            retry_requested_at: row.try_get("retry_requested_at")?,
        }),
        None => None,
    };
    Ok(HeldStream {
        stream: stream(row)?,
        position: Position(row.try_get("position")?),
        refusal,
        waiting: row.try_get("waiting")?,
    })
}

fn skipped_event(row: &PgRow) -> Result<SkippedEvent, sqlx::Error> {
    Ok(SkippedEvent {
        stream: stream(row)?,
        position: Position(row.try_get("position")?),
        error: row.try_get("error")?,
        skipped_at: row.try_get("skipped_at")?,
        skipped_by: row.try_get("skipped_by")?,
        reason: row.try_get("reason")?,
    })
}

fn stream(row: &PgRow) -> Result<StreamId, sqlx::Error> {
    let name: String = row.try_get("stream_type")?;
    let stream_type: Result<StreamType, _> = name.parse();
    Ok(StreamId {
        stream_type: stream_type.map_err(|unknown| sqlx::Error::Decode(unknown.into()))?,
        uuid: row.try_get("stream_id")?,
    })
}
