//! Hints between processes: what is announced is heard, and what is lost is found out.

use std::time::Duration;

use event_store::consume::wake::{self, HEARTBEAT, Hint, SILENCE, Signal, Wake};
use event_store::envelope::Position;
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

/// A process that announces where the log ends, and where it believes that.
fn announcing(pool: &PgPool, tasks: &mut JoinSet<()>) -> Wake {
    let wake = Wake::default();
    let stop = CancellationToken::new();
    tasks.spawn(wake::announce(
        pool.clone(),
        wake.clone(),
        Hint::Sequenced,
        stop,
    ));
    wake
}

async fn say(pool: &PgPool, announcement: &str) {
    sqlx::query("select pg_notify('clustergenie_sequenced', $1)")
        .bind(announcement)
        .execute(pool)
        .await
        .expect("Postgres tells everybody");
}

#[tokio::test]
async fn what_is_announced_is_heard() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let listener = Listener::start(&pool, SILENCE);
    listening(&pool).await;
    let mut tasks = JoinSet::new();
    let teller = announcing(&pool, &mut tasks);
    let head = silently(&pool).await;
    teller.sequenced.raise_to(head.0);
    listener.hears_of(head).await;
}

#[tokio::test]
async fn who_only_stands_by_hides_no_announcement_that_was_lost() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let head = silently(&pool).await;
    let listener = Listener::start(&pool, SILENCE);
    listener.hears_of(head).await;
    let mut tasks = JoinSet::new();
    let standby = announcing(&pool, &mut tasks);
    tokio::task::yield_now().await;
    let head = silently(&pool).await;
    // Until it repeats itself; not so long that the listener would look by itself.
    tokio::time::pause();
    tokio::time::advance(HEARTBEAT).await;
    tokio::time::resume();
    listener.hears_of(head).await;
    assert_eq!(standby.sequenced.value(), 0);
}

#[tokio::test]
async fn what_is_announced_is_not_believed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let listener = Listener::start(&pool, SILENCE);
    listening(&pool).await;
    let head = silently(&pool).await;
    say(&pool, &i64::MAX.to_string()).await;
    listener.hears_of(head).await;
    say(&pool, "anything").await;
    let head = silently(&pool).await;
    say(&pool, "0").await;
    listener.hears_of(head).await;
}

#[tokio::test]
async fn a_log_that_went_back_is_noticed_with_the_next_connection() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let head = silently(&pool).await;
    let listener = Listener::start(&pool, SILENCE);
    let process = listening(&pool).await;
    listener.hears_of(head).await;
    listener.wake.sequenced.raise_to(head.0 + 1_000);
    sqlx::query("select pg_terminate_backend($1)")
        .bind(process)
        .execute(&pool)
        .await
        .expect("the connection is broken");
    listener.hears_of(head).await;
}

#[test]
fn what_grew_while_somebody_looked_stays() {
    let signal = Signal::new();
    signal.raise_to(7);
    signal.found(5, 6);
    assert_eq!(signal.value(), 7);
    signal.found(7, 9);
    assert_eq!(signal.value(), 9);
    signal.found(9, 4);
    assert_eq!(signal.value(), 4);
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
