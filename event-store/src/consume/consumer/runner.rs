//! The loop of a consumer, which follows the generation that serves and retries failures.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, timeout};

use super::{Consumer, apply_batch};
use crate::backoff::Backoff;
use crate::consume::generation::{self, ConsumerMode};
use crate::consume::retry;
use crate::consume::source::Source;
use crate::error::StoreError;

/// The pauses after failures in a row: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Interval of retries of parked streams.
const RETRY_PARKED_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// A batch of fewer events at the end of the log is followed by a rest.
const FEW: usize = 100;

/// The longest rest after a batch.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// The state of a consumer's loop.
pub(super) struct Runner<'a> {
    pool: &'a PgPool,
    consumer: &'a dyn Consumer,
    pause: Backoff,
    /// The reason why the consumer applies nothing, as it was logged last.
    idle: Option<ConsumerMode>,
    /// The generation whose parked streams were retried, and when.
    retried: Option<(i32, Instant)>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(pool: &'a PgPool, consumer: &'a dyn Consumer) -> Self {
        Self {
            pool,
            consumer,
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            idle: None,
            retried: None,
        }
    }

    /// Follows the events for ever, whatever fails.
    pub(super) async fn run(mut self, source: &mut dyn Source) -> Infallible {
        loop {
            let Err(error) = self.follow(source).await;
            self.recover(&error).await;
        }
    }

    /// Follows the events from the checkpoints as they are stored, until something fails.
    async fn follow(&mut self, source: &mut dyn Source) -> Result<Infallible, StoreError> {
        let generation = self.await_mode().await?;
        source.rewind(generation).await?;
        loop {
            self.retry_parked(generation).await;
            // A consumer without events of its own retries parked streams too.
            let Ok(batch) = timeout(RETRY_PARKED_INTERVAL, source.next()).await else {
                continue;
            };
            let batch = batch?;
            let begun = Instant::now();
            apply_batch(self.pool, self.consumer, &batch).await?;
            self.pause.reset();
            if !batch.has_more && batch.events.len() < FEW {
                tokio::time::sleep(rest_after(begun.elapsed())).await;
            }
        }
    }

    /// Retries the parked streams at the first call for a generation, and then at intervals: an older program
    /// beside this one may have parked a stream that this one can read. A failure must not stop the other
    /// streams.
    async fn retry_parked(&mut self, generation: i32) {
        if let Some((of, at)) = self.retried
            && of == generation
            && at.elapsed() < RETRY_PARKED_INTERVAL
        {
            return;
        }
        self.retried = Some((generation, Instant::now()));
        if let Err(error) = retry::parked(self.pool, self.consumer, generation).await {
            tracing::warn!(
                consumer = self.consumer.name(),
                error = &error as &dyn std::error::Error,
                "parked streams were not retried"
            );
        }
    }

    /// Waits until there is a generation that this program may write; logs once why there is none.
    async fn await_mode(&mut self) -> Result<i32, StoreError> {
        loop {
            let mode = generation::mode(self.pool, self.consumer).await?;
            if let ConsumerMode::Follow(generation) = mode {
                if self.idle.take().is_some() {
                    tracing::info!(
                        consumer = self.consumer.name(),
                        generation,
                        "the consumer applies events again"
                    );
                }
                return Ok(generation);
            }
            if self.idle.as_ref() != Some(&mode) {
                tracing::warn!(
                    consumer = self.consumer.name(),
                    ?mode,
                    "the consumer applies nothing"
                );
                self.idle = Some(mode);
            }
            tokio::time::sleep(generation::POLL_INTERVAL).await;
        }
    }

    async fn recover(&mut self, error: &StoreError) {
        let wait = self.pause.next_pause();
        let name = self.consumer.name();
        if let StoreError::Fenced { what } = error {
            // No failure: partitions are reassigned, and another generation begins to serve.
            tracing::info!(
                consumer = name,
                what,
                "another process has taken over; the consumer begins at its checkpoints again"
            );
            tokio::time::sleep(wait).await;
            return;
        }
        tracing::warn!(
            consumer = name,
            error = error as &dyn std::error::Error,
            retry_ms = wait.as_millis() as u64,
            "a batch was not applied and will be retried"
        );
        metrics::counter!("clustergenie_consumer_failures_total", "consumer" => name).increment(1);
        tokio::time::sleep(wait).await;
    }
}

/// Returns the rest after a small batch that took this long. The events that come meanwhile share a transaction, so
/// that commands and subscribers have more of the machine. The rows of a model appear later by at most this rest.
fn rest_after(applying: Duration) -> Duration {
    (applying * 3).min(LONGEST_REST)
}
