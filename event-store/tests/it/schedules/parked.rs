//! A stream that is parked while others apply its later events, and tried again at the same time: no
//! event is applied before an earlier one of its stream, none is lost, none is applied twice, and none
//! waits behind a line that is gone.

use async_trait::async_trait;
use event_store::consume::consumer::apply_batch;
use event_store::consume::retry;
use event_store::error::StoreError;
use sqlx::PgPool;
use testkit::schedules::{Actor, Bounds, Mutation, Scene, Stage};

use super::notebook::{self, ID, Notebook, Skill, batch, stream};
use super::{assert_missed, empty, explored};
use crate::support::{append, append_to, sequence_all, sequencer};

/// The first stream, whose first event the old program cannot apply, and then another one.
const EVENTS: i64 = 4;

/// What was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// The first event is parked.
    Parked,
}

/// Two workers of the old program with the same events, and a new program that tries what is parked.
#[derive(Debug)]
struct Parking {
    before: Before,
    workers: usize,
    /// Of the one that tries again.
    mutations: Vec<Mutation>,
}

#[async_trait]
impl Scene for Parking {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        notebook::reset(pool).await;
        append(pool, append_to(stream(0, 0), 0, 3)).await;
        append(pool, append_to(stream(0, 1), 0, 1)).await;
        sequence_all(&mut sequencer(pool).await).await;
        if self.before == Before::Parked {
            let first = batch(pool, 0, 1).await.expect("nothing was applied");
            apply_batch(pool, &Notebook(Skill::NotTheFirst), &first)
                .await
                .expect("parks it");
        }
    }

    fn actors(&self) -> Vec<Actor> {
        let mut actors: Vec<Actor> = ["a", "b"]
            .into_iter()
            .take(self.workers)
            .map(|name| Actor::new(name, work))
            .collect();
        let retry = |stage: Stage| async move {
            retry::parked(&stage.pool, &Notebook(Skill::All), ID.generation)
                .await
                .expect("Postgres answers");
        };
        actors.push(Actor::new("retry", retry).mutated(self.mutations.iter().copied()));
        actors
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        notebook::agrees_with_checkpoints(pool).await?;
        if let Some(rest) = batch(pool, 0, EVENTS).await {
            let applied = apply_batch(pool, &Notebook(Skill::All), &rest).await;
            applied.map_err(|error| format!("the rest cannot be applied: {error}"))?;
        }
        retry::parked(pool, &Notebook(Skill::All), ID.generation)
            .await
            .expect("Postgres answers");
        notebook::is_complete(pool).await
    }
}

async fn work(stage: Stage) {
    let read = batch(&stage.pool, 0, EVENTS);
    let batch = match stage.life {
        0 => stage.before(read).await,
        _ => read.await,
    };
    let Some(batch) = batch else {
        return;
    };
    match apply_batch(&stage.pool, &Notebook(Skill::NotTheFirst), &batch).await {
        Ok(()) | Err(StoreError::Fenced { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// One pause of somebody who could go on, anywhere; to wait for a lock is none.
const A_PAUSE: Bounds = Bounds {
    crashes: 0,
    preemptions: Some(1),
};

/// One crash of anybody, anywhere.
const A_CRASH: Bounds = Bounds {
    crashes: 1,
    preemptions: Some(0),
};

#[tokio::test]
async fn a_line_that_is_cleared_while_others_wait_in_it_keeps_its_order() {
    let scene = Parking {
        before: Before::Parked,
        workers: 2,
        mutations: Vec::new(),
    };
    explored("a line cleared", &scene, A_PAUSE)
        .await
        .assert_holds();
}

#[tokio::test]
async fn a_retry_or_a_worker_that_crashes_leaves_the_line_as_it_was() {
    let scene = Parking {
        before: Before::Parked,
        workers: 1,
        mutations: Vec::new(),
    };
    explored("a line cleared, crashes", &scene, A_CRASH)
        .await
        .assert_holds();
}

#[tokio::test]
async fn a_stream_that_is_parked_while_it_is_tried_keeps_its_order() {
    let scene = Parking {
        before: Before::Nothing,
        workers: 1,
        mutations: Vec::new(),
    };
    explored("a line begun", &scene, A_PAUSE)
        .await
        .assert_holds();
}

/// Two locks keep a batch from adding to a line that is being cleared: the one on the tables of the
/// generation, and the one on the checkpoint. Either is enough.
#[tokio::test]
async fn a_line_is_guarded_twice() {
    let shared = Mutation {
        find: "pg_advisory_xact_lock(",
        replace: "pg_advisory_xact_lock_shared(",
    };
    let not_held = Mutation {
        find: "and version = 1) for no key update",
        replace: "and version = 1)",
    };
    let unguarded = |mutations: &[Mutation]| Parking {
        before: Before::Parked,
        workers: 1,
        mutations: mutations.to_vec(),
    };
    for one in [shared, not_held] {
        let scene = unguarded(&[one]);
        let explored = explored("a line guarded once", &scene, A_PAUSE).await;
        assert!(explored.mutated > 0);
        explored.assert_holds();
    }
    let scene = unguarded(&[shared, not_held]);
    assert_missed("a line not guarded", &scene, A_PAUSE).await;
}
