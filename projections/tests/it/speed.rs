//! Measurements, which are run by hand: `cargo test --release -p projections --test it speed -- --ignored
//! --nocapture`.

use std::time::{Duration, Instant};

use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::droplets::row::DropletRow;
use projections::page::Direction;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row};

use crate::world::{World, Writer, first, org, requested};

const ROUNDS: u32 = 2_000;

/// Makes copies of the rows of a model's table, of other ids, names and times.
async fn multiply(world: &World, table: &str, copies: i64) {
    let columns: Vec<String> = sqlx::query_scalar(
        "select case attname \
             when 'id' then 'gen_random_uuid()' \
             when 'name' then 'name || n' \
             when 'created_at' then 'created_at + n * interval ''1 second''' \
             else quote_ident(attname) end \
         from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum",
    )
    .bind(table)
    .fetch_all(&world.pool)
    .await
    .expect("the table is there");
    let columns = columns.join(", ");
    let multiply = format!(
        "insert into {table} select {columns} from {table}, generate_series(1, {copies}) n"
    );
    for statement in [multiply, format!("vacuum analyze {table}")] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&world.pool)
            .await
            .expect("rows are made");
    }
}

/// The processor time of this thread, which is all that a test uses.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("is Linux");
    let nanos = stat.split(' ').next().expect("has fields");
    Duration::from_nanos(nanos.parse().expect("is a number"))
}

#[expect(
    clippy::print_stdout,
    reason = "a measurement is read by whoever runs it"
)]
async fn measure(what: &str, mut round: impl AsyncFnMut()) {
    round().await;
    let (begin, before) = (Instant::now(), processor());
    for _ in 0..ROUNDS {
        round().await;
    }
    println!(
        "{what}: {:?} a page, of which {:?} in this process",
        begin.elapsed() / ROUNDS,
        (processor() - before) / ROUNDS
    );
}

#[tokio::test]
#[ignore = "a measurement"]
async fn pages_of_droplets() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    for n in 0..10 {
        writer.droplet(requested(&format!("web-{n}"))).await;
    }
    world.catch_up().await;
    multiply(&world, "droplets_1.droplets", 10_000).await;
    let acme = org("acme");
    let page = first(50, DropletOrder::CreatedAt, Direction::Ascending);
    let filter = DropletFilter::default();

    let mut session = world
        .database
        .pool_for(event_store::pool::Purpose::Queries)
        .await
        .acquire()
        .await
        .expect("connects");
    measure("to_json and serde", async || {
        sqlx::query("select set_config('clustergenie.org', $1, false)")
            .bind(acme.as_str())
            .execute(&mut *session)
            .await
            .expect("sets");
        let rows = sqlx::query(
            "select to_json(r) from read_v1.droplets r where org_id = $1 and status <> 'DELETED' \
             order by created_at, id limit $2",
        )
        .bind(acme.as_str())
        .bind(51_i64)
        .fetch_all(&mut *session)
        .await
        .expect("reads");
        let rows = rows.iter().map(|row| row.get::<Json<DropletRow>, _>(0).0);
        assert_eq!(rows.collect::<Vec<_>>().len(), 51);
    })
    .await;
    measure("columns", async || {
        let slice = world.reader.page::<Droplets>(&acme, &filter, &page).await;
        assert_eq!(slice.expect("reads").items.len(), 50);
    })
    .await;
}
