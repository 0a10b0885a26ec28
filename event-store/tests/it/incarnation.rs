//! A log that went back is in another incarnation, which begins once, and before anything is written in it.

use domain::stream_type::StreamType;
use event_store::envelope::{Position, Version};
use event_store::error::StoreError;
use event_store::incarnation::{self, Incarnation, Incarnations, Reason};
use event_store::lease;
use event_store::log;
use event_store::log::parts::{self, Part};
use event_store::log::selection::{self, Selection, Span, Streams};
use event_store::log::sequencer::Sequencer;
use event_store::pool::{self, Purpose};
use event_store::write::append::{Append, Outcome};
use testkit::events::{Recorder, new_stream, sequence};
use testkit::postgres::TestDatabase;
use testkit::restore::go_back;
use testkit::wait;
use tokio::task::JoinSet;

use crate::support::{append, append_to, new_lease};

async fn begun(database: &TestDatabase) -> i64 {
    let count = sqlx::query_scalar("select count(*) from es.incarnations");
    count
        .fetch_one(&database.pool())
        .await
        .expect("Postgres answers")
}

async fn current(database: &TestDatabase) -> Incarnation {
    let lineage = incarnation::ensure(&database.pool()).await;
    lineage.expect("Postgres answers").current().clone()
}

#[tokio::test]
async fn of_many_processes_that_notice_a_change_one_begins_an_incarnation() {
    for reason in [Reason::Timeline, Reason::Server, Reason::Database] {
        let database = TestDatabase::new().await;
        Recorder::new(database.pool()).jobs(2).await;
        sequence(&database.pool()).await;
        go_back(&database.pool(), Position(4), reason).await;
        let mut processes = JoinSet::new();
        for _ in 0..8 {
            let pool = database.pool_for(Purpose::Commands).await;
            processes.spawn(async move { Incarnations::open(pool).await });
        }
        let found = processes.join_all().await.into_iter();
        let found: Vec<_> = found
            .map(|opened| opened.expect("it is noticed").peek().expect("it is known"))
            .collect();
        let current = found[0].current();
        assert_eq!((current.fork, current.reason), (Position(4), reason));
        assert!(found.iter().all(|lineage| *lineage == found[0]));
        assert_eq!(begun(&database).await, 2);
    }
}

#[tokio::test]
async fn nothing_is_appended_or_sequenced_on_what_was_believed_of_another_incarnation() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = new_lease(&pool).await;
    let mut stale = Sequencer::take_over(pool.clone(), &lease)
        .await
        .expect("it leads");
    let in_first = |stream| Append {
        incarnation: Some(database.incarnation()),
        ..append_to(stream, 0, 1)
    };
    let stream = || new_stream(StreamType::JOB);
    assert_eq!(append(&pool, in_first(stream())).await, Outcome::Appended);
    let seen = stale.look().await.expect("Postgres answers");

    go_back(&pool, Position::START, Reason::Timeline).await;
    // Before the new incarnation begins, and after it.
    for _ in 0..2 {
        assert_eq!(
            append(&pool, in_first(stream())).await,
            Outcome::OtherIncarnation
        );
        let looked = stale.look().await.map(|_| ());
        let written = stale.write(&seen).await.map(|_| ());
        for refused in [looked, written] {
            assert!(
                matches!(refused, Err(StoreError::OtherIncarnation)),
                "{refused:?}"
            );
        }
        let rows: (i64, i64) = sqlx::query_as(
            "select (select count(*) from es.events), (select count(*) from es.log)",
        )
        .fetch_one(&pool)
        .await
        .expect("Postgres answers");
        assert_eq!(rows, (0, 0));
        incarnation::ensure(&pool).await.expect("it begins");
    }
    assert_eq!(
        append(&pool, append_to(stream(), 0, 1)).await,
        Outcome::Appended
    );
    lease::release(&pool, &lease).await.expect("it is released");
    assert_eq!(sequence(&pool).await, Position(1));
}

/// What a subscriber reads while it catches up, whatever it selects and whether anything is found.
#[tokio::test]
async fn pages_and_parts_of_streams_are_read_in_one_incarnation_only() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let before = database.incarnation();
    Recorder::new(pool.clone()).droplets(2).await;
    sequence(&pool).await;
    let read = log::read(&pool, Position::START, 1).await.expect("reads");
    let stream = read[0].event.stream;
    go_back(&pool, Position(2), Reason::Timeline).await;
    let now = current(&database).await.id;

    for streams in [
        Streams::All,
        Streams::OfType(stream.stream_type),
        Streams::One(stream),
        Streams::One(new_stream(StreamType::JOB)),
    ] {
        let selection = Selection {
            streams,
            event_types: None,
        };
        for (incarnation, after) in [(before, 0), (before, 2), (now, 0)] {
            let span = Span {
                incarnation,
                after: Position(after),
                up_to: Position(2),
                after_version: Version::NONE,
            };
            let query = selection::query(&read[0].event.org, &selection, span);
            match query.fetch_all(&pool).await {
                Ok(rows) => {
                    let rows = rows.iter().map(selection::looked);
                    let rows = rows.collect::<Result<_, _>>().expect("decodes");
                    let page = selection::page(rows, span);
                    assert_eq!((incarnation, page.complete_to), (now, Position(2)));
                }
                Err(error) => {
                    let error = StoreError::asking("reading a page")(error);
                    assert!(matches!(error, StoreError::OtherIncarnation), "{error:?}");
                    assert_eq!(incarnation, before, "{streams:?}");
                }
            }
        }
    }
    for (incarnation, up_to, found) in [(before, 1, None), (before, 0, None), (now, 1, Some(1))] {
        let part = Part {
            stream,
            after: Version::NONE,
            up_to: Version(up_to),
        };
        match parts::query(incarnation, &[part]).fetch_all(&pool).await {
            Ok(rows) => {
                let events = rows.iter().map(|row| parts::part(row).expect("decodes"));
                assert_eq!(Some(events.count()), found);
            }
            Err(error) => {
                let error = StoreError::asking("reading parts")(error);
                assert!(matches!(error, StoreError::OtherIncarnation), "{error:?}");
                assert_eq!(found, None);
            }
        }
    }
}

#[tokio::test]
async fn an_append_that_rests_on_nothing_waits_for_the_new_incarnation_too() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    go_back(&pool, Position::START, Reason::Server).await;
    let new = || append_to(new_stream(StreamType::JOB), 0, 1);
    assert_eq!(append(&pool, new()).await, Outcome::OtherIncarnation);
    current(&database).await;
    assert_eq!(append(&pool, new()).await, Outcome::Appended);
}

#[tokio::test]
async fn an_append_under_way_is_before_the_fork() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    Recorder::new(pool.clone()).jobs(1).await;
    sequence(&pool).await;
    let mut append = pool.begin().await.expect("it begins");
    let seq: i64 = sqlx::query_scalar(
        "with bumped as (update es.streams set version = version + 1 returning stream_id) \
         insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select stream_id, 4, shard, gen_random_uuid(), org_id, event_type, 1, data, metadata \
         from es.events join bumped using (stream_id) where version = 3 returning seq",
    )
    .fetch_one(&mut *append)
    .await
    .expect("it is appended");
    let declaring = {
        let pool = pool.clone();
        tokio::spawn(async move { incarnation::declare(&pool, "a test").await })
    };
    wait::until("the declaration waits for the append", async || {
        let waits = "select exists (select from pg_locks l join pg_database d on d.oid = l.database \
             where d.datname = current_database() and not l.granted)";
        let waits: bool = sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap();
        waits.then_some(())
    })
    .await;
    append.commit().await.expect("it commits");
    let lineage = declaring.await.expect("no panic").expect("it is declared");
    let Incarnation {
        fork,
        fork_seq,
        reason,
        ..
    } = lineage.current();
    assert_eq!(
        (*fork, *fork_seq, *reason),
        (Position(3), seq, Reason::Declared)
    );
}

/// A statement takes its snapshot after its locks: so one that waits for a declaration sees what was declared.
#[tokio::test]
async fn an_append_and_a_step_that_wait_for_a_new_incarnation_have_no_effect() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let before = database.incarnation();
    let one = pool::connect(&database.url(), Purpose::Maintenance, 1)
        .await
        .expect("connects");
    let in_first = || Append {
        incarnation: Some(before),
        ..append_to(new_stream(StreamType::JOB), 0, 1)
    };
    // Often enough that the server keeps the plan.
    for _ in 0..10 {
        assert_eq!(append(&one, in_first()).await, Outcome::Appended);
    }
    let lease = new_lease(&pool).await;
    let mut sequencer = Sequencer::take_over(pool.clone(), &lease)
        .await
        .expect("it leads");
    let seen = sequencer.look().await.expect("Postgres answers");

    let mut declaration = pool.begin().await.expect("it begins");
    for statement in [
        "lock table es.streams, es.log_head in exclusive mode",
        "insert into es.incarnations \
             (number, id, fork_position, fork_seq, reason, system, database, timeline) \
         select 2, gen_random_uuid(), 0, 10, 'DECLARED', s.system, s.database, s.timeline \
         from es.server_identity() s",
    ] {
        sqlx::query(statement)
            .execute(&mut *declaration)
            .await
            .expect("Postgres answers");
    }
    let (warm, cold) = (one.clone(), pool.clone());
    let appends = [warm, cold].map(|pool| {
        let lost = in_first();
        tokio::spawn(async move { append(&pool, lost).await })
    });
    let step = tokio::spawn(async move { sequencer.write(&seen).await.map(drop) });
    wait::until("all of them wait", async || {
        let waiting = "select count(distinct l.pid) from pg_locks l join pg_database d on d.oid = l.database \
             where d.datname = current_database() and not l.granted";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
        (waiting == 3).then_some(())
    })
    .await;
    declaration.commit().await.expect("it commits");
    for append in appends {
        assert_eq!(append.await.expect("no panic"), Outcome::OtherIncarnation);
    }
    let stepped = step.await.expect("no panic");
    assert!(
        matches!(stepped, Err(StoreError::OtherIncarnation)),
        "{stepped:?}"
    );
}

#[tokio::test]
async fn incarnations_are_never_altered() {
    let database = TestDatabase::new().await;
    for statement in [
        "update es.incarnations set fork_position = 9",
        "delete from es.incarnations",
    ] {
        let refused = sqlx::query(statement).execute(&database.pool()).await;
        refused.expect_err(statement);
    }
}
