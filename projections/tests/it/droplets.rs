//! Droplets: what events make of a row, how rows are found, and what a writer sees at once.

use std::collections::BTreeSet;

use domain::droplet::{DropletEvent, DropletStatus};
use domain::event::DomainEvent;
use domain::ids::{ClusterId, DropletId};
use domain::slug::{RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::consume::generation;
use event_store::envelope::StreamId;
use projections::columns::Columns;
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::page::Direction;
use sqlx::AssertSqlSafe;
use testkit::events::record_nonsense;
use testkit::statements;
use uuid::Uuid;

use crate::world::{World, Writer, first, minute, org, requested, requested_as, sample};

#[tokio::test]
async fn a_row_shows_the_last_event_and_equals_the_folded_stream() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let later = ["droplet_activated", "droplet_tagged", "droplet_renamed"];
    for event_type in later {
        writer.record(id.into(), [sample(event_type)]).await;
    }
    world.catch_up().await;
    let row = world
        .reader
        .row::<Droplets>(&writer.org, id, &Columns::All)
        .await
        .expect("reads");
    let row = row.expect("is there");
    assert_eq!((row.name.as_str(), row.version.0), ("web-2", 4));
    assert_eq!(row.status, DropletStatus::Active);
    assert_eq!((row.created_at, row.updated_at), (minute(1), minute(4)));
    let written = world
        .reader
        .live_state::<Droplets>(&writer.org, id.into())
        .await;
    assert_eq!(written.expect("folds"), Some(row));
}

#[tokio::test]
async fn what_was_written_is_seen_before_it_has_a_position() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let read = world
        .reader
        .row::<Droplets>(&writer.org, id, &Columns::All)
        .await;
    assert_eq!(read.expect("reads"), None);
    let written = world
        .reader
        .live_state::<Droplets>(&writer.org, id.into())
        .await;
    assert_eq!(written.expect("folds").expect("is there").version.0, 1);
    let foreign = world
        .reader
        .live_state::<Droplets>(&org("other"), id.into())
        .await;
    assert_eq!(foreign.expect("folds"), None);
    let unknown = DropletId::new(Uuid::nil());
    let unknown = world
        .reader
        .live_state::<Droplets>(&writer.org, unknown.into())
        .await;
    assert_eq!(unknown.expect("folds"), None);
}

#[tokio::test]
async fn a_deleted_droplet_is_readable_and_listed_only_when_asked_for() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let gone = writer.droplet(requested("web-1")).await;
    writer.droplet(requested("web-2")).await;
    let end = ["droplet_deletion_requested", "droplet_deleted"];
    writer.record(gone.into(), end.map(sample)).await;
    world.catch_up().await;
    let row = world
        .reader
        .row::<Droplets>(&writer.org, gone, &Columns::All)
        .await;
    let row = row.expect("reads").expect("is there");
    assert_eq!(row.status, DropletStatus::Deleted);
    assert_eq!(names(&world, DropletFilter::default()).await, ["web-2"]);
    let deleted = DropletFilter {
        statuses: Some(vec![DropletStatus::Deleted]),
        ..DropletFilter::default()
    };
    assert_eq!(names(&world, deleted).await, ["web-1"]);
}

#[tokio::test]
async fn droplets_are_found_by_every_filter() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let all = [
        requested_as("web-1", "s-1vcpu-1gb", "nyc3", &["qos:LS", "hot"]),
        requested_as("Web-2", "c-2", "nyc3", &["qos:LS"]),
        requested_as("db-1", "c-2", "fra1", &["hot"]),
    ];
    for one in all {
        writer.droplet(one).await;
    }
    let active = writer.droplet(requested("db-2")).await;
    writer
        .record(active.into(), [DropletEvent::samples().remove(1)])
        .await;
    let alone = domain::droplet::DropletRequested {
        cluster: None,
        ..requested_as("solo", "c-2", "sgp1", &[])
    };
    writer.droplet(alone).await;
    world.catch_up().await;

    let name = |text: &str| DropletFilter {
        name: Some(text.to_owned()),
        ..DropletFilter::default()
    };
    let tags = |tags: &[&str]| DropletFilter {
        tags: tags
            .iter()
            .map(|t| Tag::parse(*t).expect("is a tag"))
            .collect(),
        ..DropletFilter::default()
    };
    let status = |statuses: &[DropletStatus]| DropletFilter {
        statuses: Some(statuses.to_vec()),
        ..DropletFilter::default()
    };
    let regions = ["fra1", "sgp1"].map(|r| RegionSlug::parse(r).expect("is a region"));
    let size = SizeSlug::parse("c-2").expect("is a size");
    // That of the sample.
    let cluster = ClusterId::new(Uuid::from_u128(0x0192_3f4a_8c00_7000_8000_0000_0000_00c1));
    let everything = DropletFilter {
        name: Some("b-1".to_owned()),
        tags: tags(&["hot"]).tags,
        statuses: Some(vec![DropletStatus::Requested]),
        regions: Some(regions.to_vec()),
        sizes: Some(vec![size.clone()]),
        cluster: Some(cluster),
    };
    let none = |filter: DropletFilter| (filter, &[] as &[&str]);
    let cases: [(DropletFilter, &[&str]); 14] = [
        (name("WEB"), &["Web-2", "web-1"]),
        (name("-1"), &["db-1", "web-1"]),
        (name("%"), &[]),
        (tags(&["hot"]), &["db-1", "web-1"]),
        (tags(&["hot", "qos:LS"]), &["web-1"]),
        (status(&[DropletStatus::Active]), &["db-2"]),
        (
            DropletFilter {
                regions: Some(regions.to_vec()),
                ..Default::default()
            },
            &["db-1", "solo"],
        ),
        (
            DropletFilter {
                sizes: Some(vec![size]),
                ..Default::default()
            },
            &["Web-2", "db-1", "solo"],
        ),
        (
            DropletFilter {
                cluster: Some(cluster),
                ..Default::default()
            },
            &["Web-2", "db-1", "db-2", "web-1"],
        ),
        (everything, &["db-1"]),
        // All of no tags, and one of nothing.
        (tags(&[]), &["Web-2", "db-1", "db-2", "solo", "web-1"]),
        none(status(&[])),
        none(DropletFilter {
            regions: Some(Vec::new()),
            ..Default::default()
        }),
        none(DropletFilter {
            sizes: Some(Vec::new()),
            ..Default::default()
        }),
    ];
    for (filter, expected) in cases {
        let total = world.reader.total::<Droplets>(&writer.org, &filter).await;
        assert_eq!(total.expect("counts"), expected.len() as i64, "{filter:?}");
        assert_eq!(names(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_row_that_is_not_shown_yet_is_made_from_the_log() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let shown = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let waiting = writer.droplet(requested("web-2")).await;
    let nonsense = writer.droplet(requested("web-3")).await;
    record_nonsense(&world.pool, nonsense.as_uuid()).await;
    let streams = [shown, waiting, nonsense].map(StreamId::from);
    for (name, expected) in [("acme", vec!["web-1", "web-2"]), ("other", vec![])] {
        let org = org(name);
        let rows = world
            .reader
            .rows_or_live_state::<Droplets>(&org, &streams, &Columns::All);
        let rows = rows.await.expect("reads");
        let names: BTreeSet<_> = rows.values().map(|row| row.name.as_str()).collect();
        assert_eq!(names, expected.into_iter().collect(), "{name}");
    }
}

#[tokio::test]
async fn a_nul_in_a_filter_is_the_clients_fault() {
    let world = World::new().await;
    let filter = DropletFilter {
        name: Some("a\0".to_owned()),
        ..DropletFilter::default()
    };
    let error = world.reader.total::<Droplets>(&org("acme"), &filter).await;
    assert!(matches!(
        error,
        Err(projections::reader::ReadError::InvalidFilter)
    ));
}

async fn names(world: &World, filter: DropletFilter) -> Vec<String> {
    let page = first(100, DropletOrder::Name, Direction::Ascending);
    let slice = world
        .reader
        .page::<Droplets>(&org("acme"), &filter, &page)
        .await;
    let items = slice.expect("reads").items.into_iter();
    items.map(|item| item.node.name.to_string()).collect()
}

#[tokio::test]
async fn the_row_of_a_long_stream_does_not_cost_its_history() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    writer
        .record(id.into(), [sample("droplet_activated")])
        .await;
    for _ in 0..100 {
        writer.record(id.into(), [sample("droplet_tagged")]).await;
    }
    world.catch_up().await;
    writer.record(id.into(), [sample("droplet_renamed")]).await;
    let written = async || {
        let row = world.reader.live_state::<Droplets>(&writer.org, id.into());
        row.await.expect("folds").expect("is there")
    };
    statements::collect();
    let row = written().await;
    assert_eq!((row.version.0, row.name.as_str()), (103, "web-2"));
    // The first 64 events, the row, and what follows it.
    assert!(statements::rows() < 64 + 10, "{}", statements::rows());
    // A row that shows an event of another history, or of another version of the model, is not continued.
    let serving = generation::serving(&world.pool, "droplets").await;
    let tables = generation::tables_of(serving.expect("Postgres answers"));
    let of_another = [
        format!("update {tables}.droplets set region = 'wrong', version = version + 1"),
        format!("update {tables}.droplets set version = version - 1, recorded_at = now()"),
        format!(
            "update {tables}.droplets set recorded_at = e.recorded_at from es.events e \
             where e.stream_id = id and e.version = droplets.version; \
             update es.generations set version = version - 1 where consumer = 'droplets'"
        ),
        format!(
            "update es.generations set version = version + 1 where consumer = 'droplets'; \
             update {tables}.droplets set status = 'nonsense'"
        ),
        format!("drop table {tables}.droplets cascade"),
    ];
    for change in of_another {
        sqlx::raw_sql(AssertSqlSafe(change))
            .execute(&world.pool)
            .await
            .expect("the row is changed");
        assert_eq!(written().await, row);
    }
}
