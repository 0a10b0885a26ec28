//! Publishes the log to Kafka: every event once, in order, as CloudEvents.
//!
//! Kafka being down, from the start or in the middle, stops nothing but this: the log grows, `health`
//! says why nothing is published, and it goes on by itself where it stopped.
//!
//! An event that Kafka refuses for good, because it is too large for its topic, holds back its own stream
//! and no other (`held`). Which one it is shows when it is refused alone: after a refusal everything is
//! sent in batches of one, for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use domain::ids::EventId;
use event_store::cloudevent::Topics;
use event_store::consume::lease::Lease;
use event_store::consume::wake::{POLL, Wake};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::log;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

mod batch_size;
mod outgoing;
mod writer;

use self::batch_size::BatchSize;
use self::outgoing::{Outgoing, Portion};
use self::writer::{Care, Refused, Watch, Writer, Written};
use crate::health::{RelayHealth, State};
use crate::held::{Held, Release, Released};
use crate::lag;
use crate::leader::LeaderLoop;
use crate::progress::Progress;

/// How often to look for what operators ask, and to note the progress for metrics.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long events are sent one by one after one was refused.
const CAREFUL_FOR: Duration = Duration::from_secs(60);

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
    let player = LeaderLoop {
        pool: &pool,
        role: &health.publisher,
        owner: &owner,
        stop: &stop,
    };
    let publish = |lease: Lease| {
        let (brokers, topics) = (brokers.clone(), topics.clone());
        let (pool, wake) = (pool.clone(), wake.clone());
        let (health, stop) = (Arc::clone(&health), stop.clone());
        async move {
            let (mut care, mut since) = (Care::Sweeping, Instant::now());
            while !stop.is_cancelled() {
                let (health, stop) = (Arc::clone(&health), stop.clone());
                let (brokers, topics, pool) = (brokers.clone(), topics.clone(), pool.clone());
                let publishing =
                    Publishing::take_over(brokers, topics, pool, lease.clone(), care, health, stop);
                let publishing = publishing.await?;
                match publishing.run(&wake, since + CAREFUL_FOR).await? {
                    End::Stopped => break,
                    End::Refused => (care, since) = (Care::Careful, Instant::now()),
                    End::NothingRefused => care = Care::Sweeping,
                }
            }
            Ok(())
        }
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
    topics: Topics,
    health: Arc<RelayHealth>,
    stop: CancellationToken,
    /// `None` while it writes, and when it must not be used again.
    writer: Option<Writer>,
    care: Care,
    epoch: i64,
    held: Held,
    /// Everything up to here is in Kafka or held back, as the last record of progress says.
    position: Position,
    /// The event there; `None` before the first.
    event: Option<EventId>,
    /// The last position of every shard up to there.
    heads: HashMap<Shard, Position>,
    size: BatchSize,
}

impl Publishing {
    /// Fences the publisher before, in Kafka and then in Postgres: see `held` for why in this order.
    async fn take_over(
        brokers: String,
        topics: Topics,
        pool: PgPool,
        lease: Lease,
        care: Care,
        health: Arc<RelayHealth>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let runtime = Handle::current();
        let (names, told, stopped) = (topics.clone(), Arc::clone(&health), stop.clone());
        let (writer, standing) = spawn_blocking(move || {
            let watch = Watch {
                health: &told,
                stop: &stopped,
            };
            Writer::start(&brokers, names, care, &runtime, watch)
        })
        .await??;
        let (mut position, mut released) = (Position::START, Vec::new());
        if let Some(standing) = standing {
            standing.verify(&pool, &topics).await?;
            (position, released) = (standing.position, standing.released);
        }
        let epoch = lease.epoch;
        let held = Held::take_over(pool.clone(), lease, &released, position).await?;
        let event = log::ids_at(&pool, &[position]).await?.remove(&position);
        let heads = log::shard_heads(&pool, position).await?;
        tracing::info!(position = position.0, ?care, "publishing goes on");
        health.published_up_to(position);
        health.publisher.becomes(State::Leading);
        Ok(Self {
            pool,
            topics,
            health,
            stop,
            writer: Some(writer),
            care,
            epoch,
            held,
            position,
            event,
            heads: heads.into_iter().collect(),
            size: BatchSize::new(care),
        })
    }

    /// Publishes until there is reason to begin anew. One that is careful ceases to be so at a time.
    async fn run(mut self, wake: &Wake, careful_until: Instant) -> anyhow::Result<End> {
        let mut batch = Vec::new();
        let mut looked: Option<Instant> = None;
        while !self.stop.is_cancelled() {
            if self.care == Care::Careful && Instant::now() > careful_until {
                return Ok(End::NothingRefused);
            }
            if looked.is_none_or(|looked| looked.elapsed() > POLL_INTERVAL) {
                looked = match self.look().await? {
                    Look::Idle => Some(Instant::now()),
                    // There may be more to release.
                    Look::Released => None,
                    Look::Refused => return Ok(End::Refused),
                };
            }
            if batch.is_empty() {
                batch = self.read_after(self.position).await?;
            }
            if let Some(last) = batch.last() {
                let last = (last.position, last.event.event_id);
                match self.publish(batch, last).await? {
                    Some(next) => batch = next,
                    None => return Ok(End::Refused),
                }
            } else if looked.is_some() {
                tokio::select! {
                    () = wake.sequenced.above(self.position.0, POLL) => {}
                    () = self.stop.cancelled() => {}
                }
            }
        }
        Ok(End::Stopped)
    }

    async fn read_after(&self, position: Position) -> anyhow::Result<Vec<Positioned<StoredEvent>>> {
        let limit = i64::try_from(self.size.limit()).context("a batch is small")?;
        Ok(log::read(&self.pool, position, limit).await?)
    }

    /// Publishes the next events of the log, up to the given last one. Gives the events after them, as
    /// far as they were read meanwhile, or `None` when some were refused.
    async fn publish(
        &mut self,
        batch: Vec<Positioned<StoredEvent>>,
        (position, event): (Position, EventId),
    ) -> anyhow::Result<Option<Vec<Positioned<StoredEvent>>>> {
        let events = batch.len();
        let portion = Portion::of(batch, &self.held, self.heads.clone());
        self.held.let_wait(&portion.waiting).await?;
        let progress = Progress {
            position,
            event,
            epoch: self.epoch,
            released: Vec::new(),
        };
        let places = portion.places();
        let writing = self.writer.take().context("the writer was given up")?;
        // The log does not change behind the reader, so the next batch is read meanwhile.
        let (written, next) = tokio::join!(
            self.transact(writing, portion.sent, progress),
            self.read_after(position),
        );
        let (written, writer, bytes) = written?;
        if let Written::Refused(refused) = written {
            self.note_refused(&places, &refused).await?;
            return Ok(None);
        }
        self.writer = Some(writer);
        self.size.learn(events, bytes);
        (self.position, self.event) = (position, Some(event));
        self.heads = portion.heads;
        self.health.published_up_to(position);
        self.health.publisher.becomes(State::Leading);
        next.map(Some)
    }

    /// Notes which events Kafka refused, if it refused each of them alone.
    async fn note_refused(
        &mut self,
        places: &[(Position, Uuid)],
        refused: &[Refused],
    ) -> anyhow::Result<()> {
        if self.care == Care::Sweeping && places.len() > 1 {
            tracing::warn!("Kafka refuses some events for good; it will show which");
            return Ok(());
        }
        for Refused { which, why } in refused {
            let place = places.get(*which);
            let (position, stream) = place.context("Kafka refused what was not sent")?;
            self.held.refuse(*position, *stream, why).await?;
        }
        Ok(())
    }

    /// Notes the progress, and does what operators ask for.
    async fn look(&mut self) -> anyhow::Result<Look> {
        self.held.note_progress(self.position).await?;
        // A thread of an earlier turn that waited long for Kafka may have said otherwise since.
        self.health.publisher.becomes(State::Leading);
        if self.held.is_empty() {
            return Ok(Look::Idle);
        }
        let limit = i64::try_from(self.size.limit()).context("a batch is small")?;
        let release = self.held.next_release(self.position, limit).await?;
        let (Some(release), Some(event)) = (release, self.event) else {
            self.held.let_go(self.position).await?;
            return Ok(Look::Idle);
        };
        self.release(release, event).await
    }

    /// Publishes events of a stream that was held back.
    async fn release(&mut self, release: Release, event: EventId) -> anyhow::Result<Look> {
        let Release { stream, positions } = release;
        let Some(&up_to) = positions.last() else {
            bail!("a release of {stream} has no events");
        };
        let released = Released { stream, up_to };
        let progress = Progress {
            position: self.position,
            event,
            epoch: self.epoch,
            released: vec![released],
        };
        let events = log::read_chained(&self.pool, &positions).await?;
        ensure!(
            events.len() == positions.len(),
            "the log lacks events of {stream} that are held back"
        );
        let events = events.into_iter().map(|(event, previous)| Outgoing {
            event,
            previous,
            released_behind: Some(self.position),
        });
        let writer = self.writer.take().context("the writer was given up")?;
        let (written, writer, bytes) = self.transact(writer, events.collect(), progress).await?;
        if let Written::Refused(refused) = written {
            let places: Vec<_> = positions.iter().map(|p| (*p, stream)).collect();
            self.note_refused(&places, &refused).await?;
            return Ok(Look::Refused);
        }
        self.held.delete(released).await?;
        // Before the next events of the stream are let wait: under load there are always some.
        self.held.let_go(self.position).await?;
        self.writer = Some(writer);
        self.size.learn(positions.len(), bytes);
        tracing::info!(stream.id = %stream, up_to = up_to.0, "events were released");
        Ok(Look::Released)
    }

    /// Writes one transaction on a thread that may block. Gives the writer back, and how many bytes the
    /// events are.
    async fn transact(
        &self,
        writer: Writer,
        events: Vec<Outgoing>,
        progress: Progress,
    ) -> anyhow::Result<(Written, Writer, usize)> {
        let topics = self.topics.clone();
        let (health, stop) = (Arc::clone(&self.health), self.stop.clone());
        let (count, started) = (events.len(), Instant::now());
        let (written, writer, bytes) = spawn_blocking(move || {
            let watch = Watch {
                health: &health,
                stop: &stop,
            };
            let messages = events.iter().map(|event| event.message(&topics));
            let messages: Vec<_> = messages.collect::<Result<_, _>>()?;
            let bytes = messages.iter().map(|message| message.value.len()).sum();
            let written = writer.write(&messages, &progress, watch)?;
            anyhow::Ok((written, writer, bytes))
        })
        .await??;
        if written == Written::Committed {
            metrics::histogram!("clustergenie_relay_batch_events").record(count as f64);
            metrics::histogram!("clustergenie_relay_batch_seconds")
                .record(started.elapsed().as_secs_f64());
            metrics::gauge!("clustergenie_relay_batch_limit_events").set(self.size.limit() as f64);
        }
        Ok((written, writer, bytes))
    }
}

/// Why a turn ended.
enum End {
    /// It was asked to.
    Stopped,
    /// Kafka refused something for good.
    Refused,
    /// Kafka has refused nothing for long enough.
    NothingRefused,
}

/// What came of a look.
enum Look {
    /// There is nothing to do.
    Idle,
    /// There was something to release, and there may be more.
    Released,
    /// Kafka refused something for good.
    Refused,
}
