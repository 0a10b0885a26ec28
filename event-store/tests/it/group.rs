//! Concurrent appends go together, and never get in each other's way.

use std::iter;
use std::time::Duration;

use event_store::consume::wake::Wake;
use event_store::pool::Purpose;
use event_store::write::append::{Outcome, append_batch};
use event_store::write::group::Appender;
use event_store::write::idempotency::Keyed;
use event_store::write::name::NameChange;
use testkit::postgres::TestDatabase;
use testkit::statements;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{
    append_to, assert_log_is_whole, name, new_stream, sequence_all, sequencer,
    until_one_waits_for_a_lock,
};

#[tokio::test]
async fn many_writers_share_statements() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let wake = Wake::default();
    let (appender, group) = Appender::new(pool.clone(), wake.clone());
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let appender = appender.clone();
        tasks.spawn(async move { appender.append(append_to(new_stream(), 0, 2)).await });
    }
    drop(appender);
    let group = tokio::join!(group.run(), tasks.join_all()).1;
    for outcome in group {
        assert_eq!(outcome.expect("is appended"), Outcome::Appended);
    }
    let transactions: i64 = sqlx::query_scalar("select count(distinct xmin::text) from es.events")
        .fetch_one(&pool)
        .await
        .expect("Postgres answers");
    assert!(
        transactions < 200,
        "200 commands took {transactions} transactions"
    );
    assert!(wake.appended.value() > 0, "the sequencer was woken");
    sequence_all(&mut sequencer(&pool).await).await;
    assert_log_is_whole(&pool).await;
}

#[tokio::test]
async fn of_many_that_want_one_stream_or_one_name_exactly_one_wins() {
    let database = TestDatabase::new().await;
    let (appender, group) = Appender::new(database.pool(), Wake::default());
    let stream = new_stream();
    let mut tasks = JoinSet::new();
    for i in 0..40 {
        let appender = appender.clone();
        let append = if i % 2 == 0 {
            append_to(stream, 0, 1)
        } else {
            let own = new_stream();
            let mut named = append_to(own, 0, 1);
            named.names = vec![NameChange::Take(name("web-1"), own)];
            named
        };
        tasks.spawn(async move { appender.append(append).await.expect("Postgres answers") });
    }
    drop(appender);
    let outcomes = tokio::join!(group.run(), tasks.join_all()).1;
    let count = |wanted: &Outcome| outcomes.iter().filter(|o| *o == wanted).count();
    assert_eq!(count(&Outcome::Appended), 2);
    assert_eq!(count(&Outcome::Conflict), 19);
    assert_eq!(count(&Outcome::Taken(name("web-1"))), 19);
}

#[tokio::test]
async fn a_race_that_no_snapshot_shows_is_answered_for_each_command() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // Another process has opened the stream, and not committed yet.
    let contested = new_stream();
    let mut other = pool.begin().await.expect("Postgres answers");
    sqlx::query(
        "insert into es.streams (stream_id, stream_type, org_id, version) \
         values ($1, 'droplet', 'acme', 1)",
    )
    .bind(contested.uuid)
    .execute(&mut *other)
    .await
    .expect("Postgres answers");

    let batch = iter::once(contested).chain(iter::repeat_with(new_stream).take(99));
    let batch: Vec<_> = batch
        .map(|stream| crate::support::prepared(append_to(stream, 0, 1)))
        .collect();
    let commands = database.pool_for(Purpose::Commands).await;
    statements::collect();
    let appending = append_batch(&commands, &batch);
    let commit = async {
        until_one_waits_for_a_lock(&pool).await;
        other.commit().await.expect("commits");
    };
    let outcomes = tokio::join!(appending, commit).0.expect("Postgres answers");
    assert_eq!(outcomes[0], Outcome::Conflict);
    assert!(
        outcomes[1..]
            .iter()
            .all(|outcome| *outcome == Outcome::Appended)
    );
    let appends = statements::take();
    let appends = appends
        .iter()
        .filter(|sent| sent.contains("es.events"))
        .count();
    assert_eq!(appends, 2, "statements for 100 commands");
}

/// Two processes are sent the same commands again, in opposite order, as happens when a client loses
/// its connection: each command has one effect, and nobody is left without an answer.
#[tokio::test]
async fn batches_with_the_same_keys_in_opposite_order_are_all_answered() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for round in 0..10 {
        let batch = |reversed: bool| {
            let mut appends: Vec<_> = (0..100)
                .map(|i| {
                    let mut append = append_to(new_stream(), 0, 1);
                    let (key, receipt) = (format!("{round}-{i}"), "1".to_owned());
                    append.keyed = Some(Keyed {
                        key,
                        request_hash: [7; 16],
                        receipt,
                    });
                    append
                })
                .collect();
            if reversed {
                appends.reverse();
            }
            appends
                .into_iter()
                .map(crate::support::prepared)
                .collect::<Vec<_>>()
        };
        let (forwards, backwards) = (batch(false), batch(true));
        let (first, second) = tokio::join!(
            append_batch(&pool, &forwards),
            append_batch(&pool, &backwards)
        );
        let outcomes = [first.expect("is answered"), second.expect("is answered")].concat();
        let won = outcomes.iter().filter(|o| **o == Outcome::Appended).count();
        assert_eq!(won, 100, "each key has one effect");
    }
}

#[tokio::test]
async fn a_lock_that_is_not_released_holds_up_only_the_commands_that_need_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool_for(Purpose::Commands).await;
    let stream = new_stream();
    let (appender, group) = Appender::new(pool.clone(), Wake::default());
    let group = tokio::spawn(group.run());
    let first = appender.append(append_to(stream, 0, 1)).await;
    assert!(matches!(first, Ok(Outcome::Appended)), "{first:?}");
    let others = database.pool();
    let mut holder = others.begin().await.expect("begins");
    sqlx::query("select from es.streams where stream_id = $1 for update")
        .bind(stream.uuid)
        .execute(&mut *holder)
        .await
        .expect("locks it");
    // All in one statement: they wait until the group begins.
    let locked = appender.append(append_to(stream, 1, 1));
    let free = appender.append(append_to(new_stream(), 0, 1));
    let (locked, free) = tokio::join!(locked, free);
    assert!(matches!(locked, Ok(Outcome::Conflict)), "{locked:?}");
    assert!(matches!(free, Ok(Outcome::Appended)), "{free:?}");
    holder.rollback().await.expect("releases it");
    let again = appender.append(append_to(stream, 1, 1)).await;
    assert!(matches!(again, Ok(Outcome::Appended)), "{again:?}");
    drop(appender);
    group.await.expect("it ends");
}

#[tokio::test]
async fn a_statement_that_waits_for_a_lock_delays_no_other() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (appender, group) = Appender::new(pool.clone(), Wake::default());
    let group = tokio::spawn(group.run());
    let stream = new_stream();
    let first = appender.append(append_to(stream, 0, 1)).await;
    assert!(matches!(first, Ok(Outcome::Appended)), "{first:?}");
    let mut holder = pool.begin().await.expect("begins");
    sqlx::query("select from es.streams where stream_id = $1 for update")
        .bind(stream.uuid)
        .execute(&mut *holder)
        .await
        .expect("locks it");
    let locked = appender.clone();
    let locked = tokio::spawn(async move { locked.append(append_to(stream, 1, 1)).await });
    until_one_waits_for_a_lock(&pool).await;
    let free = appender.append(append_to(new_stream(), 0, 1));
    let free = timeout(Duration::from_secs(60), free).await;
    let free = free.expect("a statement runs beside the one that waits");
    assert!(matches!(free, Ok(Outcome::Appended)), "{free:?}");
    holder.rollback().await.expect("releases it");
    let locked = locked.await.expect("it ends");
    assert!(matches!(locked, Ok(Outcome::Appended)), "{locked:?}");
    drop(appender);
    group.await.expect("it ends");
}
