//! Hints between processes: what is announced is heard, and what is lost is found out.

use std::time::Duration;

use event_store::envelope::Position;
use event_store::wake::{self, Hint, SILENCE, Wake};
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;
use testkit::wait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A process that listens to where the log ends.
struct Listener {
    wake: Wake,
    _tasks: JoinSet<()>,
}

impl Listener {
    fn start(pool: &PgPool, silence: Duration) -> Self {
        let (wake, mut tasks) = (Wake::default(), JoinSet::new());
        let (pool, heard) = (pool.clone(), wake.clone());
        let stop = CancellationToken::new();
        tasks.spawn(wake::listen(pool, heard, Hint::Sequenced, silence, stop));
        Self {
            wake,
            _tasks: tasks,
        }
    }

    async fn hears_of(&self, head: Position) {
        wait::until("the log's end is heard of", async || {
            (self.wake.sequenced.value() == head.0).then_some(())
        })
        .await;
    }
}

/// Records an event and gives it a position, without telling anybody.
async fn silently(pool: &PgPool) -> Position {
    Recorder::new(pool.clone()).jobs(1).await;
    sequence(pool).await
}

/// Waits until a connection listens, and gives its process.
async fn listening(pool: &PgPool) -> i32 {
    wait::until("somebody listens", async || {
        let found = sqlx::query_scalar(
            "select pid from pg_stat_activity \
             where datname = current_database() and query ilike 'listen %'",
        );
        found.fetch_optional(pool).await.expect("Postgres answers")
    })
    .await
}

#[tokio::test]
async fn what_is_announced_is_heard() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let listener = Listener::start(&pool, SILENCE);
    listening(&pool).await;
    let teller = Wake::default();
    let mut tasks = JoinSet::new();
    let stop = CancellationToken::new();
    tasks.spawn(wake::announce(
        pool.clone(),
        teller.clone(),
        Hint::Sequenced,
        stop,
    ));
    teller.sequenced.raise_to(7);
    listener.hears_of(Position(7)).await;
}

#[tokio::test]
async fn who_begins_to_listen_looks_where_the_log_ends() {
    let database = TestDatabase::new().await;
    let head = silently(&database.pool()).await;
    Listener::start(&database.pool(), SILENCE)
        .hears_of(head)
        .await;
}

#[tokio::test]
async fn what_happens_while_the_connection_is_broken_is_seen_with_the_next_one() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let listener = Listener::start(&pool, SILENCE);
    let process = listening(&pool).await;
    let head = silently(&pool).await;
    sqlx::query("select pg_terminate_backend($1)")
        .bind(process)
        .execute(&pool)
        .await
        .expect("the connection is broken");
    listener.hears_of(head).await;
}

#[tokio::test]
async fn who_hears_nothing_for_too_long_looks_too() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let listener = Listener::start(&pool, Duration::from_millis(200));
    listening(&pool).await;
    let head = silently(&pool).await;
    listener.hears_of(head).await;
}
