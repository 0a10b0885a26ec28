//! The SQL statements on the parked events of one stream.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

use super::unavailable;
use crate::consume::source::ConsumerId;
use crate::envelope::{Position, Positioned, StoredEvent};
use crate::error::StoreError;
use crate::log;

/// The parked events of one stream in one generation.
pub(super) struct ParkedEvents {
    pub(super) id: ConsumerId,
    pub(super) stream: Uuid,
}

impl ParkedEvents {
    /// Returns a statement whose first three parameters are the consumer, the generation and the stream.
    fn about(&self, sql: &'static str) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(sql)
            .bind(self.id.name)
            .bind(self.id.generation)
            .bind(self.stream)
    }

    /// Locks the checkpoint of the stream's shard until the transaction ends.
    pub(super) async fn lock_checkpoint(
        &self,
        transaction: &mut PgConnection,
    ) -> Result<(), StoreError> {
        let lock = self.about(
            "select 1 from es.checkpoints c where c.consumer = $1 and c.generation = $2 \
             and c.shard = (select shard from es.events where stream_id = $3 and version = 1) \
             for no key update",
        );
        execute(lock, transaction).await
    }

    /// Fails unless the generation is in use and filled by code of this version. Code of another version
    /// would mix its rows with the existing ones.
    pub(super) async fn check_version(
        &self,
        transaction: &mut PgConnection,
        ours: i32,
    ) -> Result<(), StoreError> {
        let found: Option<i32> = sqlx::query_scalar(
            "select version from es.generations where consumer = $1 and generation = $2 \
             and state in ('SERVING', 'BUILDING')",
        )
        .bind(self.id.name)
        .bind(self.id.generation)
        .fetch_optional(transaction)
        .await
        .map_err(unavailable())?;
        match found {
            Some(found) if found == ours => Ok(()),
            Some(found) => Err(StoreError::OtherVersion {
                consumer: self.id.name,
                found,
                ours,
            }),
            None => Err(StoreError::Fenced {
                what: format!("generation {} of {}", self.id.generation, self.id.name),
            }),
        }
    }

    /// Returns the parked events, in order.
    pub(super) async fn read(
        &self,
        transaction: &mut PgConnection,
    ) -> Result<Vec<Positioned<StoredEvent>>, StoreError> {
        let positions: Vec<i64> = sqlx::query_scalar(
            "select position from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3",
        )
        .bind(self.id.name)
        .bind(self.id.generation)
        .bind(self.stream)
        .fetch_all(&mut *transaction)
        .await
        .map_err(unavailable())?;
        log::read_at(transaction, &positions).await
    }

    /// Removes an event that was applied.
    pub(super) async fn remove(
        &self,
        transaction: &mut PgConnection,
        position: Position,
    ) -> Result<(), StoreError> {
        let remove = self.about(
            "delete from es.parked \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        );
        execute(remove.bind(position.0), transaction).await
    }

    /// Records that the event at fault failed again.
    pub(super) async fn record_failure(
        &self,
        transaction: &mut PgConnection,
        position: Position,
        reason: &str,
    ) -> Result<(), StoreError> {
        let record = self.about(
            "update es.parked set error = $5, attempts = attempts + 1, last_at = clock_timestamp() \
             where consumer = $1 and generation = $2 and stream_id = $3 and position = $4",
        );
        execute(record.bind(position.0).bind(reason.to_owned()), transaction).await
    }

    /// Removes the operator's decision to skip the stream.
    pub(super) async fn remove_skip(
        &self,
        transaction: &mut PgConnection,
    ) -> Result<(), StoreError> {
        let remove = self.about(
            "delete from es.skipped where consumer = $1 and generation = $2 and stream_id = $3",
        );
        execute(remove, transaction).await
    }
}

async fn execute(
    statement: Query<'static, Postgres, PgArguments>,
    transaction: &mut PgConnection,
) -> Result<(), StoreError> {
    statement
        .execute(transaction)
        .await
        .map(|_| ())
        .map_err(unavailable())
}
