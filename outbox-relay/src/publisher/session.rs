//! A session of the publisher: from the takeover to the first failure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use domain::ids::EventId;
use event_store::cloudevent::{self, Message};
use event_store::consume::wake::{POLL, Wake};
use event_store::envelope::{Position, Positioned, Shard, StoredEvent};
use event_store::incarnation::{self, IncarnationId};
use event_store::lease::Lease;
use event_store::log::{self, digest};
use event_store::stream_types;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::batch_size::BatchSize;
use super::transaction::Transaction;
use super::writer::{Watch, Writer, Written};
use super::{Target, resume};
use crate::health::RelayHealth;
use crate::kafka_diagnostics::Failure;
use crate::lag;
use crate::progress::{Progress, Standing};
use crate::refusal::{Refusal, SentEvent};

/// The interval between records of the progress in Postgres, for metrics.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// The resources of a session.
#[derive(Clone)]
pub(super) struct Relay {
    pub(super) pool: PgPool,
    pub(super) target: Target,
    pub(super) health: Arc<RelayHealth>,
    pub(super) stop: CancellationToken,
}

/// The reason why a session ended without a failure.
pub(super) enum End {
    /// The process stops.
    Stopped,
    /// Kafka refuses an event for good.
    Refused(Refusal),
}

/// A publisher that has fenced the one before it.
pub(super) struct Session {
    relay: Relay,
    lease: Lease,
    /// The incarnation of the log that is published. The session ends with it.
    incarnation: IncarnationId,
    /// The writer, which is never used again after a failure, because the session ends with it.
    writer: Arc<Writer>,
    /// Kafka has every event up to here and none after it, as the last record of progress says.
    position: Position,
    /// The last position of every shard up to `position`, or to the events that are being sent.
    heads: HashMap<Shard, Position>,
    size: BatchSize,
}

/// The outcome of sending one batch.
enum Sent<T> {
    Committed(T),
    Refused(Refusal),
}

/// An event, and the position of the event before it in its shard.
type Chained = (Positioned<StoredEvent>, Position);

impl Session {
    /// Checks the topics and what they hold, fences the publisher before, and reads its progress.
    ///
    /// The lease only decides who should publish. Kafka guarantees, by the `transactional.id`, that one
    /// publishes at a time, so a lost lease does not matter here.
    pub(super) async fn take_over(mut relay: Relay, lease: Lease) -> anyhow::Result<Self> {
        // Programs that record events declare the types of their streams before.
        relay
            .target
            .topics
            .learn(stream_types::names(&relay.pool).await?);
        let incarnation = incarnation::ensure(&relay.pool).await?.current().id;
        let runtime = Handle::current();
        let target = relay.target.clone();
        let (health, stop) = (Arc::clone(&relay.health), relay.stop.clone());
        let pool = relay.pool.clone();
        let (writer, position) = spawn_blocking(move || {
            let watch = Watch {
                health: &health,
                stop: &stop,
            };
            let resume = |standing: Option<&Standing>| {
                runtime.block_on(resume::position(&pool, &target, standing))
            };
            Writer::start(&target, &runtime, watch, resume)
        })
        .await??;
        let heads = log::shard_heads(&relay.pool, position).await?;
        let session = Self {
            relay,
            lease,
            incarnation,
            writer: Arc::new(writer),
            position,
            heads: heads.into_iter().collect(),
            size: BatchSize::new(),
        };
        tracing::info!(position = position.0, "publishing resumes");
        session.note_progress().await?;
        if session.relay.target.republish_from == Some(Position(position.0 + 1)) {
            session.record_progress().await?;
        }
        Ok(session)
    }

    /// Records in Kafka, without an event, the position after which an operator said that publishing begins. Otherwise the
    /// next relay would refuse again until there is an event.
    async fn record_progress(&self) -> anyhow::Result<()> {
        let before = Position(self.position.0.saturating_sub(1));
        let read = log::read_in(&self.relay.pool, self.incarnation, before, 1).await?;
        let Some(event) = read.first().filter(|_| self.position > Position::START) else {
            return Ok(());
        };
        let progress = self
            .progress_at(event.position, event.event.event_id)
            .await?;
        self.send(0, Vec::new()).await?;
        self.commit(progress).await?;
        Ok(())
    }

    /// Returns the record of progress up to an event. Reads its digest again, because the log may have lost it since.
    async fn progress_at(&self, position: Position, event: EventId) -> anyhow::Result<Progress> {
        let incarnation = Some(self.incarnation);
        let digest = digest::of_event(&self.relay.pool, incarnation, position).await?;
        Ok(Progress {
            position,
            event,
            incarnation,
            digest: Some(digest.context("the log has every event that was read")?),
            epoch: self.lease.epoch,
        })
    }

    /// Publishes until `stop`, a refusal or a failure.
    pub(super) async fn run(mut self, wake: &Wake) -> anyhow::Result<End> {
        let mut batch = Vec::new();
        let mut noted = Instant::now();
        // The first transaction is noted at once: whether anything was ever published must be known, if the topics are
        // lost.
        let mut is_first = true;
        while !self.relay.stop.is_cancelled() {
            if noted.elapsed() > NOTE_INTERVAL {
                self.note_progress().await?;
                noted = Instant::now();
            }
            if batch.is_empty() {
                batch = self.read_after(self.position).await?;
            }
            if batch.is_empty() {
                tokio::select! {
                    () = wake.sequenced.above(self.position.0, POLL) => {}
                    () = self.relay.stop.cancelled() => {}
                }
                continue;
            }
            let sent = match self.publish(batch).await {
                Ok(sent) => sent,
                Err(error) => {
                    // Readers would wait for the transaction until it expires.
                    self.blocking(|writer, _, _| {
                        writer.abort();
                        Ok(())
                    })
                    .await?;
                    return Err(error);
                }
            };
            match sent {
                Sent::Committed(next) => {
                    batch = next;
                    if is_first {
                        self.note_progress().await?;
                        is_first = false;
                    }
                }
                Sent::Refused(refusal) => return Ok(End::Refused(refusal)),
            }
        }
        // For metrics, while nobody publishes.
        self.note_progress().await?;
        Ok(End::Stopped)
    }

    /// Records the progress for metrics. Fails when another process has the lease, so that a publisher
    /// that was paused ends here, if it is not fenced yet.
    async fn note_progress(&self) -> anyhow::Result<()> {
        lag::note_progress(&self.relay.pool, &self.lease, self.position).await?;
        // Also after a thread of an earlier session, which waited long for Kafka, reported that.
        self.relay.health.published_up_to(self.position);
        Ok(())
    }

    async fn read_after(&self, position: Position) -> anyhow::Result<Vec<Positioned<StoredEvent>>> {
        let limit = i64::try_from(self.size.limit()).context("a batch is small")?;
        Ok(log::read_in(&self.relay.pool, self.incarnation, position, limit).await?)
    }

    /// Publishes the events that come next in one transaction: `part`, which has at least one, and while there are more,
    /// further parts. A part is read while the one before it is sent. Returns the events after the transaction, as far
    /// as they were read meanwhile.
    async fn publish(
        &mut self,
        mut part: Vec<Positioned<StoredEvent>>,
    ) -> anyhow::Result<Sent<Vec<Positioned<StoredEvent>>>> {
        let mut transaction = Transaction::new();
        loop {
            let last = part.last().context("a part has an event")?;
            let (last, last_event) = (last.position, last.event.event_id);
            let may_have_more = part.len() >= self.size.limit();
            let bytes = part.iter().map(|event| event.event.data.len()).sum();
            self.size.learn(part.len(), bytes);
            transaction.add(part.len(), bytes);
            let ends = !may_have_more || transaction.is_full() || self.relay.stop.is_cancelled();
            let first = transaction.sent.len();
            let chained = self.chain(part);
            let progress = async {
                if !ends {
                    return Ok(None);
                }
                self.progress_at(last, last_event).await.map(Some)
            };
            // The log does not change behind the reader, so the next part is read meanwhile.
            let ahead = async {
                if !may_have_more {
                    return Ok(Vec::new());
                }
                self.read_after(last).await
            };
            let (written, progress, ahead) =
                tokio::join!(self.send(first, chained), progress, ahead);
            let (sent, written) = written?;
            transaction.sent.extend(sent);
            if let Written::Refused(failures) = written {
                return self.refused(failures, &transaction).map(Sent::Refused);
            }
            let (progress, next) = (progress?, ahead?);
            let progress = match progress {
                Some(progress) => progress,
                None if next.is_empty() => self.progress_at(last, last_event).await?,
                None => {
                    part = next;
                    continue;
                }
            };
            if let Written::Refused(failures) = self.commit(progress).await? {
                return self.refused(failures, &transaction).map(Sent::Refused);
            }
            self.position = last;
            self.relay.health.published_up_to(last);
            self.report(&transaction);
            return Ok(Sent::Committed(next));
        }
    }

    /// Adds to every event the position of the event before it in its shard. By that, consumers notice
    /// what a topic has lost.
    fn chain(&mut self, batch: Vec<Positioned<StoredEvent>>) -> Vec<Chained> {
        let events = batch.into_iter();
        let chained = events.map(|event| {
            let shard = event.event.stream.shard();
            let previous = self.heads.insert(shard, event.position);
            (event, previous.unwrap_or_default())
        });
        chained.collect()
    }

    /// Hands events over to the client, on a thread that may block, and describes them. `first` is the index of the first
    /// one in the transaction, which begins with index 0.
    async fn send(
        &self,
        first: usize,
        events: Vec<Chained>,
    ) -> anyhow::Result<(Vec<SentEvent>, Written)> {
        let incarnation = self.incarnation;
        self.blocking(move |writer, relay, watch| {
            let messages = events.iter().map(|(event, previous)| {
                cloudevent::encode(&relay.target.topics, event, *previous, Some(incarnation))
            });
            let messages: Vec<Message> = messages.collect::<Result<_, _>>()?;
            if first == 0 {
                writer.begin()?;
            }
            let sent = events.iter().zip(&messages);
            let sent = sent.map(|((event, _), message)| SentEvent::new(event, message));
            Ok((sent.collect(), writer.send(first, &messages, watch)?))
        })
        .await
    }

    /// Commits what was sent, with the record of progress, on a thread that may block.
    async fn commit(&self, progress: Progress) -> anyhow::Result<Written> {
        self.blocking(move |writer, _, watch| writer.commit(&progress, watch))
            .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writer, &Relay, Watch<'_>) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (relay, writer) = (self.relay.clone(), Arc::clone(&self.writer));
        spawn_blocking(move || {
            let watch = Watch {
                health: &relay.health,
                stop: &relay.stop,
            };
            work(&writer, &relay, watch)
        })
        .await?
    }

    fn refused(
        &self,
        failures: Vec<Failure>,
        transaction: &Transaction,
    ) -> anyhow::Result<Refusal> {
        let refusal = Refusal::new(
            failures,
            &transaction.sent,
            &self.relay.target.brokers,
            &self.relay.target.topics,
            self.position,
        );
        refusal.context("Kafka refused what was not sent")
    }

    fn report(&self, transaction: &Transaction) {
        metrics::histogram!("clustergenie_relay_batch_events")
            .record(transaction.sent.len() as f64);
        metrics::histogram!("clustergenie_relay_batch_seconds")
            .record(transaction.age().as_secs_f64());
        metrics::gauge!("clustergenie_relay_batch_limit_events").set(self.size.limit() as f64);
    }
}
