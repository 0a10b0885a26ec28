//! A checkpoint that is created while the first event of its shard gets its position: wherever the two
//! meet, the event is applied once.

use async_trait::async_trait;
use event_store::consume::consumer::apply_batch;
use event_store::log;
use event_store::log::sequencer::Sequencer;
use sqlx::PgPool;
use testkit::schedules::{Actor, Bounds, Mutation, Scene, Stage};

use super::notebook::{self, Notebook, Skill, batch, stream};
use super::{assert_missed, empty, explored};
use crate::support::{append, append_to, new_lease, sequence_all, sequencer};

/// The partition whose shard has events from the beginning, and the one whose first event comes meanwhile.
const OLD: i16 = 1;
const NEW: i16 = 0;

/// A sequencer, and a consumer that begins.
#[derive(Debug)]
struct Beginning {
    mutation: Option<Mutation>,
}

#[async_trait]
impl Scene for Beginning {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        notebook::clear(pool).await;
        append(pool, append_to(stream(OLD, 0), 0, 2)).await;
        sequence_all(&mut sequencer(pool).await).await;
        append(pool, append_to(stream(NEW, 0), 0, 1)).await;
    }

    fn actors(&self) -> Vec<Actor> {
        vec![
            Actor::new("sequencer", |stage: Stage| async move {
                let lease = stage.before(new_lease(&stage.pool)).await;
                let sequencer = Sequencer::take_over(stage.pool.clone(), &lease).await;
                let mut sequencer = sequencer.expect("nobody else leads");
                sequencer.step().await.expect("nobody else leads");
            }),
            Actor::new("consumer", |stage: Stage| async move {
                follow(&stage.pool, NEW).await;
            })
            .mutated(self.mutation),
        ]
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        notebook::agrees_with_checkpoints(pool).await?;
        follow(pool, NEW).await;
        follow(pool, OLD).await;
        notebook::is_complete(pool).await
    }
}

/// Applies what comes after the checkpoint of a partition's shard, up to the head of the log.
async fn follow(pool: &PgPool, partition: i16) {
    let head = log::head(pool).await.expect("Postgres answers");
    if let Some(batch) = batch(pool, partition, head.0).await {
        let applied = apply_batch(pool, &Notebook(Skill::All), &batch).await;
        applied.expect("nobody else applies");
    }
}

/// Enough for every place where the sequencer's step can commit between two statements of the consumer.
const TWO_PREEMPTIONS: Bounds = Bounds {
    crashes: 0,
    preemptions: Some(2),
};

#[tokio::test]
async fn a_checkpoint_that_begins_while_its_shard_does_skips_nothing() {
    let scene = Beginning { mutation: None };
    explored("a new shard", &scene, TWO_PREEMPTIONS)
        .await
        .assert_holds();
}

/// Committed events are not the log: one that has no position yet would be skipped.
#[tokio::test]
async fn a_checkpoint_that_begins_beyond_the_head_is_missed() {
    let scene = Beginning {
        mutation: Some(Mutation {
            find: "(select position from es.log_head order by position desc limit 1)",
            replace: "(select count(*) from es.events)",
        }),
    };
    assert_missed("a new shard beyond the head", &scene, TWO_PREEMPTIONS).await;
}
