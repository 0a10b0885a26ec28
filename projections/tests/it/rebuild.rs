//! Making the tables of a projection anew: nothing fails, nothing is mixed, killed or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::OrgId;
use event_store::consume::consumer::{self, apply_batch};
use event_store::consume::generation::{self, ConsumerMode};
use event_store::consume::parked;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::StreamId;
use event_store::error::StoreError;
use projections::columns::Columns;
use projections::compare::{Sample, compare};
use projections::counts::query::OrgCounts;
use projections::droplets::Droplets;
use projections::droplets::counted::BY_STATUS;
use projections::jobs::Jobs;
use projections::model::{ReadModel, Rows};
use projections::rebuild::{self, RequestError};
use sqlx::AssertSqlSafe;
use testkit::events::{record_nonsense, sequence};
use testkit::wait::until;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::replay::record_lives;
use crate::world::{World, Writer, org, requested};

/// What a projection's generations have become, in order.
pub(crate) async fn states(world: &World, projection: &str) -> Vec<String> {
    sqlx::query_scalar("select state from es.generations where consumer = $1 order by generation")
        .bind(projection)
        .fetch_all(&world.pool)
        .await
        .expect("Postgres answers")
}

pub(crate) async fn await_states(world: &World, projection: &str, wanted: &[&str]) {
    until(
        &format!("{projection} has come to {wanted:?}"),
        async || (states(world, projection).await == wanted).then_some(()),
    )
    .await;
}

/// A process that makes rebuilds, until it is dropped.
pub(crate) fn rebuilder(
    world: &World,
    owner: &str,
    projections: Vec<Arc<dyn ReadModel>>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (applied, stop) = (Signal::new(), CancellationToken::new());
    let (pool, owner) = (world.pool.clone(), owner.to_owned());
    tasks.spawn(rebuild::run(pool, projections, applied, owner, stop));
    tasks
}

/// A worker that follows the log, until it is dropped.
pub(crate) fn worker(world: &World, projection: Arc<dyn ReadModel>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let pool = world.pool.clone();
    tasks.spawn(async move {
        let types = projection.stream_types();
        let mut source =
            LogSource::new(pool.clone(), projection.name(), types, Signal::new(), POLL);
        let stop = CancellationToken::new();
        consumer::run(pool, projection.as_ref(), &mut source, stop).await;
    });
    tasks
}

pub(crate) async fn request(world: &World, projection: &dyn ReadModel) -> i32 {
    rebuild::request(&world.pool, projection, "ann", "a test")
        .await
        .expect("is asked for")
}

/// The rows of a table as clients' owner sees them.
pub(crate) async fn rows(world: &World, table: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(format!(
        "select t::text from {table} t order by t::text collate \"C\""
    )))
    .fetch_all(&world.pool)
    .await
    .expect("reads")
}

/// How many droplets are counted.
fn total(counts: &OrgCounts) -> i64 {
    counts.by(BY_STATUS).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_is_made_anew_with_the_same_rows_while_it_is_read_and_written() {
    let world = World::new().await;
    record_lives(&world, 30).await;
    world.catch_up().await;
    let _workers: Vec<_> = projections::all()
        .into_iter()
        .map(|projection| worker(&world, projection))
        .collect();
    let _rebuilder = rebuilder(&world, "one", projections::all());
    for projection in projections::all() {
        assert_eq!(request(&world, projection.as_ref()).await, 2);
    }

    let mut writer = Writer::new(&world, "acme");
    let mut known = BTreeSet::new();
    let done = async || {
        for projection in projections::all() {
            if states(&world, projection.name()).await != ["RETIRED", "SERVING"] {
                return false;
            }
        }
        true
    };
    while !done().await {
        known.insert(
            writer
                .droplet(requested(&format!("new-{}", known.len())))
                .await,
        );
        sequence(&world.pool).await;
        let counts = world.reader.counts(&writer.org).await.expect("is answered");
        let counted = total(&counts);
        assert!(counted >= 30, "{counted} is not even what was there before");
        let activity = world
            .reader
            .projections(&org("acme"))
            .await
            .expect("is answered");
        assert_eq!(activity.len(), projections::all().len());
    }

    let head = sequence(&world.pool).await;
    until("the workers follow the new generations", async || {
        let statuses = world
            .reader
            .projections(&org("acme"))
            .await
            .expect("is answered");
        statuses
            .iter()
            .all(|s| s.generation == 2 && s.position == head)
            .then_some(())
    })
    .await;
    for projection in projections::all() {
        let compared = compare(&world.pool, projection.as_ref(), 2, Sample::ALL)
            .await
            .expect("is compared");
        assert_eq!(compared.differences, 0, "{compared:?}");
        assert!(compared.rows > 0, "{}", projection.name());
        until("the old tables are dropped", async || {
            let gone: bool = sqlx::query_scalar("select to_regnamespace($1) is null")
                .bind(format!("{}_1", projection.name()))
                .fetch_one(&world.pool)
                .await
                .expect("Postgres answers");
            gone.then_some(())
        })
        .await;
    }
    let counts = world.reader.counts(&writer.org).await.expect("is answered");
    let counted = total(&counts);
    assert_eq!(counted, 30 + known.len() as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_is_killed_again_and_again_ends_all_the_same() {
    let world = World::new().await;
    record_lives(&world, 60).await;
    let head = world.catch_up().await;
    let before = rows(&world, "read_v1.droplets").await;
    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    request(&world, droplets.as_ref()).await;
    // Each process is killed as soon as it has done one step more; the last one is left to its end.
    let mut applied = 0;
    while states(&world, "droplets").await == ["SERVING", "BUILDING"] {
        let killed = rebuilder(&world, "killed", vec![Arc::clone(&droplets)]);
        applied = until("it has come further, or to its end", async || {
            let now: i64 = sqlx::query_scalar(
                "select count(*) from es.checkpoints \
                 where consumer = 'droplets' and generation = 2 and position = $1",
            )
            .bind(head.0)
            .fetch_one(&world.pool)
            .await
            .expect("Postgres answers");
            let ended = states(&world, "droplets").await != ["SERVING", "BUILDING"];
            (now > applied || ended || now == 8).then_some(now)
        })
        .await;
        drop(killed);
        if applied >= 4 {
            break;
        }
        assert_eq!(
            rows(&world, "read_v1.droplets").await,
            before,
            "the old one serves"
        );
    }
    let _last = rebuilder(&world, "last", vec![droplets]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    assert_eq!(rows(&world, "read_v1.droplets").await, before);
}

#[tokio::test]
async fn a_worker_of_the_old_generation_writes_nothing_any_more() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    writer.droplet(requested("web-2")).await;
    sequence(&world.pool).await;
    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    let types = droplets.stream_types();
    let mut stale = LogSource::new(world.pool.clone(), "droplets", types, Signal::new(), POLL);
    stale.rewind(1).await.expect("Postgres answers");
    let batch = stale.next().await.expect("Postgres answers");

    request(&world, droplets.as_ref()).await;
    let _rebuilder = rebuilder(&world, "one", vec![Arc::clone(&droplets)]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    let fenced = apply_batch(&world.pool, droplets.as_ref(), &batch).await;
    assert!(
        matches!(fenced, Err(StoreError::Fenced { .. })),
        "{fenced:?}"
    );
    let gone = stale.rewind(1).await;
    assert!(matches!(gone, Err(StoreError::Fenced { .. })), "{gone:?}");
    assert_eq!(rows(&world, "read_v1.droplets").await.len(), 2);
}

#[tokio::test]
async fn what_was_given_up_leaves_nothing_and_only_one_is_made_at_a_time() {
    let world = World::new().await;
    let droplets = Rows(Droplets);
    request(&world, &droplets).await;
    let again = rebuild::request(&world.pool, &droplets, "bob", "a test").await;
    assert!(
        matches!(again, Err(RequestError::InTheMaking { generation: 2, .. })),
        "{again:?}"
    );
    let given_up = generation::abandon(&world.pool, "droplets").await;
    assert_eq!(given_up.expect("Postgres answers"), Some(2));
    let nothing = generation::abandon(&world.pool, "droplets").await;
    assert_eq!(nothing.expect("Postgres answers"), None);
    assert_eq!(states(&world, "droplets").await, ["SERVING", "RETIRED"]);
    assert_eq!(request(&world, &droplets).await, 3);
}

#[tokio::test]
async fn a_paused_rebuild_holds_up_no_other_and_goes_on_when_it_may() {
    let world = World::new().await;
    record_lives(&world, 6).await;
    world.catch_up().await;
    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    let jobs: Arc<dyn ReadModel> = Arc::new(Rows(Jobs));
    request(&world, droplets.as_ref()).await;
    let paused = event_store::consume::pause::pause(&world.pool, "droplets", "ann", "a test").await;
    assert!(paused.expect("Postgres answers"));
    request(&world, jobs.as_ref()).await;
    let _rebuilder = rebuilder(&world, "one", vec![droplets, jobs]);
    await_states(&world, "jobs", &["RETIRED", "SERVING"]).await;
    assert_eq!(states(&world, "droplets").await, ["SERVING", "BUILDING"]);
    let resumed = event_store::consume::pause::resume(&world.pool, "droplets").await;
    assert!(resumed.expect("Postgres answers"));
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
}

#[tokio::test]
async fn a_skipped_stream_stays_skipped_in_the_next_generation() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let bad: StreamId = writer.droplet(requested("web-1")).await.into();
    record_nonsense(&world.pool, bad.uuid).await;
    world.catch_up().await;
    let id = generation::serving(&world.pool, "droplets")
        .await
        .expect("Postgres answers");
    let skipped = parked::skip(&world.pool, id, bad.uuid, "ann", "nobody needs it").await;
    assert!(skipped.expect("Postgres answers"));

    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    request(&world, droplets.as_ref()).await;
    let _rebuilder = rebuilder(&world, "one", vec![droplets]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    let id = generation::serving(&world.pool, "droplets")
        .await
        .expect("Postgres answers");
    let parked = parked::list(&world.pool, id, None, None)
        .await
        .expect("Postgres answers");
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].stream_id, bad.uuid);
    assert_eq!(
        parked[0].skipped_because.as_deref(),
        Some("nobody needs it")
    );
    let statuses = world
        .reader
        .projections(&org("acme"))
        .await
        .expect("is answered");
    assert_eq!(statuses[0].parked_streams, 0, "nobody is troubled with it");
}

#[tokio::test]
async fn somebody_who_reads_for_long_delays_the_change_and_nobody_else() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let mut reading = world.pool.begin().await.expect("begins");
    sqlx::query("select from read_v1.droplets")
        .execute(&mut *reading)
        .await
        .expect("reads");
    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    request(&world, droplets.as_ref()).await;
    let _rebuilder = rebuilder(&world, "one", vec![droplets]);
    until("it was compared and waits", async || {
        let compared: bool = sqlx::query_scalar(
            "select report is not null from es.generations where consumer = 'droplets' \
             and generation = 2",
        )
        .fetch_one(&world.pool)
        .await
        .expect("Postgres answers");
        compared.then_some(())
    })
    .await;
    for _ in 0..20 {
        assert_eq!(rows(&world, "read_v1.droplets").await.len(), 1);
    }
    assert_eq!(states(&world, "droplets").await, ["SERVING", "BUILDING"]);
    reading.commit().await.expect("ends");
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
}

#[tokio::test]
async fn a_paused_projection_applies_nothing_until_it_is_resumed() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let droplets: Arc<dyn ReadModel> = Arc::new(Rows(Droplets));
    let _worker = worker(&world, Arc::clone(&droplets));
    let paused = event_store::consume::pause::pause(&world.pool, "droplets", "ann", "a test").await;
    assert!(paused.expect("Postgres answers"));
    let org: OrgId = writer.org.clone();
    let second = writer.droplet(requested("web-2")).await;
    sequence(&world.pool).await;
    let mode = generation::mode(&world.pool, droplets.as_ref()).await;
    assert!(matches!(mode, Ok(ConsumerMode::Paused { .. })), "{mode:?}");
    let row = world
        .reader
        .row::<Droplets>(&org, second, &Columns::All)
        .await
        .expect("reads");
    assert!(row.is_none());
    let resumed = event_store::consume::pause::resume(&world.pool, "droplets").await;
    assert!(resumed.expect("Postgres answers"));
    until("it goes on", async || {
        let row = world
            .reader
            .row::<Droplets>(&org, second, &Columns::All)
            .await
            .expect("reads");
        row.map(|_| ())
    })
    .await;
}
