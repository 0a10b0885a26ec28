//! Parks events while a batch is being applied.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::consume::source::ConsumerId;
use crate::envelope::{Position, Positioned, StoredEvent, StreamId};
use crate::error::{StoreError, chain};

/// The parked streams among those of a batch, within the batch's transaction.
#[derive(Debug)]
pub(crate) struct ParkedStreams {
    consumer: ConsumerId,
    streams: HashSet<Uuid>,
}

impl ParkedStreams {
    /// Loads the streams of a batch that are parked.
    pub(crate) async fn load(
        transaction: &mut PgConnection,
        consumer: ConsumerId,
        events: &[Arc<Positioned<StoredEvent>>],
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
            streams: parked.into_iter().collect(),
        })
    }

    /// Returns true if the stream is parked, so that its events have to wait.
    pub(crate) fn contains(&self, stream: StreamId) -> bool {
        self.streams.contains(&stream.uuid)
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
        self.streams.insert(stream.uuid);
        Ok(())
    }

    /// Parks an event of a parked stream behind the one at fault.
    pub(crate) async fn park_behind(
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
