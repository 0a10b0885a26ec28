//! Workers of one consumer that have the same events, as after a rebalance or a pause: each event is
//! applied exactly once, and rows and checkpoint agree; a stale worker writes nothing.

use async_trait::async_trait;
use event_store::consume::consumer::apply_batch;
use event_store::error::StoreError;
use sqlx::PgPool;
use testkit::schedules::{Actor, Bounds, Mutation, Scene, Stage};

use super::notebook::{self, Notebook, Skill, batch, stream};
use super::{assert_missed, empty, explored};
use crate::support::{append, append_to, sequence_all, sequencer};

/// Two streams of one shard.
const EVENTS: i64 = 5;

/// Workers, each of which has read the events up to its position and was then paused.
#[derive(Debug)]
struct Overlap {
    up_to: &'static [i64],
    mutation: Option<Mutation>,
}

#[async_trait]
impl Scene for Overlap {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        notebook::reset(pool).await;
        append(pool, append_to(stream(0, 0), 0, 3)).await;
        append(pool, append_to(stream(0, 1), 0, 2)).await;
        sequence_all(&mut sequencer(pool).await).await;
    }

    fn actors(&self) -> Vec<Actor> {
        let worker = |(name, up_to): (&&'static str, &i64)| {
            let up_to = *up_to;
            Actor::new(name, move |stage| work(stage, up_to)).mutated(self.mutation)
        };
        ["a", "b", "c"].iter().zip(self.up_to).map(worker).collect()
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        notebook::agrees_with_checkpoints(pool).await?;
        // Whoever was turned away reads again, which is the same as beginning anew.
        if let Some(rest) = batch(pool, 0, EVENTS).await {
            let applied = apply_batch(pool, &Notebook(Skill::All), &rest).await;
            applied.map_err(|error| format!("the rest cannot be applied: {error}"))?;
        }
        notebook::is_complete(pool).await
    }
}

async fn work(stage: Stage, up_to: i64) {
    let read = batch(&stage.pool, 0, up_to);
    let batch = match stage.life {
        0 => stage.before(read).await,
        _ => read.await,
    };
    let Some(batch) = batch else {
        return;
    };
    match apply_batch(&stage.pool, &Notebook(Skill::All), &batch).await {
        Ok(()) | Err(StoreError::Fenced { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn two_workers_with_the_same_batch_apply_it_once() {
    let scene = Overlap {
        up_to: &[EVENTS, EVENTS],
        mutation: None,
    };
    explored("two workers", &scene, Bounds::ALL)
        .await
        .assert_holds();
    let bounds = Bounds {
        crashes: 1,
        preemptions: Some(1),
    };
    explored("two workers, crashes", &scene, bounds)
        .await
        .assert_holds();
}

#[tokio::test]
async fn three_workers_whose_batches_overlap_apply_each_event_once() {
    let scene = Overlap {
        up_to: &[3, EVENTS, EVENTS],
        mutation: None,
    };
    let bounds = Bounds {
        crashes: 0,
        preemptions: Some(1),
    };
    explored("three workers", &scene, bounds)
        .await
        .assert_holds();
}

#[tokio::test]
async fn a_checkpoint_that_is_not_compared_is_missed() {
    let scene = Overlap {
        up_to: &[3, EVENTS],
        mutation: Some(Mutation {
            find: "and c.position = m.from_position",
            replace: "and m.from_position >= 0",
        }),
    };
    assert_missed("checkpoints not compared", &scene, Bounds::ALL).await;
}

/// The comparison is made on a locked row, or it says nothing about the moment of the update.
#[tokio::test]
async fn a_checkpoint_that_is_not_locked_is_missed() {
    let scene = Overlap {
        up_to: &[EVENTS, EVENTS],
        mutation: Some(Mutation {
            find: "for no key update of c",
            replace: "",
        }),
    };
    assert_missed("checkpoints not locked", &scene, Bounds::ALL).await;
}
