//! A sequencer that dies at any point of its batch leaves the whole step or nothing of it.

use sqlx::PgPool;
use testkit::postgres::TestDatabase;

use crate::support::{
    append, append_to, assert_log_is_whole, insert_within, new_stream, sequence_all, sequencer,
};

/// Where a sequencer is killed.
#[derive(Clone, Copy, Debug)]
enum Death {
    AfterTakingOver,
    AfterLooking,
    /// The statement is on its way, and Postgres ends the session.
    WhileWriting,
    /// The step is committed, and the answer never arrives.
    AfterWriting,
}

#[tokio::test]
async fn killed_at_every_step_of_its_batch() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for round in 0..3 {
        for death in [
            Death::AfterTakingOver,
            Death::AfterLooking,
            Death::WhileWriting,
            Death::AfterWriting,
        ] {
            // A batch with a gap that stays open over the death, a rolled back number, and rows.
            let mut open = pool.begin().await.expect("begins");
            let mut rolled_back = pool.begin().await.expect("begins");
            insert_within(&mut open).await;
            insert_within(&mut rolled_back).await;
            append(&pool, append_to(new_stream(), 0, 1 + round)).await;
            die(&database, &pool, death).await;
            rolled_back.rollback().await.expect("rolls back");
            append(&pool, append_to(new_stream(), 0, 2)).await;
            open.commit().await.expect("commits");
            sequence_all(&mut sequencer(&pool).await).await;
            assert_log_is_whole(&pool).await;
        }
    }
}

async fn die(database: &TestDatabase, pool: &PgPool, death: Death) {
    let own = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect(&database.url())
        .await
        .expect("connects");
    let mut dying = sequencer(&own).await;
    match death {
        Death::AfterTakingOver => {}
        Death::AfterLooking => {
            dying.look().await.expect("Postgres answers");
        }
        Death::WhileWriting => {
            let seen = dying.look().await.expect("Postgres answers");
            let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
                .fetch_one(&own)
                .await
                .expect("Postgres answers");
            // The head is locked, so that the write is caught in the middle.
            let mut lock = pool.begin().await.expect("begins");
            sqlx::query("select 1 from es.log_head for update")
                .execute(&mut *lock)
                .await
                .expect("locks");
            let kill = async {
                testkit::wait::until("the write waits for the head", async || {
                    let waits: bool = sqlx::query_scalar(
                        "select wait_event_type is not distinct from 'Lock' \
                         from pg_stat_activity where pid = $1",
                    )
                    .bind(pid)
                    .fetch_one(pool)
                    .await
                    .expect("Postgres answers");
                    waits.then_some(())
                })
                .await;
                sqlx::query("select pg_terminate_backend($1)")
                    .bind(pid)
                    .execute(pool)
                    .await
                    .expect("is killed");
                lock.rollback().await.expect("unlocks");
            };
            tokio::join!(dying.write(&seen), kill)
                .0
                .expect_err("its session was killed");
        }
        Death::AfterWriting => {
            dying.step().await.expect("the log is ours");
        }
    }
}
