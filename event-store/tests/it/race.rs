//! Sixteen writers, rollbacks, and write transactions that stay open for long: no event is
//! missed, and none waits for the open transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use event_store::consume::wake::Signal;
use event_store::log;
use event_store::write::append::Outcome;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{
    append, append_to, assert_log_is_whole, insert_within, new_stream, position_of, sequencer,
};

const WRITERS: usize = 16;
/// How long the transactions stay open: longer than the time limit of a statement.
const HELD_OPEN: Duration = Duration::from_secs(35);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_and_nobody_waits_for_an_open_transaction() {
    let database = TestDatabase::new().await;
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(24)
        .connect(&database.url())
        .await
        .expect("connects");
    // One that drew a number, and one that only has a transaction id: it holds `xmin` back.
    let mut drew = pool.begin().await.expect("begins");
    let mut idle = pool.begin().await.expect("begins");
    let open_stream = insert_within(&mut drew).await;
    sqlx::query("select pg_current_xact_id()")
        .execute(&mut *idle)
        .await
        .expect("gets an id");

    let stop = CancellationToken::new();
    let sequenced = Signal::new();
    let missing = Arc::new(AtomicI64::new(0));
    let sequencing = {
        let (pool, stop, sequenced) = (pool.clone(), stop.clone(), sequenced.clone());
        let missing = Arc::clone(&missing);
        tokio::spawn(async move { sequence_until(&pool, &sequenced, &missing, stop).await })
    };
    let until = Instant::now() + HELD_OPEN;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write_until(pool.clone(), sequenced.clone(), writer, until));
    }
    let written: usize = writers.join_all().await.into_iter().sum();
    assert!(written > WRITERS * 20, "only {written} events were written");
    assert_eq!(position_of(&pool, open_stream, 1).await, None);

    drew.commit().await.expect("commits");
    idle.rollback().await.expect("rolls back");
    let expected = i64::try_from(written).expect("few events") + 1;
    testkit::wait::until("the late event has its position", async || {
        (log::head(&pool).await.expect("Postgres answers").0 == expected).then_some(())
    })
    .await;
    assert_eq!(position_of(&pool, open_stream, 1).await, Some(expected));
    // Nothing older runs any more, so the numbers of the rolled back transactions are given up.
    testkit::wait::until("nothing is missing", async || {
        (missing.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    stop.cancel();
    sequencing.await.expect("the sequencer ends");
    assert_log_is_whole(&pool).await;
}

async fn sequence_until(
    pool: &PgPool,
    sequenced: &Signal,
    missing: &AtomicI64,
    stop: CancellationToken,
) {
    let mut sequencer = sequencer(pool).await;
    while !stop.is_cancelled() {
        let step = sequencer.step().await.expect("the log is ours");
        sequenced.raise_to(step.head.0);
        missing.store(step.missing, Ordering::SeqCst);
        if step.sequenced == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Appends to one stream after the other. Every event must have its position before the next is
/// written, so a single one that had to wait for an open transaction would hold the writer up to the
/// end. One transaction in twenty is rolled back after it drew a number.
async fn write_until(pool: PgPool, sequenced: Signal, writer: usize, until: Instant) -> usize {
    let mut written = 0;
    let mut stream = new_stream();
    let mut version = 0;
    let mut rounds = writer;
    while Instant::now() < until {
        rounds += 1;
        if rounds.is_multiple_of(20) {
            let mut transaction = pool.begin().await.expect("begins");
            insert_within(&mut transaction).await;
            transaction.rollback().await.expect("rolls back");
            continue;
        }
        if version == 10 {
            (stream, version) = (new_stream(), 0);
        }
        assert_eq!(
            append(&pool, append_to(stream, version, 1)).await,
            Outcome::Appended
        );
        (version, written) = (version + 1, written + 1);
        while position_of(&pool, stream, version).await.is_none() {
            assert!(
                Instant::now() < until + Duration::from_secs(30),
                "writer {writer} waits for version {version} of {stream}"
            );
            sequenced
                .above(sequenced.value(), Duration::from_millis(100))
                .await;
        }
    }
    written
}
