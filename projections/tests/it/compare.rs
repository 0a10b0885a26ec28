//! Comparing read models with the log finds every row that is not what the log says.

use event_store::consume::consumer::Consumer;
use projections::compare::{Comparison, Sample, compare};
use sqlx::AssertSqlSafe;

use crate::replay::record_lives;
use crate::world::World;

async fn compared(world: &World, projection: &dyn Consumer, sample: Sample) -> Comparison {
    compare(&world.pool, projection, 1, sample)
        .await
        .expect("is compared")
}

#[tokio::test]
async fn what_was_projected_is_what_the_log_says_all_of_it_or_a_sample() {
    let world = World::new().await;
    record_lives(&world, 40).await;
    world.catch_up().await;
    for projection in projections::all() {
        let all = compared(&world, projection.as_ref(), Sample::ALL).await;
        assert_eq!(all.differences, 0, "{all:?}");
        // Two windows that meet, the first one across the end of all values: together they are everything.
        let some = compared(&world, projection.as_ref(), Sample::share(0.5, 40_000)).await;
        let rest = compared(&world, projection.as_ref(), Sample::share(0.5, 7_232)).await;
        assert_eq!(
            (some.differences, rest.differences),
            (0, 0),
            "{some:?} {rest:?}"
        );
        assert_eq!(some.events + rest.events, all.events);
        assert!(some.events < all.events, "{some:?} of {all:?}");
        assert!(some.rows > 0, "{some:?}");
        let none = compared(&world, projection.as_ref(), Sample::share(0.0, 0)).await;
        assert_eq!((none.events, none.rows), (0, 0));
    }
}

#[tokio::test]
async fn every_kind_of_wrong_row_is_found_and_named() {
    let world = World::new().await;
    record_lives(&world, 6).await;
    world.catch_up().await;
    for (projection, table, damage, expected, found) in [
        (
            0,
            "droplets_1.droplets",
            "update droplets_1.droplets set name = 'forged' where id = (select id from droplets_1.droplets limit 1)",
            true,
            true,
        ),
        (
            1,
            "jobs_1.jobs",
            "delete from jobs_1.jobs where id = (select id from jobs_1.jobs limit 1)",
            true,
            false,
        ),
        (
            3,
            "activity_1.activity",
            "insert into activity_1.activity select (jsonb_populate_record(a, '{\"position\": 9999}')).* from activity_1.activity a limit 1",
            false,
            true,
        ),
        (
            3,
            "activity_1.activity_names",
            "update activity_1.activity_names set name = 'x' where stream_id = (select stream_id from activity_1.activity_names limit 1)",
            true,
            true,
        ),
        (
            4,
            "counts_1.counts",
            "update counts_1.counts set count = count + 1 where dimension = 'job_kind' and value = 'scan'",
            true,
            true,
        ),
    ] {
        sqlx::query(AssertSqlSafe(damage))
            .execute(&world.pool)
            .await
            .expect("is damaged");
        let projection = &projections::all()[projection];
        let comparison = compared(&world, projection.as_ref(), Sample::ALL).await;
        let difference = comparison
            .first
            .iter()
            .find(|difference| difference.table == table)
            .unwrap_or_else(|| panic!("{damage} was not found: {comparison:?}"));
        assert_eq!(difference.expected.is_some(), expected, "{difference:?}");
        assert_eq!(difference.found.is_some(), found, "{difference:?}");
    }
}
