//! A column that a later version adds is in every generation, and clients see it at once.

use projections::droplets::Droplets;
use projections::model::Rows;
use projections::rebuild;
use sqlx::PgPool;

use crate::world::{World, Writer, requested};

/// What a migration does.
async fn add(pool: &PgPool, column: &str) {
    sqlx::query(
        "select read_v1.alter_model('droplets', 'droplets', 'add column ' || $1 || ' text')",
    )
    .bind(column)
    .execute(pool)
    .await
    .expect("the column is added");
}

async fn has(pool: &PgPool, schema: &str, column: &str) -> bool {
    sqlx::query_scalar(
        "select exists (select from information_schema.columns \
         where table_schema = $1 and table_name = 'droplets' and column_name = $2)",
    )
    .bind(schema)
    .bind(column)
    .fetch_one(pool)
    .await
    .expect("Postgres answers")
}

#[tokio::test]
async fn a_column_is_added_to_all_generations_and_shown() {
    let world = World::new().await;
    // Nothing ran yet, as when a database is made.
    add(&world.pool, "owner").await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    rebuild::request(&world.pool, &Rows(Droplets), "ann", "a test")
        .await
        .expect("is asked for");
    add(&world.pool, "purpose").await;
    for column in ["owner", "purpose"] {
        for schema in ["droplets_1", "droplets_2", "read_v1"] {
            assert!(has(&world.pool, schema, column).await, "{schema} {column}");
        }
    }
    let row = world.reader.droplet(&writer.org, id).await.expect("reads");
    assert!(row.is_some(), "queries go on");
}
