//! Sequencers that are paused, taken over and killed anywhere, beside writers that commit late or not
//! at all: positions stay dense, and every committed event gets exactly one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_store::error::StoreError;
use event_store::log::sequencer::Sequencer;
use sqlx::{PgPool, Postgres, Transaction};
use testkit::schedules::{Actor, AfterCrash, Bounds, Mutation, Scene, Stage};

use super::{assert_missed, empty, explored};
use crate::support::{
    append, append_to, insert_within, new_lease, new_stream, sequence_all, sequencer,
    wrong_with_log,
};

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cast {
    /// An old leader that may be paused anywhere, a new one, and a late commit.
    TakeOver,
    /// One leader; a writer that has its transaction id before all others, draws a number late, and
    /// appends once more; and one that has drawn its number, and commits or rolls back late.
    LateWriters { second: Ending },
    /// One leader, which starts anew when it crashes, and a late commit.
    Crash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Commit,
    Rollback,
}

/// When a leader takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// Before anybody acts.
    Before,
    /// While others act.
    Meanwhile,
}

#[derive(Debug)]
struct Sequencing {
    cast: Cast,
    /// Of the leader; of the old one where there are two.
    mutation: Option<Mutation>,
    /// What the newest leader ran into.
    failures: Arc<Mutex<Vec<StoreError>>>,
}

impl Sequencing {
    fn of(cast: Cast, mutation: Option<Mutation>) -> Self {
        Self {
            cast,
            mutation,
            failures: Arc::default(),
        }
    }

    /// The newest leader: never turned away.
    fn newest(&self, begins: Begins, steps: usize) -> Actor {
        let failures = Arc::clone(&self.failures);
        Actor::new("leader", move |stage: Stage| {
            let failures = Arc::clone(&failures);
            async move {
                if let Err(failure) = lead(&stage, begins, steps).await {
                    failures.lock().expect("not poisoned").push(failure);
                }
            }
        })
    }
}

#[async_trait]
impl Scene for Sequencing {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        self.failures.lock().expect("not poisoned").clear();
    }

    fn actors(&self) -> Vec<Actor> {
        match self.cast {
            Cast::TakeOver => vec![
                late_commit(),
                Actor::new("old leader", |stage: Stage| async move {
                    // It may be turned away at any time.
                    let _ = lead(&stage, Begins::Before, 2).await;
                })
                .after_crash(AfterCrash::Gone)
                .mutated(self.mutation),
                self.newest(Begins::Meanwhile, 1),
            ],
            Cast::LateWriters { second } => vec![
                self.newest(Begins::Before, 3).mutated(self.mutation),
                Actor::new("first writer", |stage: Stage| async move {
                    let begin = async {
                        let mut transaction = stage.pool.begin().await.expect("begins");
                        sqlx::query("select pg_current_xact_id()")
                            .execute(&mut *transaction)
                            .await
                            .expect("gets an id");
                        transaction
                    };
                    let mut transaction = stage.before(begin).await;
                    insert_within(&mut transaction).await;
                    transaction.commit().await.expect("commits");
                    append(&stage.pool, append_to(new_stream(), 0, 1)).await;
                }),
                Actor::new("second writer", move |stage: Stage| async move {
                    let transaction = stage.before(draw(&stage.pool)).await;
                    match second {
                        Ending::Commit => transaction.commit().await.expect("commits"),
                        Ending::Rollback => transaction.rollback().await.expect("rolls back"),
                    }
                }),
            ],
            Cast::Crash => vec![
                late_commit(),
                self.newest(Begins::Before, 2).mutated(self.mutation),
            ],
        }
    }

    async fn check(&self, pool: &PgPool) -> Result<(), String> {
        if let Some(failure) = self.failures.lock().expect("not poisoned").first() {
            return Err(format!("the newest leader was turned away: {failure}"));
        }
        // All writers have ended, so whoever leads next must leave the log complete.
        sequence_all(&mut sequencer(pool).await).await;
        wrong_with_log(pool).await
    }
}

/// Draws a number before anybody acts, and commits while they do.
fn late_commit() -> Actor {
    let late = |stage: Stage| async move {
        let transaction = stage.before(draw(&stage.pool)).await;
        transaction.commit().await.expect("commits");
    };
    Actor::new("late writer", late).after_crash(AfterCrash::Gone)
}

/// A transaction that has written an event of a new stream.
async fn draw(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut transaction = pool.begin().await.expect("begins");
    insert_within(&mut transaction).await;
    transaction
}

/// Leads for so many steps. Before that, two events are there, in its first life.
async fn lead(stage: &Stage, begins: Begins, steps: usize) -> Result<(), StoreError> {
    let pool = &stage.pool;
    let mut sequencer = match (stage.life, begins) {
        (0, Begins::Before) => {
            let begin = async {
                append(pool, append_to(new_stream(), 0, 2)).await;
                sequencer(pool).await
            };
            stage.before(begin).await
        }
        (0, Begins::Meanwhile) => {
            let lease = stage.before(new_lease(pool)).await;
            Sequencer::take_over(pool.clone(), &lease).await?
        }
        _ => Sequencer::take_over(pool.clone(), &new_lease(pool).await).await?,
    };
    for _ in 0..steps {
        sequencer.step().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_old_leader_changes_nothing_wherever_it_was_paused() {
    let scene = Sequencing::of(Cast::TakeOver, None);
    explored("take-over", &scene, THREE_PREEMPTIONS)
        .await
        .assert_holds();
}

#[tokio::test]
async fn an_old_leader_that_does_not_compare_epochs_is_missed() {
    let mutation = Mutation {
        find: "where epoch = $1 and position = $2",
        replace: "where $1 > 0 and position = $2",
    };
    let scene = Sequencing::of(Cast::TakeOver, Some(mutation));
    assert_missed("take-over without epochs", &scene, THREE_PREEMPTIONS).await;
}

const THREE_PREEMPTIONS: Bounds = Bounds {
    crashes: 0,
    preemptions: Some(3),
};

#[tokio::test]
async fn late_numbers_and_rolled_back_ones_are_told_apart() {
    for second in [Ending::Commit, Ending::Rollback] {
        let scene = Sequencing::of(Cast::LateWriters { second }, None);
        explored("late writers", &scene, THREE_PREEMPTIONS)
            .await
            .assert_holds();
    }
}

#[tokio::test]
async fn a_leader_that_gives_up_what_an_open_writer_drew_is_missed() {
    let mutation = Mutation {
        find: "mode = 'RowExclusiveLock'",
        replace: "mode = 'ShareLock'",
    };
    let second = Ending::Commit;
    let scene = Sequencing::of(Cast::LateWriters { second }, Some(mutation));
    assert_missed(
        "late writers that nobody waits for",
        &scene,
        THREE_PREEMPTIONS,
    )
    .await;
}

#[tokio::test]
async fn a_leader_that_crashes_leaves_whole_steps() {
    let scene = Sequencing::of(Cast::Crash, None);
    explored("crash of the leader", &scene, Bounds::ALL_WITH_A_CRASH)
        .await
        .assert_holds();
}
