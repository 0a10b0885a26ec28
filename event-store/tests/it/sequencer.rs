//! Positions: dense, final, one each, whoever else is writing.

use event_store::consume::wake::Wake;
use event_store::error::StoreError;
use event_store::lease;
use event_store::log;
use event_store::log::sequencer::Sequencer;
use event_store::write::append::Outcome;
use event_store::write::group::{AppendError, Appender};
use sqlx::AssertSqlSafe;
use testkit::postgres::TestDatabase;

use crate::support::{
    append, append_to, assert_log_is_whole, insert_within, new_lease, new_stream, position_of,
    sequence_all, sequencer,
};

#[tokio::test]
async fn late_numbers_get_their_positions_and_rolled_back_ones_none() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut sequencer = sequencer(&pool).await;
    let mut late = pool.begin().await.expect("begins");
    let mut rolled_back = pool.begin().await.expect("begins");
    let late_stream = insert_within(&mut late).await;
    insert_within(&mut rolled_back).await;
    let early = new_stream();
    append(&pool, append_to(early, 0, 1)).await;

    let step = sequencer.step().await.expect("the log is ours");
    assert_eq!(
        (step.sequenced, step.missing),
        (1, 2),
        "the open writers delay nobody"
    );
    assert_eq!(position_of(&pool, early, 1).await, Some(1));

    rolled_back.rollback().await.expect("rolls back");
    late.commit().await.expect("commits");
    assert_eq!(
        sequencer.step().await.expect("the log is ours").sequenced,
        1
    );
    assert_eq!(position_of(&pool, late_stream, 1).await, Some(2));
    assert_log_is_whole(&pool).await;
}

/// A forgotten transaction of an administrator holds back the oldest running transaction of the whole server.
#[tokio::test]
async fn a_transaction_that_writes_elsewhere_keeps_no_gap() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut forgotten = pool.begin().await.expect("begins");
    sqlx::query("select pg_current_xact_id(), count(*) from es.events")
        .execute(&mut *forgotten)
        .await
        .expect("gets an id");
    let mut sequencer = sequencer(&pool).await;
    let mut rolled_back = pool.begin().await.expect("begins");
    insert_within(&mut rolled_back).await;
    append(&pool, append_to(new_stream(), 0, 1)).await;
    for _ in 0..3 {
        assert_eq!(sequencer.step().await.expect("the log is ours").missing, 1);
    }
    rolled_back.rollback().await.expect("rolls back");
    // One look sees that the writer is gone, and the next one that it left nothing.
    sequencer.step().await.expect("the log is ours");
    assert_eq!(sequencer.step().await.expect("the log is ours").missing, 0);
    forgotten.commit().await.expect("commits");
}

/// Postgres keeps each version of the head that was written since the oldest open snapshot began.
#[tokio::test]
async fn a_snapshot_that_stays_open_makes_the_head_no_slower() {
    const STEPS: i64 = 3_000;
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut open = pool.begin().await.expect("begins");
    sqlx::query("set transaction isolation level repeatable read")
        .execute(&mut *open)
        .await
        .expect("Postgres answers");
    sqlx::query("select from es.log_head")
        .execute(&mut *open)
        .await
        .expect("Postgres answers");
    // What steps write, without the events, which would take a while.
    sqlx::raw_sql(AssertSqlSafe(format!(
        "do $$ begin for step in 1..{STEPS} loop \
             update es.log_head set position = position + 1; commit; end loop; end $$"
    )))
    .execute(&pool)
    .await
    .expect("Postgres answers");
    let head = log::HEAD;
    let step = format!(
        "update es.log_head set position = position + 1 where epoch = 0 and position = {STEPS}"
    );
    for statement in [head, &step] {
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "explain (analyze, costs off, timing off, summary off, buffers) {statement}"
        )))
        .fetch_all(&pool)
        .await
        .expect("Postgres answers");
        let buffers = plan.iter().find_map(|line| {
            let (_, hits) = line.split_once("Buffers: shared hit=")?;
            hits.split_whitespace().next()?.parse::<u32>().ok()
        });
        assert!(buffers.is_some_and(|read| read < 30), "{plan:#?}");
    }
    open.commit().await.expect("commits");
}

/// Fails with the snapshot's `xmax` as the bound of a gap (`docs/decisions/0001-gap-bound.md`): the writer that stays
/// open has the highest id of all, so the next snapshot's `xmin` has already reached that `xmax`.
#[tokio::test]
async fn an_open_writer_with_the_highest_id_keeps_its_gap() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut sequencer = sequencer(&pool).await;
    let mut lower = pool.begin().await.expect("begins");
    sqlx::query("select pg_current_xact_id()")
        .execute(&mut *lower)
        .await
        .expect("gets an id");
    let mut highest = pool.begin().await.expect("begins");
    let open_stream = insert_within(&mut highest).await;
    insert_within(&mut lower).await;
    lower.commit().await.expect("commits");

    for _ in 0..3 {
        assert_eq!(sequencer.step().await.expect("the log is ours").missing, 1);
    }
    highest.commit().await.expect("commits");
    sequencer.step().await.expect("the log is ours");
    assert_eq!(position_of(&pool, open_stream, 1).await, Some(2));
    assert_log_is_whole(&pool).await;
}

#[tokio::test]
async fn gaps_are_found_again_after_a_restart() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut first = sequencer(&pool).await;
    let mut open = pool.begin().await.expect("begins");
    let late_stream = insert_within(&mut open).await;
    append(&pool, append_to(new_stream(), 0, 3)).await;
    assert_eq!(first.step().await.expect("the log is ours").sequenced, 3);
    drop(first);

    let mut second = sequencer(&pool).await;
    assert_eq!(second.step().await.expect("the log is ours").missing, 1);
    open.commit().await.expect("commits");
    sequence_all(&mut second).await;
    assert_eq!(position_of(&pool, late_stream, 1).await, Some(4));
    assert_log_is_whole(&pool).await;
}

#[tokio::test]
async fn of_two_sequencers_the_older_can_write_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut older = sequencer(&pool).await;
    append(&pool, append_to(new_stream(), 0, 2)).await;
    // Paused between its two statements, as a process can be at any time.
    let seen = older.look().await.expect("Postgres answers");

    let mut newer = sequencer(&pool).await;
    let fenced = older.write(&seen).await.expect_err("is fenced");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced}");
    sequence_all(&mut newer).await;
    append(&pool, append_to(new_stream(), 0, 1)).await;
    let fenced = older.step().await.expect_err("is fenced still");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced}");
    sequence_all(&mut newer).await;
    assert_log_is_whole(&pool).await;
}

#[tokio::test]
async fn a_lease_has_one_owner_and_its_epoch_grows() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let acquire = async |owner| {
        lease::acquire(&pool, "sequencer", owner)
            .await
            .expect("answers")
    };
    let first = acquire("a").await.expect("is free");
    assert_eq!(acquire("b").await, None, "is taken");
    lease::renew(&pool, &first).await.expect("is ours");
    lease::release(&pool, &first).await.expect("answers");
    let second = acquire("b").await.expect("was given back");
    assert!(second.epoch > first.epoch);
    let fenced = lease::renew(&pool, &first).await.expect_err("was lost");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced}");
    lease::release(&pool, &first).await.expect("does nothing");
    assert_eq!(
        acquire("c").await,
        None,
        "the release of a lost lease changes nothing"
    );

    Sequencer::take_over(pool.clone(), &second)
        .await
        .expect("is the newest");
    let fenced = Sequencer::take_over(pool.clone(), &first)
        .await
        .expect_err("is older");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced}");
}

#[tokio::test]
async fn a_lease_from_before_the_clock_went_back_is_free() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    lease::acquire(&pool, "sequencer", "dead")
        .await
        .expect("answers")
        .expect("is free");
    sqlx::query("update es.leases set expires_at = clock_timestamp() + interval '1 hour'")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    let taken = lease::acquire(&pool, "sequencer", "standby")
        .await
        .expect("answers");
    assert!(taken.is_some(), "nobody was ever given an hour");
}

#[tokio::test]
async fn a_lease_whose_row_was_lost_takes_the_log_over_at_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("update es.log_head set epoch = 50")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    let lease = lease::acquire(&pool, "sequencer", "a").await;
    let lease = lease.expect("answers").expect("is free");
    let taken = Sequencer::take_over(pool.clone(), &lease).await;
    assert!(taken.is_ok(), "{taken:?}");
}

#[tokio::test]
async fn nothing_is_appended_while_the_sequence_is_behind_its_table() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let execute = async |statement: &'static str| {
        let done = sqlx::query(statement).execute(&pool).await;
        done.expect("Postgres answers");
    };
    let mut first = sequencer(&pool).await;
    for _ in 0..3 {
        append(&pool, append_to(new_stream(), 0, 1)).await;
    }
    // A number that no event has, and that the sequencer gives up.
    execute("select nextval('es.events_seq_seq')").await;
    for _ in 0..3 {
        append(&pool, append_to(new_stream(), 0, 1)).await;
    }
    sequence_all(&mut first).await;
    execute("select setval('es.events_seq_seq', 1, false)").await;

    let (appender, group) = Appender::new(pool.clone(), Wake::default());
    let group = tokio::spawn(group.run());
    for _ in 0..6 {
        let refused = appender.append(append_to(new_stream(), 0, 1)).await;
        let Err(AppendError::Unconfirmed(error)) = &refused else {
            panic!("{refused:?}");
        };
        assert!(matches!(**error, StoreError::SequenceBehind), "{error}");
    }
    let refused = Sequencer::take_over(pool.clone(), &new_lease(&pool).await).await;
    assert!(
        matches!(refused, Err(StoreError::SequenceBehind)),
        "{refused:?}"
    );

    execute("select setval('es.events_seq_seq', (select max(seq) from es.events))").await;
    let appended = appender.append(append_to(new_stream(), 0, 1)).await;
    assert!(matches!(appended, Ok(Outcome::Appended)), "{appended:?}");
    let mut sequencer = sequencer(&pool).await;
    sequence_all(&mut sequencer).await;
    assert_log_is_whole(&pool).await;
    drop(appender);
    group.await.expect("it ends");
}
