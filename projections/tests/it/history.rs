//! History: an organization's events in log order, as stored.

use event_store::envelope::Position;
use projections::history::HistoryFilter;
use projections::list::Columns;
use projections::page::{ByPosition, Direction, Key, Page, Take};
use testkit::events::record_nonsense;

use crate::world::{World, Writer, first, org, requested, sample};

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
        event_types: vec!["droplet_requested".to_owned()],
        ..HistoryFilter::default()
    };
    assert_eq!(positions(&read(&world, "acme", requests).await), [1, 4]);
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
    for (columns, is_read) in [(Columns::All, true), (Columns::WithoutJson, false)] {
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
    let cursor = |position| Some(Key::Position(Position(position)).to_cursor());
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
