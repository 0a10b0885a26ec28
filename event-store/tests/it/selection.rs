//! Reading the events of one stream costs what is read, however long the stream is.

use event_store::envelope::{Position, Version};
use event_store::incarnation;
use event_store::log::selection::{self, PAGE, Selection, Span, Streams};
use event_store::pool::Purpose;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::postgres::TestDatabase;

use crate::support::{append, append_to, new_stream, org, sequence_all, sequencer};

const QUERY: &str = include_str!("../../src/log/selection_of_stream.sql");
const EVENTS: i64 = 2_000;
/// The position after which is read, with few events left.
const AFTER: i64 = 1_990;

/// The rows that a plan read of tables, by all of its scans.
fn rows_read(plan: &Value) -> f64 {
    match plan {
        Value::Object(node) => {
            let number = |key| node.get(key).and_then(Value::as_f64).unwrap_or_default();
            let of_table = node.contains_key("Relation Name");
            let own = if of_table {
                number("Actual Rows") * number("Actual Loops")
            } else {
                0.0
            };
            own + node.values().map(rows_read).sum::<f64>()
        }
        Value::Array(nodes) => nodes.iter().map(rows_read).sum(),
        _ => 0.0,
    }
}

async fn read(pool: &PgPool, selection: &Selection, span: Span) -> selection::Page {
    let rows = selection::query(&org(), selection, span)
        .fetch_all(pool)
        .await;
    let rows = rows.expect("Postgres answers");
    let looked = rows
        .iter()
        .map(|row| selection::looked(row).expect("decodes"));
    selection::page(looked.collect(), span)
}

#[tokio::test]
async fn the_end_of_a_long_stream_is_found_without_its_beginning() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stream = new_stream();
    for version in (0..EVENTS).step_by(1_000) {
        append(&pool, append_to(stream, version, 1_000)).await;
    }
    sequence_all(&mut sequencer(&pool).await).await;
    let service = database.pool_for(Purpose::Tail).await;
    let known = incarnation::ensure(&pool).await.expect("Postgres answers");
    let incarnation = known.current().id;

    let explain = format!("explain (analyze, format json) {QUERY}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .bind(stream.uuid)
        .bind(stream.shard().0)
        .bind(org().as_str())
        .bind(0_i64)
        .bind(AFTER)
        .bind(EVENTS)
        .bind(None::<Vec<String>>)
        .bind(256_i64)
        .bind(incarnation.0)
        .bind(256_i64)
        .fetch_one(&service)
        .await
        .expect("is explained");
    let rows = rows_read(&plan);
    assert!(rows < 100.0, "{rows} rows: {plan:#}");

    let span = |after| Span {
        incarnation,
        after: Position(after),
        up_to: Position(EVENTS),
        after_version: Version::NONE,
    };
    let of_stream = |types: Option<&str>| Selection {
        streams: Streams::One(stream),
        event_types: types.map(|of| vec![of.to_owned()]),
    };
    let last = read(&service, &of_stream(None), span(AFTER)).await;
    let positions: Vec<_> = last.events.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (AFTER + 1..=EVENTS).collect::<Vec<_>>());
    assert_eq!(last.complete_to, Position(EVENTS));
    let first = read(&service, &of_stream(None), span(0)).await;
    assert_eq!(first.events.len(), PAGE);
    assert_eq!(first.complete_to, Position(256));
    // Of a type that the stream has not, the page is empty, and complete as far as was looked.
    let none = read(&service, &of_stream(Some("droplet_activated")), span(0)).await;
    assert_eq!((none.events.len(), none.complete_to), (0, Position(EVENTS)));
}
