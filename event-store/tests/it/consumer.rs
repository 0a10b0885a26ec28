//! Rows and checkpoint together, stale workers turned away, poison parked.

use async_trait::async_trait;
use domain::droplet::DropletEvent;
use domain::registry::Event;
use domain::stream_type::StreamType;
use event_store::consume::checkpoint::{self, Move};
use event_store::consume::consumer::{ApplyError, Consumer, apply_batch};
use event_store::consume::generation;
use event_store::consume::retry;
use event_store::consume::source::{Batch, ConsumerId, LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Positioned, Recorded, Shard, StreamId};
use event_store::error::StoreError;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use testkit::postgres::TestDatabase;

use crate::support::{append, append_to, new_stream, sequence_all, sequencer};

/// Writes every position it is given, and cannot apply events with the tag `n1` of one stream.
struct Notebook {
    poisoned: Option<StreamId>,
    fails: Fails,
}

/// The way in which an event fails.
#[derive(Clone, Copy, Debug)]
enum Fails {
    Refused,
    WithSqlState(&'static str),
    UndecodableRow,
    Panic,
}

impl Notebook {
    fn healthy() -> Self {
        Self {
            poisoned: None,
            fails: Fails::Refused,
        }
    }
}

const ID: ConsumerId = ConsumerId {
    name: "notebook",
    generation: 1,
};

#[async_trait]
impl Consumer for Notebook {
    fn name(&self) -> &'static str {
        ID.name
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        for event in events {
            sqlx::query("insert into public.notebook values ($1)")
                .bind(event.position.0)
                .execute(&mut *transaction)
                .await?;
            let Event::Droplet(DropletEvent::Tagged(tagged)) = &event.event.event else {
                continue;
            };
            if Some(event.event.stream) == self.poisoned && tagged.tag.as_str() == "n1" {
                self.fails.now(transaction).await?;
            }
        }
        Ok(())
    }
}

impl Fails {
    async fn now(self, transaction: &mut PgConnection) -> Result<(), ApplyError> {
        match self {
            Self::Refused => Err(ApplyError::Event("cannot be applied".to_owned())),
            Self::WithSqlState(code) => {
                let raise = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
                sqlx::query(AssertSqlSafe(raise))
                    .execute(transaction)
                    .await?;
                Ok(())
            }
            Self::UndecodableRow => {
                let query = sqlx::query_scalar::<_, i32>("select 'no number'");
                query.fetch_one(transaction).await?;
                Ok(())
            }
            Self::Panic => panic!("this event cannot be applied"),
        }
    }
}

async fn notebook(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("select position from notebook order by position")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}

async fn prepare() -> (TestDatabase, PgPool) {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("create table notebook (position bigint primary key)")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    generation::begin(&pool, ID.name, 1)
        .await
        .expect("Postgres answers");
    (database, pool)
}

/// Stands at the checkpoints, which are made.
async fn source(pool: &PgPool) -> LogSource {
    let types = &[StreamType::DROPLET];
    let mut source = LogSource::new(
        pool.clone(),
        ID.name,
        types,
        Signal::new(),
        std::time::Duration::from_secs(1),
    );
    rewind(&mut source).await;
    source
}

async fn rewind(source: &mut LogSource) {
    source
        .rewind(ID.generation)
        .await
        .expect("Postgres answers");
}

async fn apply_next(pool: &PgPool, source: &mut LogSource, consumer: &Notebook) -> Batch {
    let batch = source.next().await.expect("Postgres answers");
    apply_batch(pool, consumer, &batch)
        .await
        .expect("is applied");
    batch
}

#[tokio::test]
async fn every_event_is_applied_once_across_restarts() {
    let (_database, pool) = prepare().await;
    let mut sequencer = sequencer(&pool).await;
    let consumer = Notebook::healthy();
    for _ in 0..3 {
        append(&pool, append_to(new_stream(), 0, 4)).await;
        sequence_all(&mut sequencer).await;
        // A new process each time; the second batch is read and never committed.
        apply_next(&pool, &mut source(&pool).await, &consumer).await;
    }
    assert_eq!(notebook(&pool).await, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stale_worker_writes_nothing() {
    let (_database, pool) = prepare().await;
    append(&pool, append_to(new_stream(), 0, 3)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    let consumer = Notebook::healthy();
    let (mut stale, mut other) = (source(&pool).await, source(&pool).await);
    let paused = stale.next().await.expect("Postgres answers");
    apply_next(&pool, &mut other, &consumer).await;

    let fenced = apply_batch(&pool, &consumer, &paused)
        .await
        .expect_err("is fenced");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced}");
    assert_eq!(notebook(&pool).await, [1, 2, 3]);

    // It wakes, goes back to the checkpoints, and goes on from there.
    append(&pool, append_to(new_stream(), 0, 1)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    rewind(&mut stale).await;
    let batch = apply_next(&pool, &mut stale, &consumer).await;
    assert_eq!(batch.events.len(), 1);
    assert_eq!(notebook(&pool).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn poison_parks_its_stream_and_nothing_else() {
    let (_database, pool) = prepare().await;
    let (healthy, poisoned) = (new_stream(), new_stream());
    append(&pool, append_to(poisoned, 0, 3)).await;
    append(&pool, append_to(healthy, 0, 2)).await;
    let mut sequencer = sequencer(&pool).await;
    sequence_all(&mut sequencer).await;
    let consumer = Notebook {
        poisoned: Some(poisoned),
        fails: Fails::Refused,
    };
    let mut source = source(&pool).await;
    apply_next(&pool, &mut source, &consumer).await;
    assert_eq!(
        notebook(&pool).await,
        [1, 4, 5],
        "positions 2 and 3 are parked"
    );

    // Later events of the stream wait, in later batches too.
    append(&pool, append_to(poisoned, 3, 1)).await;
    append(&pool, append_to(healthy, 2, 1)).await;
    sequence_all(&mut sequencer).await;
    apply_next(&pool, &mut source, &consumer).await;
    assert_eq!(notebook(&pool).await, [1, 4, 5, 7]);
    let parked: Vec<(i64, Option<String>)> =
        sqlx::query_as("select position, error from es.parked order by position")
            .fetch_all(&pool)
            .await
            .expect("Postgres answers");
    let error = Some("cannot be applied".to_owned());
    assert_eq!(parked, [(2, error), (3, None), (6, None)]);
}

#[tokio::test]
async fn an_event_of_a_newer_program_parks_its_stream() {
    let (_database, pool) = prepare().await;
    append(&pool, append_to(new_stream(), 0, 1)).await;
    let mut transaction = pool.begin().await.expect("begins");
    sqlx::query("alter table es.events disable trigger events_are_immutable")
        .execute(&mut *transaction)
        .await
        .expect("Postgres answers");
    sqlx::query("update es.events set event_type = 'droplet_beamed_up'")
        .execute(&mut *transaction)
        .await
        .expect("Postgres answers");
    transaction.commit().await.expect("commits");
    append(&pool, append_to(new_stream(), 0, 1)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    apply_next(&pool, &mut source(&pool).await, &Notebook::healthy()).await;
    assert_eq!(notebook(&pool).await, [2]);
}

#[tokio::test]
async fn shards_that_stand_apart_are_brought_together() {
    let (_database, pool) = prepare().await;
    let streams: Vec<_> = (0..8).map(|_| new_stream()).collect();
    for stream in &streams {
        append(&pool, append_to(*stream, 0, 1)).await;
    }
    sequence_all(&mut sequencer(&pool).await).await;
    // As after following through Kafka: one shard is ahead of the others.
    let ahead = streams[3].shard();
    source(&pool).await;
    sqlx::query("update es.checkpoints set position = 8 where shard = $1")
        .bind(ahead.0)
        .execute(&pool)
        .await
        .expect("Postgres answers");
    apply_next(&pool, &mut source(&pool).await, &Notebook::healthy()).await;
    let others = streams.iter().filter(|s| s.shard() != ahead).count();
    assert_eq!(
        notebook(&pool).await.len(),
        others,
        "its events are not applied again"
    );
    let loaded = checkpoint::load(&pool, ID, &[ahead])
        .await
        .expect("Postgres answers");
    assert_eq!(loaded[&ahead].position, Position(8));
}

#[tokio::test]
async fn a_parked_stream_goes_on_in_order_when_it_is_tried_by_a_program_that_can() {
    let (_database, pool) = prepare().await;
    let (first, second) = (new_stream(), new_stream());
    append(&pool, append_to(first, 0, 3)).await;
    append(&pool, append_to(second, 0, 2)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    let unable = Notebook {
        poisoned: Some(first),
        fails: Fails::Refused,
    };
    apply_next(&pool, &mut source(&pool).await, &unable).await;
    assert_eq!(notebook(&pool).await, [1, 4, 5]);

    retry::parked(&pool, &unable, ID.generation)
        .await
        .expect("Postgres answers");
    assert_eq!(notebook(&pool).await, [1, 4, 5], "it still cannot");
    let attempts: Vec<i32> = sqlx::query_scalar("select attempts from es.parked order by position")
        .fetch_all(&pool)
        .await
        .expect("Postgres answers");
    assert_eq!(attempts, [2, 1], "only the event at fault was tried");

    retry::parked(&pool, &Notebook::healthy(), ID.generation)
        .await
        .expect("Postgres answers");
    assert_eq!(notebook(&pool).await, [1, 2, 3, 4, 5]);
    append(&pool, append_to(first, 3, 1)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    apply_next(&pool, &mut source(&pool).await, &unable).await;
    assert_eq!(
        notebook(&pool).await,
        [1, 2, 3, 4, 5, 6],
        "the stream is not parked any more"
    );
}

#[tokio::test]
async fn no_checkpoint_moves_beyond_the_head_of_the_log() {
    let (_database, pool) = prepare().await;
    let shard = Shard::new(StreamType::DROPLET, 0);
    source(&pool).await;
    let mut transaction = pool.begin().await.expect("begins");
    let (from, to) = (Position::START, Position(1_000_000));
    let step = Move {
        shard,
        from,
        to,
        kafka_offset: None,
    };
    let refused = checkpoint::advance(&mut transaction, ID, None, &[step]).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_event_at_fault_parks_its_stream_however_it_fails() {
    for fails in [
        Fails::WithSqlState("54000"),
        Fails::WithSqlState("21000"),
        Fails::WithSqlState("0A000"),
        Fails::UndecodableRow,
        Fails::Panic,
    ] {
        let (_database, pool) = prepare().await;
        let (healthy, poisoned) = (new_stream(), new_stream());
        append(&pool, append_to(poisoned, 0, 3)).await;
        append(&pool, append_to(healthy, 0, 2)).await;
        sequence_all(&mut sequencer(&pool).await).await;
        let consumer = Notebook {
            poisoned: Some(poisoned),
            fails,
        };
        let mut source = source(&pool).await;
        apply_next(&pool, &mut source, &consumer).await;
        assert_eq!(notebook(&pool).await, [1, 4, 5], "{fails:?}");
    }
}

#[tokio::test]
async fn an_error_that_is_not_the_fault_of_an_event_parks_nothing() {
    for code in ["57014", "53100", "42P01", "40001", "55P03", "08006"] {
        let (_database, pool) = prepare().await;
        let stream = new_stream();
        append(&pool, append_to(stream, 0, 3)).await;
        sequence_all(&mut sequencer(&pool).await).await;
        let consumer = Notebook {
            poisoned: Some(stream),
            fails: Fails::WithSqlState(code),
        };
        let mut source = source(&pool).await;
        let batch = source.next().await.expect("Postgres answers");
        let failed = apply_batch(&pool, &consumer, &batch).await;
        assert!(failed.is_err(), "{code}");
        assert!(notebook(&pool).await.is_empty(), "{code}");
    }
}
