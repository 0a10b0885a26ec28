//! History: an organization's events in log order, as stored.

use event_store::envelope::Position;
use event_store::incarnation::Incarnations;
use event_store::pool::Purpose;
use projections::columns::Columns;
use projections::history::HistoryFilter;
use projections::page::{ByPosition, Direction, LOOKED_AT, LogCursor, Page, Take, log_cursor};
use projections::reader::Reader;
use testkit::events::record_nonsense;
use testkit::wait::until;

use crate::world::{World, Writer, first, minute, org, requested, sample};

#[tokio::test]
async fn an_organization_reads_its_own_events_in_log_order() {
    let world = World::new().await;
    let mut acme = Writer::new(&world, "acme");
    let mut other = Writer::new(&world, "other");
    let web = acme.droplet(requested("web-1")).await;
    other.droplet(requested("web-1")).await;
    acme.record(web.into(), [sample("droplet_activated")]).await;
    acme.droplet(requested("web-2")).await;
    world.catch_up().await;

    let all = read(&world, "acme", HistoryFilter::default()).await;
    assert_eq!(positions(&all), [1, 3, 4]);
    assert_eq!(all[1].1, "droplet_activated");
    let other = read(&world, "other", HistoryFilter::default()).await;
    assert_eq!(positions(&other), [2]);
    let of_web = HistoryFilter {
        stream: Some(web.into()),
        ..HistoryFilter::default()
    };
    assert_eq!(
        positions(&read(&world, "acme", of_web.clone()).await),
        [1, 3]
    );
    assert!(read(&world, "other", of_web).await.is_empty());
    let requests = HistoryFilter {
        event_types: Some(vec!["droplet_requested".to_owned()]),
        ..HistoryFilter::default()
    };
    assert_eq!(positions(&read(&world, "acme", requests).await), [1, 4]);
}

#[tokio::test]
async fn events_are_found_by_every_filter() {
    let world = World::new().await;
    let mut acme = Writer::new(&world, "acme");
    let mut other = Writer::new(&world, "other");
    let web = acme.droplet(requested("web-1")).await;
    acme.actor = "ada".to_owned();
    acme.record(web.into(), [sample("droplet_activated")]).await;
    other.actor = "ada".to_owned();
    other.droplet(requested("web-1")).await;
    acme.droplet(requested("web-2")).await;
    world.catch_up().await;
    let any = HistoryFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let job_of_this_id = domain::ids::JobId::from(web.as_uuid());
    let cases: [(HistoryFilter, &[i64]); 10] = [
        (any(), &[1, 2, 4]),
        (
            HistoryFilter {
                actor: text("ada"),
                ..any()
            },
            &[2, 4],
        ),
        (
            HistoryFilter {
                actor: text("nobody"),
                ..any()
            },
            &[],
        ),
        (
            HistoryFilter {
                from: Some(minute(2)),
                ..any()
            },
            &[2, 4],
        ),
        (
            HistoryFilter {
                until: Some(minute(2)),
                ..any()
            },
            &[1],
        ),
        (
            HistoryFilter {
                from: Some(minute(2)),
                until: Some(minute(3)),
                ..any()
            },
            &[2],
        ),
        (
            HistoryFilter {
                stream: Some(web.into()),
                actor: text("ada"),
                ..any()
            },
            &[2],
        ),
        (
            HistoryFilter {
                stream: Some(job_of_this_id.into()),
                ..any()
            },
            &[],
        ),
        (
            HistoryFilter {
                event_types: Some(Vec::new()),
                ..any()
            },
            &[],
        ),
        (
            HistoryFilter {
                event_types: Some(vec!["droplet_activated".to_owned()]),
                ..any()
            },
            &[2],
        ),
    ];
    for (filter, expected) in cases {
        let found = read(&world, "acme", filter.clone()).await;
        assert_eq!(positions(&found), expected, "{filter:?}");
    }
    // An older program took leap seconds with a fraction, which Postgres does not.
    sqlx::raw_sql(
        "begin; alter table es.events disable trigger events_are_immutable; \
         update es.events set metadata = jsonb_set(metadata::jsonb, '{occurred_at}', \
             '\"2016-12-31T23:59:60.5Z\"')::json where org_id = 'acme' and version = 2; \
         commit",
    )
    .execute(&world.pool)
    .await
    .expect("history is changed");
    let until = HistoryFilter {
        until: Some(minute(1)),
        ..any()
    };
    assert_eq!(positions(&read(&world, "acme", until).await), [2]);
}

#[tokio::test]
async fn an_organization_reads_no_event_of_another_however_little_a_filter_lets_through() {
    let world = World::new().await;
    let mut acme = Writer::new(&world, "acme");
    acme.droplet(requested("web-1")).await;
    // Events of it and thrice as many of another organization, straight into the log.
    sqlx::raw_sql(
        "insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select gen_random_uuid(), 1, 1, gen_random_uuid(), \
             case when n % 4 = 0 then 'acme' else 'other' end, 'droplet_requested', 1, '{}', \
             metadata from es.events, generate_series(1, 20000) n",
    )
    .execute(&world.pool)
    .await
    .expect("events are recorded");
    testkit::events::sequence(&world.pool).await;
    sqlx::raw_sql("analyze es.events; analyze es.log")
        .execute(&world.pool)
        .await
        .expect("statistics are made");
    let filter = HistoryFilter {
        actor: Some("nobody".to_owned()),
        from: Some(minute(0)),
        ..HistoryFilter::default()
    };
    let idle = || world.pool.num_idle() == usize::try_from(world.pool.size()).expect("it is small");
    until("the sessions are idle", async || idle().then_some(())).await;
    let sessions: Vec<_> = std::iter::from_fn(|| world.pool.try_acquire()).collect();
    for mut session in sessions {
        // Otherwise a session may tell seconds later what it has read.
        sqlx::query("select pg_stat_force_next_flush()")
            .execute(&mut *session)
            .await
            .expect("Postgres answers");
    }
    let (before, scans_before) = (read_of_others(&world).await, scans(&world).await);
    // Often enough for a plan that is kept.
    for _ in 0..10 {
        assert!(read(&world, "acme", filter.clone()).await.is_empty());
    }
    let World {
        database,
        pool,
        reader,
    } = world;
    drop(reader);
    // A session tells what it has read when it ends, at the latest.
    let world = World {
        reader: Reader::new(
            database.pool_for(Purpose::Queries).await,
            pool.clone(),
            Incarnations::of(pool.clone()),
        ),
        database,
        pool,
    };
    until("the sessions have told", async || {
        (scans(&world).await >= scans_before + 10).then_some(())
    })
    .await;
    assert_eq!(read_of_others(&world).await, before);
}

/// A page ends where it has looked at enough events, and the page after it begins there: also with a wanted event at the
/// very place.
#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_events_and_the_next_pages_find_the_others() {
    let world = World::new().await;
    let mut acme = Writer::new(&world, "acme");
    acme.droplet(requested("web-1")).await;
    // Three events are wanted: of the first page, at the end of it, and after it.
    sqlx::query(
        "insert into es.events (stream_id, version, shard, event_id, org_id, event_type, \
             schema_version, data, metadata) \
         select gen_random_uuid(), 1, 1, gen_random_uuid(), 'acme', \
             case when n in (5, $1, $1 + 1) then 'droplet_sold' else 'droplet_requested' end, 1, '{}', metadata \
         from es.events, generate_series(2, $1 + 10) n",
    )
    .bind(i64::from(LOOKED_AT))
    .execute(&world.pool)
    .await
    .expect("events are recorded");
    let head = testkit::events::sequence(&world.pool).await;
    let last = i64::from(LOOKED_AT);
    assert_eq!(head, Position(last + 10));
    let filter = HistoryFilter {
        event_types: Some(vec!["droplet_sold".to_owned()]),
        ..HistoryFilter::default()
    };
    for columns in [Columns::All, Columns::Only(Vec::new())] {
        let mut page = Page {
            columns,
            ..first(10, ByPosition, Direction::Ascending)
        };
        let mut found = Vec::new();
        let mut pages = 0;
        loop {
            let slice = world.reader.history(&org("acme"), &filter, &page).await;
            let slice = slice.expect("reads");
            found.extend(slice.items.iter().map(|item| item.node.position.0));
            pages += 1;
            if !slice.has_next {
                break;
            }
            page.after = Some(slice.end.expect("there is more").text());
        }
        assert_eq!((found, pages), (vec![5, last, last + 1], 2));
        // From the other end.
        let mut page = Page {
            take: Take::Last(10),
            after: None,
            ..page
        };
        let mut found = Vec::new();
        loop {
            let slice = world.reader.history(&org("acme"), &filter, &page).await;
            let slice = slice.expect("reads");
            found.splice(0..0, slice.items.iter().map(|item| item.node.position.0));
            if !slice.has_previous {
                break;
            }
            page.before = Some(slice.start.expect("there is more").text());
        }
        assert_eq!(found, [5, last, last + 1]);
    }
}

/// The number of scans of indexes of the log.
async fn scans(world: &World) -> i64 {
    sqlx::query_scalar(
        "select sum(idx_scan)::bigint from pg_stat_user_tables \
         where relid in (select relid from pg_partition_tree('es.log'))",
    )
    .fetch_one(&world.pool)
    .await
    .expect("Postgres answers")
}

/// The number of rows of events and of the log that were read by no index of the organization.
async fn read_of_others(world: &World) -> i64 {
    sqlx::query_scalar(
        "select (select sum(seq_tup_read) from pg_stat_user_tables \
                 where relid in (select relid from pg_partition_tree('es.log') \
                     union all select relid from pg_partition_tree('es.events')))::bigint \
             + (select sum(idx_tup_read) from pg_stat_user_indexes \
                 where indexrelid in (select relid from pg_partition_tree('es.log_pkey')))::bigint",
    )
    .fetch_one(&world.pool)
    .await
    .expect("Postgres answers")
}

#[tokio::test]
async fn an_event_that_nobody_understands_is_in_the_history() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let web = writer.droplet(requested("web-1")).await;
    record_nonsense(&world.pool, web.as_uuid()).await;
    world.catch_up().await;
    let all = read(&world, "acme", HistoryFilter::default()).await;
    assert_eq!(all[1], (2, "droplet_sold".to_owned()));
}

#[tokio::test]
async fn the_data_of_events_is_read_only_if_it_is_wanted() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    for (columns, is_read) in [(Columns::All, true), (Columns::Only(Vec::new()), false)] {
        let page = Page {
            columns,
            ..first(1, ByPosition, Direction::Ascending)
        };
        let filter = HistoryFilter::default();
        let slice = world.reader.history(&writer.org, &filter, &page).await;
        let event = slice.expect("reads").items.remove(0).node.event;
        assert_eq!(event.data.contains("web-1"), is_read);
        assert_eq!(event.data == "null", !is_read);
        assert!(event.metadata.contains("tester"));
    }
}

#[tokio::test]
async fn history_is_paged_from_both_ends() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    for n in 0..5 {
        writer.droplet(requested(&format!("web-{n}"))).await;
    }
    world.catch_up().await;
    let cursor = |position| {
        let position = Position(position);
        Some(log_cursor(LogCursor {
            position,
            ..LogCursor::default()
        }))
    };
    let ascending = Page {
        after: cursor(2),
        ..first(2, ByPosition, Direction::Ascending)
    };
    let slice = world
        .reader
        .history(&writer.org, &HistoryFilter::default(), &ascending)
        .await;
    let slice = slice.expect("reads");
    let found: Vec<_> = slice
        .items
        .iter()
        .map(|item| item.node.position.0)
        .collect();
    assert_eq!(
        (found, slice.has_next, slice.has_previous),
        (vec![3, 4], true, true)
    );
    let last = Page {
        take: Take::Last(2),
        before: cursor(3),
        ..first(2, ByPosition, Direction::Ascending)
    };
    let slice = world
        .reader
        .history(&writer.org, &HistoryFilter::default(), &last)
        .await;
    let slice = slice.expect("reads");
    let found: Vec<_> = slice
        .items
        .iter()
        .map(|item| item.node.position.0)
        .collect();
    assert_eq!(
        (found, slice.has_next, slice.has_previous),
        (vec![1, 2], true, false)
    );
}

async fn read(world: &World, organization: &str, filter: HistoryFilter) -> Vec<(i64, String)> {
    let page = first(100, ByPosition, Direction::Ascending);
    let slice = world
        .reader
        .history(&org(organization), &filter, &page)
        .await;
    let items = slice.expect("reads").items.into_iter();
    items
        .map(|item| (item.node.position.0, item.node.event.event_type))
        .collect()
}

fn positions(events: &[(i64, String)]) -> Vec<i64> {
    events.iter().map(|(position, _)| *position).collect()
}
