//! A database is brought to the program's version, once, and a newer one is left alone.

use chrono::{DateTime, Utc};
use domain::stream_type::StreamType;
use event_store::envelope::{Metadata, StreamId, Version};
use event_store::incarnation::Incarnations;
use event_store::pool::{self, Purpose};
use event_store::write::append::Outcome;
use event_store::write::command::{self, RecordedCommand};
use event_store::write::idempotency;
use event_store::{incarnation, log};
use schema::migrate::{MIGRATOR, SchemaError, check, migrate};
use testkit::postgres::TestDatabase;
use uuid::Uuid;

use crate::support::{append, append_to, org, sequence_all, sequencer};

#[tokio::test]
async fn migrating_twice_and_at_once_is_harmless() {
    let database = TestDatabase::new().await;
    let pool = pool::connect(&database.url(), Purpose::Maintenance, 4)
        .await
        .expect("connects");
    let (first, second) = tokio::join!(migrate(&pool), migrate(&pool));
    first.expect("migrates");
    second.expect("migrates");
    check(&pool).await.expect("is at the program's version");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query(
        "insert into clustergenie_schema.migrations (version, description, success, checksum, execution_time) \
         values (29990101000000, 'from the future', true, '\\x00', 0)",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");
    for refused in [migrate(&pool).await, check(&pool).await] {
        let error = refused.expect_err("is refused");
        assert!(
            matches!(
                error,
                SchemaError::Newer {
                    version: 29_990_101_000_000
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_older_database_is_named() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query(
        "delete from clustergenie_schema.migrations where version = (select max(version) from clustergenie_schema.migrations)",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");
    let error = check(&pool).await.expect_err("is refused");
    assert!(
        error
            .to_string()
            .contains("run `clustergenie migrate` first"),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_that_was_altered_afterwards_is_named() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("update clustergenie_schema.migrations set checksum = '\\x00'")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    let error = check(&pool).await.expect_err("is refused");
    assert!(matches!(error, SchemaError::Altered { .. }), "{error}");
}

#[tokio::test]
async fn a_store_without_partitions_keeps_all_that_it_has() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::raw_sql("drop schema es, process, projections, clustergenie_schema cascade")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    MIGRATOR
        .run_to(20_261_130_000_100, &pool)
        .await
        .expect("migrates");
    sqlx::raw_sql(
        "insert into es.streams values ('00000000-0000-0000-0000-000000000001', 'droplet', 'acme', 4); \
         insert into es.events (stream_id, version, shard, event_id, org_id, event_type, schema_version, data, metadata) \
             select '00000000-0000-0000-0000-000000000001', i, 0, gen_random_uuid(), \
                 case when i = 2 then 'other' else 'acme' end, 'x', 1, '{}', '{}' \
             from generate_series(1, 4) i; \
         insert into es.log (position, seq, shard, org_id) select seq, seq, 0, org_id from es.events where seq < 4; \
         update es.log_head set position = 3, low_mark = 3; \
         select nextval('es.events_seq_seq'); \
         insert into es.idempotency select 'acme', key, decode(repeat('07', 32), 'hex'), '{}', at \
             from (values ('young', now()), ('old', now() - interval '25 days')) keys(key, at)",
    )
    .execute(&pool)
    .await
    .expect("Postgres answers");

    migrate(&pool).await.expect("migrates");
    check(&pool).await.expect("is at the program's version");
    incarnation::ensure(&pool).await.expect("Postgres answers");

    let stream = StreamId {
        stream_type: StreamType::DROPLET,
        uuid: Uuid::from_u128(1),
    };
    let events = log::read_stream(&pool, stream, Version::NONE).await;
    assert_eq!(events.expect("reads").len(), 4);
    let after = append_to(stream, 4, 1);
    assert_eq!(append(&pool, after).await, Outcome::Appended);
    sequence_all(&mut sequencer(&pool).await).await;
    let log: Vec<(i64, i64, String, i64)> =
        sqlx::query_as("select position, seq, org_id, org_position from es.log order by position")
            .fetch_all(&pool)
            .await
            .expect("Postgres answers");
    let place = |position, seq, org: &str, of_org| (position, seq, org.to_owned(), of_org);
    assert_eq!(
        log,
        [
            place(1, 1, "acme", 1),
            place(2, 2, "other", 1),
            place(3, 3, "acme", 2),
            place(4, 4, "acme", 3),
            // The number that was drawn before the migration is not drawn again.
            place(5, 6, "acme", 4),
        ]
    );
    let incarnations = Incarnations::of(pool.clone());
    let incarnation = incarnations.known().await.expect("there is one");
    for key in ["young", "old"] {
        let found = idempotency::find(&pool, incarnation.current().id, &org(), key).await;
        let found = found.expect("reads").expect("the key is kept");
        assert_eq!(found.receipt, "{}", "{key}");
        assert_eq!(found.request_hash, [7; 16], "{key}");
    }
}

#[tokio::test]
async fn records_of_commands_keep_all_that_they_have() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::raw_sql("drop schema es, process, projections, clustergenie_schema cascade")
        .execute(&pool)
        .await
        .expect("Postgres answers");
    MIGRATOR
        .run_to(20_261_130_000_400, &pool)
        .await
        .expect("migrates");
    let metadata = r#"{"actor":"ann","command_id":"00000000-0000-0000-0000-000000000001","source":"api","correlation_id":"00000000-0000-0000-0000-000000000002","occurred_at":"2026-11-30T00:00:00Z"}"#;
    sqlx::query(
        "insert into es.commands (org_id, command_id, name, actor, credential, outcome, rule, times, program, metadata, \
             input, basis) \
         select 'acme', '00000000-0000-0000-0000-000000000001', name, 'ann', credential, 'REJECTED', rule, times, '0.1.0', \
             $1::json, '{\"a\": 1.0, \"b\":null}', '{\"read\":[]}' \
         from (values ('bare', null, null, 1), ('full', 'key-7', 'FULL', 3)) v(name, credential, rule, times)",
    )
    .bind(metadata)
    .execute(&pool)
    .await
    .expect("Postgres answers");

    migrate(&pool).await.expect("migrates");

    let start = (String::new(), DateTime::UNIX_EPOCH, Uuid::nil());
    let up_to: DateTime<Utc> = "2100-01-01T00:00:00Z".parse().expect("is a time");
    let mut records = command::read(&pool, &start, up_to, 9).await.expect("reads");
    records.sort_by(|a, b| a.name.cmp(&b.name));
    let [bare, full] = records.as_slice() else {
        panic!("{records:?}")
    };
    for record in [bare, full] {
        assert_eq!(record.input, r#"{"a": 1.0, "b":null}"#);
        assert_eq!(record.basis, r#"{"read":[]}"#);
        let read: Metadata = serde_json::from_str(&record.metadata).expect("is whole");
        assert_eq!(read, serde_json::from_str(metadata).expect("is whole"));
    }
    let of =
        |record: &RecordedCommand| (record.credential.clone(), record.rule.clone(), record.times);
    assert_eq!(of(bare), (None, None, 1));
    let (credential, rule) = (Some("key-7".to_owned()), Some("FULL".to_owned()));
    assert_eq!(of(full), (credential, rule, 3));
}
