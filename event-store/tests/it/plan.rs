//! The plan of the append, which Postgres keeps, whatever the tables hold when it is made.

use event_store::pool::{self, Purpose};
use event_store::write::append::{Append, Outcome};
use event_store::write::idempotency::Keyed;
use event_store::write::name::NameChange;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::postgres::TestDatabase;

use crate::support::{append, append_to, name, new_stream, places, taking_one};

/// The nodes of a plan that read a table of the event store, each as its type, its table and the condition on its index.
fn reads(plan: &Value, found: &mut Vec<(String, String, bool)>) {
    match plan {
        Value::Object(node) => {
            let text = |key| node.get(key).and_then(Value::as_str).unwrap_or_default();
            let (kind, table) = (text("Node Type"), text("Relation Name"));
            if !table.is_empty() && kind != "ModifyTable" {
                // A bitmap scan reads the rows that an index below it has found.
                let is_found = node.contains_key("Index Cond") || kind == "Bitmap Heap Scan";
                found.push((kind.to_owned(), table.to_owned(), is_found));
            }
            node.values().for_each(|value| reads(value, found));
        }
        Value::Array(nodes) => nodes.iter().for_each(|node| reads(node, found)),
        _ => {}
    }
}

/// Explains the last append of the only connection of a pool, by the plan that is kept.
async fn kept_plan(pool: &PgPool) -> Value {
    let (name, parameters, generic, custom): (String, i32, i64, i64) = sqlx::query_as(
        "select name, cardinality(parameter_types), generic_plans, custom_plans \
         from pg_prepared_statements where statement like '-- Appends the events%' \
         order by prepare_time desc limit 1",
    )
    .fetch_one(pool)
    .await
    .expect("it was prepared");
    assert!(generic > 0 && custom == 0, "the plan is kept");
    let nulls = vec!["null"; usize::try_from(parameters).expect("few")].join(", ");
    let explain = format!("explain (format json) execute \"{name}\" ({nulls})");
    sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_one(pool)
        .await
        .expect("is explained")
}

fn keyed(key: &str) -> Keyed {
    Keyed {
        key: key.to_owned(),
        request_hash: [7; 16],
        receipt: "{}".to_owned(),
    }
}

/// Appends with a pool of one connection, and checks that its plan finds every row of a table by a key.
async fn assert_finds_by_keys(database: &TestDatabase) {
    let pool = pool::connect(&database.url(), Purpose::Commands, 1)
        .await
        .expect("connects");
    let plain = append_to(new_stream(), 0, 1);
    let stream = new_stream();
    let whole = Append {
        names: vec![NameChange::Take(name(&stream.uuid.to_string()), stream)],
        counters: vec![taking_one(places("a"), i64::MAX)],
        keyed: Some(keyed(&stream.uuid.to_string())),
        ..append_to(stream, 0, 1)
    };
    for (command, least) in [(plain, 2), (whole, 7)] {
        append(&pool, command).await;
        let mut found = Vec::new();
        reads(&kept_plan(&pool).await, &mut found);
        assert!(found.len() >= least, "{found:?}");
        let others: Vec<_> = found.iter().filter(|(.., is_found)| !is_found).collect();
        assert!(others.is_empty(), "{others:?}");
    }
    pool.close().await;
}

#[tokio::test]
async fn a_plan_that_is_made_for_small_tables_finds_every_row_by_a_key() {
    let database = TestDatabase::new().await;
    assert_finds_by_keys(&database).await;
    for row in 0..100 {
        let (stream, key) = (new_stream(), row.to_string());
        let command = Append {
            names: vec![NameChange::Take(name(&key), stream)],
            counters: vec![taking_one(places(&key), 1)],
            keyed: Some(keyed(&key)),
            ..append_to(stream, 0, 1)
        };
        assert_eq!(append(&database.pool(), command).await, Outcome::Appended);
    }
    // Postgres knows now how small the tables are.
    sqlx::query("analyze")
        .execute(&database.pool())
        .await
        .expect("Postgres answers");
    assert_finds_by_keys(&database).await;
}
