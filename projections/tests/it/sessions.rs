//! Sessions of clients' reads: one statement a read, one organization a read, and nothing left behind.

use std::time::{Duration, Instant};

use domain::ids::OrgId;
use event_store::incarnation::Incarnations;
use event_store::pool::{self, Purpose};
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::page::Direction;
use projections::reader::{ReadError, Reader};
use sqlx::{Postgres, Transaction};
use testkit::statements;
use testkit::wait::until;

use crate::world::{World, Writer, first, org, requested};

const ORGANIZATIONS: [&str; 2] = ["acme", "other"];

/// Two organizations, each with a droplet that is named like it.
async fn two_organizations() -> World {
    let world = World::new().await;
    for name in ORGANIZATIONS {
        Writer::new(&world, name).droplet(requested(name)).await;
    }
    world.catch_up().await;
    world
}

/// A reader with this many sessions.
async fn reader(world: &World, sessions: u32) -> Reader {
    let url = world.database.url();
    // One connection ends statements.
    let queries = pool::connect(&url, Purpose::Queries, sessions + 1).await;
    Reader::new(
        queries.expect("connects"),
        world.pool.clone(),
        Incarnations::of(world.pool.clone()),
    )
}

async fn names(reader: &Reader, org: &OrgId, name: Option<&str>) -> Result<Vec<String>, ReadError> {
    let filter = DropletFilter {
        name: name.map(str::to_owned),
        ..DropletFilter::default()
    };
    let page = first(10, DropletOrder::Name, Direction::Ascending);
    let slice = reader.page::<Droplets>(org, &filter, &page).await?;
    let items = slice.items.into_iter();
    Ok(items.map(|item| item.node.name.to_string()).collect())
}

/// Lets every read of droplets wait until the transaction ends.
async fn hold(world: &World) -> Transaction<'static, Postgres> {
    let mut holder = world.pool.begin().await.expect("a transaction begins");
    sqlx::query("lock table droplets_1.droplets in access exclusive mode")
        .execute(&mut *holder)
        .await
        .expect("the table is locked");
    holder
}

/// Starts a read that is held, and drops it while its statement runs.
async fn drop_a_read(world: &World, reader: &Reader, org: &OrgId) {
    let read = names(reader, org, None);
    let runs = until("the statement runs", async || {
        (held(world).await > 0).then_some(())
    });
    tokio::select! {
        _ = read => panic!("the table is locked"),
        () = runs => {}
    }
}

/// The number of statements of clients that run.
async fn held(world: &World) -> i64 {
    backends(world, "state = 'active'").await
}

async fn backends(world: &World, condition: &'static str) -> i64 {
    let query = format!(
        "select count(*) from pg_stat_activity where datname = current_database() \
         and application_name = 'clustergenie queries' and {condition}"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_one(&world.pool)
        .await
        .expect("Postgres answers")
}

#[tokio::test]
async fn a_read_is_one_statement_while_the_organization_stays() {
    let world = two_organizations().await;
    let acme = org("acme");
    names(&world.reader, &acme, None).await.expect("reads");
    statements::collect();
    for _ in 0..3 {
        names(&world.reader, &acme, None).await.expect("reads");
        let sent = statements::take();
        assert_eq!(sent.len(), 1, "{sent:?}");
    }
    names(&world.reader, &org("other"), None)
        .await
        .expect("reads");
    assert_eq!(statements::take().len(), 2);
}

#[tokio::test]
async fn organizations_that_take_turns_keep_their_sessions() {
    let world = two_organizations().await;
    let reader = reader(&world, 2).await;
    let orgs = ORGANIZATIONS.map(org);
    // Both read at the same time, so each has a session of its own.
    let holder = hold(&world).await;
    let free = async {
        until("both statements run", async || {
            (held(&world).await == 2).then_some(())
        })
        .await;
        holder.rollback().await.expect("the table is free");
    };
    let (one, two) = (
        names(&reader, &orgs[0], None),
        names(&reader, &orgs[1], None),
    );
    let (one, two, ()) = tokio::join!(one, two, free);
    one.and(two).expect("reads");
    statements::collect();
    for org in [&orgs[0], &orgs[1], &orgs[0], &orgs[1]] {
        names(&reader, org, None).await.expect("reads");
        assert_eq!(statements::take().len(), 1);
    }
}

#[tokio::test]
async fn one_session_serves_each_organization_its_own_rows() {
    let world = two_organizations().await;
    let reader = reader(&world, 1).await;
    for round in 0..4 {
        for name in ORGANIZATIONS {
            let seen = names(&reader, &org(name), None).await.expect("reads");
            assert_eq!(seen, [name], "round {round}");
            // A read that Postgres refuses leaves a session that is as good as before.
            let refused = names(&reader, &org(name), Some("a\0b")).await;
            assert!(matches!(refused, Err(ReadError::InvalidFilter)));
        }
    }
    // The other one is of the world's own reader.
    assert_eq!(backends(&world, "true").await, 2, "there is one session");
}

#[tokio::test]
async fn a_read_that_is_dropped_at_any_moment_leaves_no_organization_behind() {
    let world = two_organizations().await;
    let reader = reader(&world, 1).await;
    let orgs = ORGANIZATIONS.map(org);
    for turn in 0_usize..100 {
        let (dropped, asked) = (turn % 2, (turn / 2) % 2);
        let moment = Duration::from_micros(20 * u64::try_from(turn).expect("is small"));
        let read = names(&reader, &orgs[dropped], None);
        if let Ok(seen) = tokio::time::timeout(moment, read).await {
            assert_eq!(seen.expect("reads"), [ORGANIZATIONS[dropped]]);
        }
        let seen = names(&reader, &orgs[asked], None).await.expect("reads");
        assert_eq!(seen, [ORGANIZATIONS[asked]], "turn {turn}");
    }
}

#[tokio::test]
async fn dropping_a_read_ends_its_statement_and_frees_its_place() {
    let world = two_organizations().await;
    let reader = reader(&world, 2).await;
    let holder = hold(&world).await;
    for turn in 0..100 {
        drop_a_read(&world, &reader, &org(ORGANIZATIONS[turn % 2])).await;
        let dropped = Instant::now();
        until("the statement has ended", async || {
            (held(&world).await == 0).then_some(())
        })
        .await;
        // By itself it would end after five seconds.
        assert!(dropped.elapsed() < Duration::from_secs(3));
    }
    // Two sessions, the connection that ends statements, and one of the world's own reader.
    assert!(backends(&world, "true").await <= 4);
    holder.rollback().await.expect("the table is free");
    for name in ORGANIZATIONS {
        let seen = names(&reader, &org(name), None).await.expect("reads");
        assert_eq!(seen, [name]);
    }
}

#[tokio::test]
async fn a_crowd_of_dropped_reads_leaves_every_place_free() {
    let world = two_organizations().await;
    let reader = reader(&world, 6).await;
    let acme = org("acme");
    let holder = hold(&world).await;
    let crowd = futures_util::future::join_all((0..100).map(|_| names(&reader, &acme, None)));
    let busy = until("half of the sessions are busy", async || {
        (held(&world).await == 3).then_some(())
    });
    let mut crowd = Box::pin(crowd);
    tokio::select! {
        _ = &mut crowd => panic!("the table is locked"),
        () = busy => {}
    }
    // The others are for other organizations.
    let other = org("other");
    let other = names(&reader, &other, None);
    let runs = until("the other organization reads too", async || {
        (held(&world).await == 4).then_some(())
    });
    tokio::select! {
        _ = crowd => panic!("the table is locked"),
        _ = other => panic!("the table is locked"),
        () = runs => {}
    }
    until("all statements have ended", async || {
        (held(&world).await == 0).then_some(())
    })
    .await;
    holder.rollback().await.expect("the table is free");
    let again = (0..3).map(|_| names(&reader, &acme, None));
    for seen in futures_util::future::join_all(again).await {
        assert_eq!(seen.expect("reads"), ["acme"]);
    }
}

#[tokio::test]
async fn connections_that_postgres_has_closed_are_replaced() {
    let world = two_organizations().await;
    let acme = org("acme");
    for _ in 0..3 {
        assert_eq!(
            names(&world.reader, &acme, None).await.expect("reads"),
            ["acme"]
        );
        sqlx::query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
             where datname = current_database() and application_name = 'clustergenie queries'",
        )
        .execute(&world.pool)
        .await
        .expect("they are closed");
    }
    assert_eq!(
        names(&world.reader, &acme, None).await.expect("reads"),
        ["acme"]
    );
}

#[tokio::test]
async fn sessions_that_row_security_does_not_bind_read_nothing() {
    let world = two_organizations().await;
    let owner = Reader::new(
        world.database.pool(),
        world.pool.clone(),
        Incarnations::of(world.pool.clone()),
    );
    let refused = names(&owner, &org("acme"), None).await;
    assert!(
        matches!(refused, Err(ReadError::Unavailable(_))),
        "{refused:?}"
    );
}
