//! Publishes the log to Kafka: every event once, in order, as CloudEvents.
//!
//! Kafka being down, from the start or in the middle, stops nothing but this: the log grows, `health`
//! says why nothing is published, and it goes on by itself where it stopped.
//!
//! A record that Kafka refuses for good would stop publishing, loudly. With events of at most 60 KiB
//! that takes a topic whose `max.message.bytes` an operator set below that.

use std::sync::Arc;
use std::time::Instant;

use event_store::cloudevent::Topics;
use event_store::envelope::{Position, Positioned, StoredEvent};
use event_store::lease::Lease;
use event_store::log;
use event_store::wake::{POLL, Wake};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::batch_size::BatchSize;
use crate::health::{RelayHealth, State};
use crate::lag;
use crate::leading::Player;
use crate::writer::{Watch, Writer};

/// Publishes, whenever this process holds the lease, until `stop`; a transaction that is under way is
/// finished if Kafka answers. Also measures how far Kafka is behind.
///
/// `owner` must be unique to the process. Failures are retried for ever and told to `health`.
pub async fn run(
    pool: PgPool,
    brokers: String,
    topics: Topics,
    wake: Wake,
    owner: String,
    health: Arc<RelayHealth>,
    stop: CancellationToken,
) {
    let player = Player {
        pool: &pool,
        role: &health.publisher,
        owner: &owner,
        stop: &stop,
    };
    let publish = |lease| {
        let publishing = Publishing {
            pool: pool.clone(),
            wake: wake.clone(),
            health: Arc::clone(&health),
            stop: stop.clone(),
        };
        publishing.run(brokers.clone(), topics.clone(), lease)
    };
    // What another process publishes from now on, this one does not hear of.
    let stand_by = || health.forget_published();
    tokio::join!(
        player.run(publish, stand_by),
        lag::run(&pool, &health, &stop)
    );
}

/// One turn as the publisher.
struct Publishing {
    pool: PgPool,
    wake: Wake,
    health: Arc<RelayHealth>,
    stop: CancellationToken,
}

impl Publishing {
    async fn run(self, brokers: String, topics: Topics, lease: Lease) -> anyhow::Result<()> {
        let (mut writer, mut position) = self.take_over(brokers, topics, lease).await?;
        let mut size = BatchSize::new();
        let mut batch = Vec::new();
        while !self.stop.is_cancelled() {
            if batch.is_empty() {
                batch = log::read(&self.pool, position, size.limit()).await?;
            }
            let Some(last) = batch.last() else {
                tokio::select! {
                    () = self.wake.sequenced.above(position.0, POLL) => {}
                    () = self.stop.cancelled() => {}
                }
                continue;
            };
            position = last.position;
            // The log does not change behind the reader, so the next batch is read meanwhile.
            let events = batch.len();
            let (written, next) = tokio::join!(
                self.write(writer, batch),
                log::read(&self.pool, position, size.limit()),
            );
            let bytes;
            (writer, bytes) = written?;
            size.learn(events, bytes);
            self.health.published_up_to(position);
            self.health.publisher.becomes(State::Leading);
            batch = next?;
        }
        Ok(())
    }

    async fn take_over(
        &self,
        brokers: String,
        topics: Topics,
        lease: Lease,
    ) -> anyhow::Result<(Writer, Position)> {
        let (health, stop) = (Arc::clone(&self.health), self.stop.clone());
        let runtime = Handle::current();
        let names = topics.clone();
        let (mut writer, progress) = spawn_blocking(move || {
            let watch = Watch {
                health: &health,
                stop: &stop,
            };
            Writer::start(&brokers, names, lease.epoch, &runtime, watch)
        })
        .await??;
        let position = match &progress {
            Some(progress) => {
                progress.verify(&self.pool, &topics).await?;
                progress.position
            }
            None => Position::START,
        };
        writer.resume_after(log::shard_heads(&self.pool, position).await?);
        tracing::info!(position = position.0, "publishing goes on");
        self.health.published_up_to(position);
        self.health.publisher.becomes(State::Leading);
        Ok((writer, position))
    }

    /// Writes on a thread that may block; gives back the writer, and how many bytes it wrote.
    async fn write(
        &self,
        mut writer: Writer,
        batch: Vec<Positioned<StoredEvent>>,
    ) -> anyhow::Result<(Writer, usize)> {
        let (health, stop) = (Arc::clone(&self.health), self.stop.clone());
        let events = batch.len();
        let started = Instant::now();
        let written = spawn_blocking(move || {
            let watch = Watch {
                health: &health,
                stop: &stop,
            };
            let bytes = writer.write(&batch, watch)?;
            anyhow::Ok((writer, bytes))
        })
        .await??;
        metrics::histogram!("clustergenie_relay_batch_events").record(events as f64);
        metrics::histogram!("clustergenie_relay_batch_seconds")
            .record(started.elapsed().as_secs_f64());
        Ok(written)
    }
}
