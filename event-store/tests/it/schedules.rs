//! Every schedule of a few actors, statement by statement and with crashes anywhere, on a real
//! Postgres: what several processes can do to one another, and what keeps them from it.
//!
//! Each property is also shown to be able to fail: with one safeguard taken out of a statement on its
//! way to Postgres, the search finds a schedule that breaks it.

mod appends;
mod counters;
mod deadlocks;
mod guards;
mod leases;
mod new_shards;
mod notebook;
mod parked;
mod sequencers;
mod workers;

use sqlx::PgPool;
use testkit::postgres::TestDatabase;
use testkit::schedules::{Bounds, Explored, Scene, explore};

/// Empties what a schedule writes. Rows are deleted, not truncated, which takes a tenth of the time.
async fn empty(pool: &PgPool) {
    sqlx::raw_sql(
        "set session_replication_role = replica; \
         delete from es.log; delete from es.events; delete from es.streams; \
         delete from es.leases; delete from es.reservations; delete from es.counters; \
         delete from es.idempotency; \
         delete from es.checkpoints; delete from es.parked; delete from es.skipped; \
         update es.log_head set position = 0, low_mark = 0, epoch = 0; \
         select setval(pg_get_serial_sequence('es.events', 'seq'), 1, false); \
         set session_replication_role = origin",
    )
    .execute(pool)
    .await
    .expect("Postgres answers");
}

/// Explores in a database of its own and says what it did.
#[expect(
    clippy::print_stdout,
    reason = "what was explored is for people to read"
)]
async fn explored(what: &str, scene: &dyn Scene, bounds: Bounds) -> Explored {
    let database = TestDatabase::new().await;
    let explored = explore(&database, scene, bounds).await;
    println!("{what}: {explored}");
    explored
}

/// Explores a scene that has a safeguard taken out, which must be missed.
#[expect(
    clippy::print_stdout,
    reason = "the schedule that was found is for people to read"
)]
async fn assert_missed(what: &str, scene: &dyn Scene, bounds: Bounds) {
    let explored = explored(what, scene, bounds).await;
    assert!(explored.mutated > 0, "the safeguard is where it was");
    let violation = explored
        .violation
        .expect("without the safeguard some schedule is wrong");
    println!("{violation}");
}
