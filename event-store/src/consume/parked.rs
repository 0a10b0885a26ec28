//! Events that a consumer could not apply, and the later events of their streams, which wait behind
//! them so that no stream is ever applied out of order. Everything else goes on.

use std::collections::HashSet;
use std::error::Error;

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use domain::stream_type::StreamType;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::consume::source::ConsumerId;
use crate::envelope::{Position, Positioned, Shard, StoredEvent, StreamId};
use crate::error::StoreError;

/// A stream that is parked in a generation.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ParkedStream {
    /// Its id.
    pub stream_id: Uuid,
    /// What has this stream.
    #[sqlx(try_from = "i16")]
    pub stream_type: StreamType,
    /// The organization that owns it.
    pub org_id: String,
    /// Where the event at fault stands in the log.
    pub position: i64,
    /// The version of the event at fault.
    pub version: i64,
    /// Its stored name.
    pub event_type: String,
    /// Why it could not be applied.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was tried first.
    pub first_at: DateTime<Utc>,
    /// When it was tried last.
    pub last_at: DateTime<Utc>,
    /// How many later events of the stream wait behind it.
    pub waiting: i64,
    /// Who gave the stream up, if somebody did.
    pub skipped_by: Option<String>,
    /// Why.
    pub skipped_because: Option<String>,
    /// When.
    pub skipped_at: Option<DateTime<Utc>>,
}

/// The streams that are parked in a generation, in the order of their events at fault: those of one organization
/// or of all, the first so many or all of them.
///
/// # Errors
/// When Postgres fails.
pub async fn list(
    pool: &PgPool,
    id: ConsumerId,
    of: Option<&OrgId>,
    first: Option<i64>,
) -> Result<Vec<ParkedStream>, StoreError> {
    sqlx::query_as(include_str!("parked.sql"))
        .bind(id.name)
        .bind(id.generation)
        .bind(of.map(OrgId::as_str))
        .bind(first)
        .bind(Shard::PARTITIONS)
        .fetch_all(pool)
        .await
        .map_err(StoreError::unavailable("listing parked streams"))
}

/// Whether a stream is parked in a generation, and is the organization's if one is given.
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

/// Gives a parked stream up: in this generation it stays as it is, its later events wait for ever, and
/// nobody is troubled with it any more, until it is tried again with success. Gives whether the stream
/// is parked at all.
///
/// # Errors
/// When Postgres fails.
pub async fn skip(
    pool: &PgPool,
    id: ConsumerId,
    stream: Uuid,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let skipped = sqlx::query(
        "insert into es.skipped (consumer, generation, stream_id, skipped_by, reason) \
         select $1, $2, $3, $4, $5 where exists (select from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3) \
         on conflict (consumer, generation, stream_id) do update set \
             skipped_by = excluded.skipped_by, reason = excluded.reason, \
             skipped_at = excluded.skipped_at",
    )
    .bind(id.name)
    .bind(id.generation)
    .bind(stream)
    .bind(by)
    .bind(reason)
    .execute(pool)
    .await
    .map_err(StoreError::unavailable("skipping a parked stream"))?;
    Ok(skipped.rows_affected() == 1)
}

/// The parked streams that a batch meets, within the batch's transaction.
#[derive(Debug)]
pub(crate) struct Line {
    consumer: ConsumerId,
    parked: HashSet<Uuid>,
}

impl Line {
    pub(crate) async fn open(
        transaction: &mut PgConnection,
        consumer: ConsumerId,
        events: &[Positioned<StoredEvent>],
    ) -> Result<Self, StoreError> {
        let streams: HashSet<Uuid> = events.iter().map(|e| e.event.stream.uuid).collect();
        let parked: Vec<Uuid> = sqlx::query_scalar(
            "select distinct stream_id from es.parked \
             where consumer = $1 and generation = $2 and stream_id = any($3)",
        )
        .bind(consumer.name)
        .bind(consumer.generation)
        .bind(streams.into_iter().collect::<Vec<_>>())
        .fetch_all(transaction)
        .await
        .map_err(StoreError::unavailable("looking for parked streams"))?;
        Ok(Self {
            consumer,
            parked: parked.into_iter().collect(),
        })
    }

    pub(crate) fn is_waiting(&self, stream: StreamId) -> bool {
        self.parked.contains(&stream.uuid)
    }

    /// Parks an event that cannot be applied, and its stream with it.
    pub(crate) async fn park(
        &mut self,
        transaction: &mut PgConnection,
        stream: StreamId,
        position: Position,
        error: &(dyn Error + Send + Sync),
    ) -> Result<(), StoreError> {
        let reason = chain(error);
        tracing::error!(
            consumer = self.consumer.name,
            stream.id = %stream,
            position = position.0,
            reason,
            "an event cannot be applied; its stream is parked in this consumer"
        );
        metrics::counter!("clustergenie_consumer_parked_total", "consumer" => self.consumer.name)
            .increment(1);
        self.insert(transaction, stream, position, Some(&reason))
            .await?;
        self.parked.insert(stream.uuid);
        Ok(())
    }

    /// Lets an event of a parked stream wait behind the one at fault.
    pub(crate) async fn wait(
        &self,
        transaction: &mut PgConnection,
        stream: StreamId,
        position: Position,
    ) -> Result<(), StoreError> {
        self.insert(transaction, stream, position, None).await
    }

    async fn insert(
        &self,
        transaction: &mut PgConnection,
        stream: StreamId,
        position: Position,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into es.parked (consumer, generation, stream_id, position, error) \
             values ($1, $2, $3, $4, $5) on conflict do nothing",
        )
        .bind(self.consumer.name)
        .bind(self.consumer.generation)
        .bind(stream.uuid)
        .bind(position.0)
        .bind(error)
        .execute(transaction)
        .await
        .map_err(StoreError::unavailable("parking an event"))?;
        Ok(())
    }
}

/// An error and everything behind it, in one line.
pub(crate) fn chain(error: &(dyn Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
