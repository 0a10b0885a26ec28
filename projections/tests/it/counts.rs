//! Counts equal what counting the rows gives.

use std::collections::BTreeMap;

use projections::counts::query::OrgCounts;
use projections::model::Dimension;
use projections::{clusters, droplets, jobs};
use sqlx::AssertSqlSafe;

use crate::replay::record_lives;
use crate::world::World;

#[tokio::test]
async fn counts_equal_the_counted_rows() {
    let world = World::new().await;
    let writer = record_lives(&world, 40).await;
    world.catch_up().await;
    let counts = world.reader.counts(&writer.org).await.expect("reads");
    let by_status = droplets::counted::BY_STATUS;
    assert!(counts.by(by_status).count() >= 4, "{counts:?}");
    let living = "status in ('REQUESTED', 'ACTIVE', 'DELETING')";
    let shown = |counts: Vec<(String, i64)>| counts.into_iter().collect::<BTreeMap<_, _>>();
    for (given, table, column, condition) in [
        (by_status, "droplets", "status", "true"),
        (droplets::counted::BY_SIZE, "droplets", "size", living),
        (droplets::counted::BY_REGION, "droplets", "region", living),
        (jobs::counted::BY_STATUS, "jobs", "status", "true"),
        (jobs::counted::BY_KIND, "jobs", "kind", "true"),
        (clusters::counted::BY_STATUS, "clusters", "status", "true"),
    ] {
        let counted = sqlx::query_as(AssertSqlSafe(format!(
            "select {column}, count(*) from read_v1.{table} where {condition} group by {column}"
        )));
        let counted = counted.fetch_all(&world.pool).await.expect("counts");
        let given = texts(&counts, given);
        assert_eq!(given, shown(counted), "{table} by {column}");
    }
    let zeros: i64 = sqlx::query_scalar("select count(*) from read_v1.counts where count <= 0")
        .fetch_one(&world.pool)
        .await
        .expect("counts");
    assert_eq!(zeros, 0);
}

fn texts(counts: &OrgCounts, dimension: Dimension) -> BTreeMap<String, i64> {
    let counts = counts.by(dimension);
    counts
        .map(|(value, count)| (value.to_owned(), count))
        .collect()
}
