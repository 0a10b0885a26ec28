//! An ordinary batch, which locks rows in an order that all share, beside one that is applied event by
//! event, and locks them as they come: they do not meet. If they did, Postgres would end one of them, and it
//! would be tried again: nothing would be lost either.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::stream_type::StreamType;
use event_store::consume::consumer::{ApplyError, Consumer, apply_batch};
use event_store::consume::retry;
use event_store::envelope::{Positioned, Recorded};
use event_store::error::StoreError;
use sqlx::{PgConnection, PgPool};
use testkit::schedules::{Actor, Bounds, Mutation, Scene, Stage};

use super::notebook::{self, ID, Notebook, Skill, batch, stream};
use super::{empty, explored};
use crate::support::{append, append_to, sequence_all, sequencer};

/// Positions 1 to 3 are in shard 0, 4 and 5 in shard 1; all count on two rows. A batch counts on the row of
/// odd positions first; 2 and 3 one by one do not.
const EVENTS: [i64; 2] = [3, 5];

/// Counts events by whether their position is even, as `counts` counts them by what they are.
struct Counts(Notebook);

#[async_trait]
impl Consumer for Counts {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> i32 {
        self.0.version()
    }

    fn stream_types(&self) -> &'static [StreamType] {
        self.0.stream_types()
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        for row in [1, 0] {
            let count = events.iter().filter(|e| e.position.0 % 2 == row).count();
            if count > 0 {
                sqlx::query("update public.counts set count = count + $2 where id = $1")
                    .bind(row)
                    .bind(i64::try_from(count).expect("few events"))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        self.0.apply(transaction, events).await
    }
}

/// A worker of each shard; the first meets an event that it cannot apply.
#[derive(Debug, Default)]
struct Crossing {
    mutation: Option<Mutation>,
    deadlocks: Arc<AtomicUsize>,
}

#[async_trait]
impl Scene for Crossing {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        notebook::reset(pool).await;
        sqlx::raw_sql(
            "create table if not exists public.counts (id bigint primary key, count bigint not null); \
             delete from public.counts; insert into public.counts values (0, 0), (1, 0)",
        )
        .execute(pool)
        .await
        .expect("Postgres answers");
        append(pool, append_to(stream(0, 0), 0, 1)).await;
        append(pool, append_to(stream(0, 1), 0, 2)).await;
        append(pool, append_to(stream(1, 0), 0, 2)).await;
        sequence_all(&mut sequencer(pool).await).await;
    }

    fn actors(&self) -> Vec<Actor> {
        let worker = |(partition, name): (i16, &'static str)| {
            let deadlocks = Arc::clone(&self.deadlocks);
            let work = move |stage: Stage| {
                let deadlocks = Arc::clone(&deadlocks);
                async move { work(stage, partition, &deadlocks).await }
            };
            Actor::new(name, work).mutated(self.mutation)
        };
        vec![worker((0, "careful")), worker((1, "ordinary"))]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        notebook::agrees_with_checkpoints(pool).await?;
        retry::parked(pool, &Counts(Notebook(Skill::All)), ID.generation)
            .await
            .expect("Postgres answers");
        let counts: Vec<i64> = sqlx::query_scalar("select count from public.counts order by id")
            .fetch_all(pool)
            .await
            .expect("Postgres answers");
        if counts != [2, 3] {
            return Err(format!("the counts are {counts:?}"));
        }
        notebook::is_complete(pool).await
    }
}

/// Applies its batch until it is applied, as the runner does.
async fn work(stage: Stage, partition: i16, deadlocks: &AtomicUsize) {
    let pool = &stage.pool;
    let up_to = EVENTS[usize::from(partition.unsigned_abs())];
    let batch = stage.before(batch(pool, partition, up_to)).await;
    let batch = batch.expect("nothing was applied");
    let consumer = Counts(Notebook(Skill::NotTheFirst));
    while let Err(error) = apply_batch(pool, &consumer, &batch).await {
        let StoreError::Unavailable { source, .. } = &error else {
            panic!("{error}");
        };
        let code = source.as_database_error().and_then(|e| e.code());
        assert_eq!(code.as_deref(), Some("40P01"), "{error}: {source}");
        deadlocks.fetch_add(1, Ordering::SeqCst);
    }
}

const BOUNDS: Bounds = Bounds {
    crashes: 0,
    preemptions: Some(1),
};

#[tokio::test]
async fn batches_that_lock_rows_in_other_orders_do_not_meet() {
    let scene = Crossing::default();
    explored("crossing batches", &scene, BOUNDS)
        .await
        .assert_holds();
    assert_eq!(scene.deadlocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_batch_that_is_ended_by_a_deadlock_is_applied_once_all_the_same() {
    let scene = Crossing {
        mutation: Some(Mutation {
            find: "pg_advisory_xact_lock(",
            replace: "pg_advisory_xact_lock_shared(",
        }),
        ..Crossing::default()
    };
    let explored = explored("crossing batches, not kept apart", &scene, BOUNDS).await;
    explored.assert_holds();
    assert!(explored.mutated > 0);
    assert!(scene.deadlocks.load(Ordering::SeqCst) > 0, "{explored}");
}
