//! A relay of a test: the tasks of a process, to be stopped or killed.

use std::sync::Arc;

use domain::stream_type::StreamType;
use event_store::cloudevent::{Received, Topics};
use event_store::consume::wake::Wake;
use event_store::envelope::{Position, Positioned, StoredEvent, StreamId};
use event_store::log;
use outbox_relay::health::{RelayHealth, Snapshot, State};
use outbox_relay::publisher::Target;
use outbox_relay::{publisher, sequencing};
use sqlx::PgPool;
use testkit::events::new_stream;
use testkit::kafka::TestKafka;
use testkit::wait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Sequencer and publisher of one process.
pub(crate) struct Relay {
    pub(crate) health: Arc<RelayHealth>,
    pub(crate) wake: Wake,
    owner: String,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Relay {
    /// Starts both parts, with Kafka where the test has it.
    pub(crate) fn start(pool: &PgPool, kafka: &TestKafka) -> Self {
        Self::start_at(pool, kafka.brokers(), kafka.topics())
    }

    /// Starts both parts as an operator does who says from where to publish again.
    pub(crate) fn republish(pool: &PgPool, kafka: &TestKafka, from: Position) -> Self {
        Self::start_with(
            pool,
            Target {
                brokers: kafka.brokers().to_owned(),
                topics: kafka.topics(),
                republish_from: Some(from),
            },
        )
    }

    /// Starts both parts, with Kafka at the given address.
    pub(crate) fn start_at(pool: &PgPool, brokers: &str, topics: Topics) -> Self {
        Self::start_with(
            pool,
            Target {
                brokers: brokers.to_owned(),
                topics,
                republish_from: None,
            },
        )
    }

    fn start_with(pool: &PgPool, target: Target) -> Self {
        let health = Arc::new(RelayHealth::new());
        let wake = Wake::default();
        let stop = CancellationToken::new();
        let owner = new_stream(StreamType::JOB).uuid.to_string();
        let mut tasks = JoinSet::new();
        tasks.spawn(sequencing::run(
            pool.clone(),
            wake.clone(),
            owner.clone(),
            Arc::clone(&health),
            stop.clone(),
        ));
        tasks.spawn(publisher::run(
            pool.clone(),
            target,
            wake.clone(),
            owner.clone(),
            Arc::clone(&health),
            stop.clone(),
        ));
        Self {
            health,
            wake,
            owner,
            stop,
            tasks,
        }
    }

    /// Asks the tasks to end, and waits for them.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a task of the relay does not panic");
        }
    }

    /// Ends the tasks wherever they are; their leases are left to expire.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }

    /// Gives this relay the leases of another, as if the other had been paused for longer than they
    /// last.
    pub(crate) async fn seize_leases(&self, pool: &PgPool) {
        sqlx::query("update es.leases set owner = $1, epoch = epoch + 1")
            .bind(&self.owner)
            .execute(pool)
            .await
            .unwrap();
    }

    /// Waits until Kafka has everything that was appended so far.
    pub(crate) async fn published(&self, pool: &PgPool) -> Position {
        self.wake.appended.raise();
        wait::until("everything appended is published", async || {
            let appended: i64 = sqlx::query_scalar("select count(*) from es.events")
                .fetch_one(pool)
                .await
                .unwrap();

            let published = self.health.snapshot().published?;
            (published.0 == appended).then_some(published)
        })
        .await
    }

    /// Waits for a failure of the publisher, and gives what it says.
    pub(crate) async fn publisher_fails(&self) -> String {
        wait::until("the publisher fails", async || {
            match self.health.snapshot().publisher.state {
                State::Failing { why } => Some(why),
                _ => None,
            }
        })
        .await
    }

    /// Waits for a failure of the publisher that says this.
    pub(crate) async fn fails_because(&self, reason: &str) {
        self.until(
            &format!("the publisher tells of {reason}"),
            |now| matches!(&now.publisher.state, State::Failing { why } if why.contains(reason)),
        )
        .await;
    }

    /// Waits until the snapshot is as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) {
        wait::until(what, async || wanted(&self.health.snapshot()).then_some(())).await;
    }
}

/// Holds that Kafka has every event of the log exactly once and byte for byte, and that each partition has
/// its events in the order of their positions, each naming the one before it.
pub(crate) async fn assert_kafka_has_the_log(kafka: &TestKafka, pool: &PgPool) {
    let log = log::read(pool, Position::START, i64::MAX).await.unwrap();
    let mut received: Vec<Received> = Vec::new();
    for stream_type in StreamType::known().iter().copied() {
        received.extend(kafka.events(stream_type).await);
    }
    for shard in received.chunk_by(|a, b| shard(a) == shard(b)) {
        let mut before = Position::START;
        for event in shard {
            assert_eq!(event.previous, before, "the chain of positions is whole");
            before = event.event.position;
        }
    }
    received.sort_by_key(|r| r.event.position);
    let received: Vec<_> = received.into_iter().map(|r| r.event).collect();
    let places = |events: &[Positioned<StoredEvent>]| -> Vec<i64> {
        events.iter().map(|e| e.position.0).collect()
    };
    assert_eq!(places(&received), places(&log), "each event is there once");
    assert_eq!(received, log, "and is what was stored");
}

fn shard(received: &Received) -> event_store::envelope::Shard {
    let stream: StreamId = received.event.event.stream;
    stream.shard()
}
