//! The first generations of read models: made once, by whoever comes first.

use event_store::consume::generation;
use event_store::pool::Purpose;
use projections::columns::Columns;
use projections::droplets::Droplets;
use projections::tables::{TablesError, check, migrate};
use sqlx::PgPool;

use crate::world::{World, Writer, requested};

/// Every generation there is, and when it was made.
async fn generations(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select g::text from es.generations g order by 1")
        .fetch_all(pool)
        .await
        .expect("Postgres answers")
}

#[tokio::test]
async fn two_processes_at_once_make_the_first_generations_once() {
    let world = World::new().await;
    // As the migrations alone leave it.
    sqlx::raw_sql(
        "drop schema droplets_1, jobs_1, clusters_1, activity_1, counts_1, read_v1 cascade; \
         delete from es.generations",
    )
    .execute(&world.pool)
    .await
    .expect("the read models are gone");
    let refused = check(&world.pool).await.expect_err("nothing is there");
    assert!(matches!(&refused, TablesError::Missing { model } if *model == "droplets"));
    assert!(
        refused
            .to_string()
            .contains("run `clustergenie migrate` first")
    );

    let (one, two) = tokio::join!(
        world.database.pool_for(Purpose::Maintenance),
        world.database.pool_for(Purpose::Maintenance)
    );
    let (first, second) = tokio::join!(migrate(&one), migrate(&two));
    first.expect("migrates");
    second.expect("migrates");
    check(&world.pool).await.expect("everything is there");
    let made = generations(&world.pool).await;
    assert_eq!(made.len(), projections::all().len());
    migrate(&world.pool).await.expect("does nothing");
    assert_eq!(generations(&world.pool).await, made);

    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let row = world
        .reader
        .row::<Droplets>(&writer.org, id, &Columns::All)
        .await
        .expect("reads");
    assert!(row.is_some());
    let serving = generation::serving(&world.pool, "droplets").await;
    assert_eq!(serving.expect("Postgres answers").generation, 1);
}
