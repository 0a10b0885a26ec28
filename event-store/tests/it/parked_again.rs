//! Parked streams are retried at intervals, not only when a consumer starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{self, ApplyError, Consumer};
use event_store::consume::generation;
use event_store::consume::source::LogSource;
use event_store::consume::wake::Signal;
use event_store::envelope::{Positioned, Recorded, StreamId};
use sqlx::{PgConnection, PgPool};
use testkit::postgres::TestDatabase;
use testkit::wait::until;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{append, append_to, new_stream, sequence_all, sequencer};

/// Applies every event, except those of one stream until it is mended.
struct Mended {
    refused: StreamId,
    is_mended: AtomicBool,
    has_committed: AtomicBool,
}

#[async_trait]
impl Consumer for Mended {
    fn name(&self) -> &'static str {
        "mended"
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET]
    }

    fn committed(&self, _: &[Positioned<Recorded>]) {
        self.has_committed.store(true, Ordering::Relaxed);
    }

    async fn apply(
        &self,
        _: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let refused = |event: &Positioned<Recorded>| event.event.stream == self.refused;
        if events.iter().any(refused) && !self.is_mended.load(Ordering::Relaxed) {
            return Err(ApplyError::Event("cannot be applied".to_owned()));
        }
        Ok(())
    }
}

async fn parked(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from es.parked");
    count.fetch_one(pool).await.expect("Postgres answers")
}

async fn record(pool: &PgPool, stream: StreamId) {
    append(pool, append_to(stream, 0, 1)).await;
    sequence_all(&mut sequencer(pool).await).await;
}

#[tokio::test]
async fn a_stream_that_another_program_parked_is_retried_while_events_come() {
    is_retried(Events::Come).await;
}

#[tokio::test]
async fn a_stream_that_another_program_parked_is_retried_while_nothing_happens() {
    is_retried(Events::None).await;
}

#[derive(PartialEq)]
enum Events {
    Come,
    None,
}

async fn is_retried(events: Events) {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let refused = new_stream();
    let consumer = Arc::new(Mended {
        refused,
        is_mended: AtomicBool::new(false),
        has_committed: AtomicBool::new(false),
    });
    let begun = generation::begin(&pool, consumer.name(), 1).await;
    begun.expect("Postgres answers");
    let sequenced = Signal::new();
    let mut tasks = JoinSet::new();
    let (of, types) = (pool.clone(), consumer.stream_types());
    let (follower, signal) = (Arc::clone(&consumer), sequenced.clone());
    tasks.spawn(async move {
        let poll = Duration::from_millis(100);
        let mut source = LogSource::new(of.clone(), follower.name(), types, signal, poll);
        let stop = CancellationToken::new();
        consumer::run(of, follower.as_ref(), &mut source, stop).await;
    });
    record(&pool, refused).await;
    until("the stream is parked", async || {
        let has_committed = consumer.has_committed.load(Ordering::Relaxed);
        (parked(&pool).await == 1 && has_committed).then_some(())
    })
    .await;

    consumer.is_mended.store(true, Ordering::Relaxed);
    if events == Events::Come {
        record(&pool, new_stream()).await;
    }
    tokio::time::pause();
    // The end of the rest after the batch, after which the consumer waits for events.
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // Longer than the interval of retries.
    tokio::time::advance(Duration::from_secs(600)).await;
    tokio::time::resume();
    if events == Events::Come {
        record(&pool, new_stream()).await;
    }
    until("the stream is parked no more", async || {
        (parked(&pool).await == 0).then_some(())
    })
    .await;
}
