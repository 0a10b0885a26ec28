//! Counts equal what counting the rows gives.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::replay::record_lives;
use crate::world::World;

#[tokio::test]
async fn counts_equal_the_counted_rows() {
    let world = World::new().await;
    let writer = record_lives(&world, 40).await;
    world.catch_up().await;
    let counts = world.reader.counts(&writer.org).await.expect("reads");
    assert!(counts.droplets_by_status.len() >= 4, "{counts:?}");
    let living = "status in ('REQUESTED', 'ACTIVE', 'DELETING')";
    let shown = |counts: Vec<(String, i64)>| counts.into_iter().collect::<BTreeMap<_, _>>();
    for (given, table, column, condition) in [
        (
            texts(&counts.droplets_by_status),
            "droplets",
            "status",
            "true",
        ),
        (texts(&counts.droplets_by_size), "droplets", "size", living),
        (
            texts(&counts.droplets_by_region),
            "droplets",
            "region",
            living,
        ),
        (texts(&counts.jobs_by_status), "jobs", "status", "true"),
        (texts(&counts.jobs_by_kind), "jobs", "kind", "true"),
    ] {
        let counted = sqlx::query_as(AssertSqlSafe(format!(
            "select {column}, count(*) from read_v1.{table} where {condition} group by {column}"
        )));
        let counted = counted.fetch_all(&world.pool).await.expect("counts");
        assert_eq!(given, shown(counted), "{table} by {column}");
    }
    let zeros: i64 = sqlx::query_scalar("select count(*) from read_v1.counts where count <= 0")
        .fetch_one(&world.pool)
        .await
        .expect("counts");
    assert_eq!(zeros, 0);
}

fn texts<K: ToString>(counts: &BTreeMap<K, i64>) -> BTreeMap<String, i64> {
    let counts = counts.iter();
    counts
        .map(|(key, count)| (key.to_string(), *count))
        .collect()
}
