//! Partitions: created before they are needed, dropped when they are no longer kept, and never missed by a command.

use event_store::envelope::Version;
use event_store::log;
use event_store::partitions;
use event_store::write::append::{Append, Outcome};
use event_store::write::command::{CommandOutcome, CommandRecord};
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

async fn current_period(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select es.period_at(now(), 10)")
        .fetch_one(pool)
        .await
        .expect("Postgres answers")
}

/// Creates the partition of keys with this number, with a key in it.
async fn use_period(pool: &PgPool, number: i64) {
    let statements = format!(
        "select es.create_partition('idempotency', {number}); \
         insert into es.idempotency \
             select to_timestamp({number} * 864000), gen_random_uuid(), gen_random_uuid(), 'acme', '1'"
    );
    execute(pool, &statements).await;
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

/// A partition far ahead, which a clock that jumped left behind, hides no gap before it.
#[tokio::test]
async fn a_clock_that_jumped_ahead_and_came_back_leaves_no_gap() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let now = current_period(&pool).await;
    for table in ["idempotency", "commands"] {
        for partition in names(&pool, table).await {
            execute(&pool, &format!("drop table {partition}")).await;
        }
        let ahead = now + 10;
        execute(
            &pool,
            &format!("select es.create_partition('{table}', {ahead})"),
        )
        .await;
    }
    let command = Append {
        keyed: Some(keyed("k")),
        record: Some(record()),
        ..append_to(new_stream(), 0, 1)
    };
    assert_eq!(append(&pool, command).await, Outcome::Appended);
}

/// What prevents the maintenance of one table prevents that of no other.
#[tokio::test]
async fn a_partition_that_cannot_be_dropped_is_left_and_others_are_created() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let now = current_period(&pool).await;
    for number in now - 9..now {
        use_period(&pool, number).await;
    }
    let oldest = now - 9;
    execute(
        &pool,
        &format!(
            "create view old_keys as select * from es.idempotency_{oldest}; drop table es.commands_{now}"
        ),
    )
    .await;
    assert!(maintain(&pool).await > 0);
    let left = names(&pool, "idempotency").await;
    assert!(
        left.contains(&format!("es.idempotency_{oldest}")),
        "{left:?}"
    );
    assert!(
        !left.contains(&format!("es.idempotency_{}", now - 8)),
        "{left:?}"
    );
    let commands = names(&pool, "commands").await;
    assert!(
        commands.contains(&format!("es.commands_{now}")),
        "{commands:?}"
    );
}

/// Every login can take advisory locks, whatever its rights are.
#[tokio::test]
async fn no_lock_that_every_login_can_take_prevents_the_maintenance() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let now = current_period(&pool).await;
    execute(&pool, &format!("drop table es.commands_{now}")).await;
    let mut other = pool.acquire().await.expect("there is a connection");
    sqlx::query("select pg_advisory_lock(hashtextextended('es.maintain_partitions', 0))")
        .execute(&mut *other)
        .await
        .expect("Postgres answers");
    assert!(maintain(&pool).await > 0);
}

/// The maintenance runs with the rights of its owner, and reads the catalogue of Postgres.
#[tokio::test]
async fn temporary_tables_of_the_caller_do_not_mislead_the_maintenance() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut caller = pool.acquire().await.expect("there is a connection");
    // An old partition of keys by the look of it, with enough later ones that were written to.
    let statements = "create table es.kept (id int); \
         create temporary table pg_inherits (inhrelid oid, inhparent oid); \
         create temporary table pg_class (oid oid, relname text); \
         insert into pg_inherits select name::regclass, 'es.idempotency'::regclass \
             from unnest(array['es.kept', 'es.partitioned_tables']) name; \
         insert into pg_class values ('es.kept'::regclass, 'x_1'); \
         insert into pg_class select 'es.partitioned_tables'::regclass, 'x_' || n from generate_series(2, 9) n";
    sqlx::raw_sql(statements)
        .execute(&mut *caller)
        .await
        .expect("Postgres answers");
    partitions::maintain(&mut *caller)
        .await
        .expect("nobody has a lock");
    let kept: bool = sqlx::query_scalar("select to_regclass('es.kept') is not null")
        .fetch_one(&mut *caller)
        .await
        .expect("Postgres answers");
    assert!(kept, "another table was dropped");
}

#[tokio::test]
async fn keys_are_dropped_after_thirty_to_forty_days() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let now = current_period(&pool).await;
    for number in now - 9..=now {
        use_period(&pool, number).await;
    }
    maintain(&pool).await;
    let kept: Vec<String> = (now - 3..=now)
        .map(|number| format!("es.idempotency_{number}"))
        .collect();
    let left = names(&pool, "idempotency").await;
    assert_eq!(left[..4], kept, "and perhaps the next one: {left:?}");
}

/// As if the clock jumped ahead by a year: the partitions of the days before it are still needed when it is back.
#[tokio::test]
async fn periods_without_later_writes_are_kept_however_late_it_is() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let then = current_period(&pool).await - 36;
    for number in then - 3..=then {
        use_period(&pool, number).await;
    }
    maintain(&pool).await;
    let left = names(&pool, "idempotency").await;
    for number in then - 3..=then {
        assert!(
            left.contains(&format!("es.idempotency_{number}")),
            "{left:?}"
        );
    }
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

fn record() -> CommandRecord {
    CommandRecord {
        name: "tag_droplet".into(),
        stream: None,
        credential: None,
        outcome: CommandOutcome::Accepted,
        rule: None,
        times: 1,
        input: "{}".to_owned(),
        basis: "{}".to_owned(),
    }
}

fn keyed(key: &str) -> Keyed {
    Keyed {
        key: key.to_owned(),
        request_hash: [7; 16],
        receipt: "[]".to_owned(),
    }
}
