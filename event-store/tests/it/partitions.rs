//! Partitions: created before they are needed, dropped when they are no longer kept, and never missed by a command.

use event_store::envelope::Version;
use event_store::log;
use event_store::partitions;
use event_store::write::append::{Append, Outcome};
use event_store::write::idempotency::Keyed;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;

use crate::support::{
    append, append_to, assert_log_is_whole, new_stream, position_of, sequence_all, sequencer,
};

/// Makes the partitions of events and log as narrow as this, before anything is stored.
async fn narrow(pool: &PgPool, width: i64) {
    let statements = format!(
        "update es.partitioned_tables set width = {width} where not by_time; \
         drop table es.events_1, es.log_1; \
         select es.create_partition('events', 1), es.create_partition('log', 1)"
    );
    execute(pool, &statements).await;
}

async fn execute(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
        .execute(pool)
        .await
        .expect("Postgres answers");
}

async fn names(pool: &PgPool, table: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits \
         where inhparent = ('es.' || $1)::regclass order by inhrelid::regclass::text",
    )
    .bind(table)
    .fetch_all(pool)
    .await
    .expect("Postgres answers")
}

async fn maintain(pool: &PgPool) -> i32 {
    partitions::maintain(pool).await.expect("nobody has a lock")
}

#[tokio::test]
async fn the_next_partition_is_there_before_it_is_needed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    narrow(&pool, 10).await;
    let stream = new_stream();
    append(&pool, append_to(stream, 0, 4)).await;
    assert_eq!(maintain(&pool).await, 0, "less than half is used");
    append(&pool, append_to(stream, 4, 2)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    maintain(&pool).await;
    assert_eq!(maintain(&pool).await, 0, "once");
    assert_eq!(names(&pool, "log").await, ["es.log_1", "es.log_2"]);
    append(&pool, append_to(stream, 6, 8)).await;
    sequence_all(&mut sequencer(&pool).await).await;

    assert_eq!(names(&pool, "events").await, ["es.events_1", "es.events_2"]);
    let events = log::read_stream(&pool, stream, Version::NONE).await;
    let versions: Vec<i64> = events.expect("reads").iter().map(|e| e.version.0).collect();
    assert_eq!(versions, (1..=14).collect::<Vec<_>>());
    assert_log_is_whole(&pool).await;
    for partition in ["es.events_2", "es.log_2"] {
        let altered = sqlx::query(sqlx::AssertSqlSafe(format!("delete from {partition}")))
            .execute(&pool)
            .await;
        let error = altered.expect_err("history is never altered").to_string();
        assert!(
            error.contains("recorded history is never altered"),
            "{error}"
        );
    }
}

/// As after a long time without a relay, or a clock that jumped.
#[tokio::test]
async fn a_missing_partition_is_created_by_whoever_needs_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    narrow(&pool, 10).await;
    for partition in names(&pool, "idempotency").await {
        execute(&pool, &format!("drop table {partition}")).await;
    }
    let stream = new_stream();
    append(&pool, append_to(stream, 0, 9)).await;
    sequence_all(&mut sequencer(&pool).await).await;
    let beyond = Append {
        keyed: Some(keyed("k")),
        ..append_to(stream, 9, 9)
    };
    assert_eq!(append(&pool, beyond).await, Outcome::Appended);
    sequence_all(&mut sequencer(&pool).await).await;
    assert_eq!(position_of(&pool, stream, 18).await, Some(18));
    assert_log_is_whole(&pool).await;
}

#[tokio::test]
async fn keys_are_dropped_after_thirty_to_forty_days() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let current: i64 =
        sqlx::query_scalar("select floor(extract(epoch from now()) / 864000)::bigint")
            .fetch_one(&pool)
            .await
            .expect("Postgres answers");
    for number in current - 9..current {
        execute(
            &pool,
            &format!("select es.create_partition('idempotency', {number})"),
        )
        .await;
    }
    maintain(&pool).await;
    let kept: Vec<String> = (current - 3..=current)
        .map(|number| format!("es.idempotency_{number}"))
        .collect();
    let names = names(&pool, "idempotency").await;
    assert_eq!(names[..4], kept, "and perhaps the next one: {names:?}");
}

#[tokio::test]
async fn a_key_is_unique_also_where_a_period_ends() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let periods = |at: &'static str| {
        let pool = pool.clone();
        async move {
            let periods: Vec<String> = sqlx::query_scalar(
                "select (p at time zone 'UTC')::date::text from es.periods_of_key($1::timestamptz) p order by p",
            )
            .bind(at)
            .fetch_all(&pool)
            .await
            .expect("Postgres answers");
            periods
        }
    };
    assert_eq!(periods("2026-12-02T23:59:59Z").await, ["2026-11-23"]);
    let both = ["2026-11-23", "2026-12-03"];
    assert_eq!(periods("2026-12-03T00:00:00Z").await, both);
    assert_eq!(periods("2026-12-03T00:09:59Z").await, both);
    assert_eq!(periods("2026-12-03T00:10:00Z").await, ["2026-12-03"]);
}

fn keyed(key: &str) -> Keyed {
    Keyed {
        key: key.to_owned(),
        request_hash: [7; 32],
        receipt: "[]".to_owned(),
    }
}
