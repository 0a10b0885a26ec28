//! Streams that commands read and do not write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_store::envelope::Version;
use event_store::write::append::{Append, Outcome};
use testkit::postgres::TestDatabase;
use testkit::wait::until;
use tokio::task::JoinSet;

use crate::support::{append, append_to, new_stream, places, taking_one};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_take_turns_with_readers_that_come_without_a_pause() {
    const READERS: usize = 8;
    const READS: usize = 3_000;
    const WRITES: i64 = 10;
    let database = TestDatabase::new().await;
    let stream = new_stream();
    let pool = database.pool();
    assert_eq!(
        append(&pool, append_to(stream, 0, 1)).await,
        Outcome::Appended
    );

    let done = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (pool, done) = (pool.clone(), Arc::clone(&done));
        readers.spawn(async move {
            let mut version = 1;
            while done.load(Ordering::Relaxed) < READS {
                let reading = Append {
                    reads: vec![(stream, Version(version))],
                    counters: vec![taking_one(places("a"), i64::MAX)],
                    ..append_to(new_stream(), 0, 1)
                };
                match append(&pool, reading).await {
                    Outcome::Appended => drop(done.fetch_add(1, Ordering::Relaxed)),
                    Outcome::Conflict => version += 1,
                    other => panic!("{other:?}"),
                }
            }
        });
    }
    until("all readers are at work", async || {
        (done.load(Ordering::Relaxed) > 10 * READERS).then_some(())
    })
    .await;
    for version in 1..=WRITES {
        let write = append_to(stream, version, 1);
        assert_eq!(append(&pool, write).await, Outcome::Appended);
    }
    let meanwhile = done.load(Ordering::Relaxed);
    assert!(meanwhile < READS, "the writes went after all reads");
    while let Some(ended) = readers.join_next().await {
        ended.expect("it reads to its end");
    }
}
