//! Activity: a line an event, newest first, and how lines are found.

use domain::ids::DropletId;
use event_store::envelope::StreamId;
use projections::activity::query::ActivityFilter;
use projections::columns::Columns;
use projections::page::{ByPosition, Direction, LOOKED_AT};

use crate::world::{World, Writer, first, minute, org, requested, sample};

/// Two droplets, the second made by ada; the first is renamed by bob and then activated by him.
async fn story(world: &World) -> (Writer, DropletId, DropletId) {
    let mut writer = Writer::new(world, "acme");
    let web = writer.droplet(requested("web-1")).await;
    writer.actor = "ada".to_owned();
    let db = writer.droplet(requested("db-1")).await;
    writer.actor = "bob".to_owned();
    writer.record(web.into(), [sample("droplet_renamed")]).await;
    writer
        .record(web.into(), [sample("droplet_activated")])
        .await;
    world.catch_up().await;
    (writer, web, db)
}

#[tokio::test]
async fn a_line_calls_a_thing_what_it_was_called_then() {
    let world = World::new().await;
    let (_, web, _) = story(&world).await;
    let filter = ActivityFilter {
        resource: Some(web.into()),
        ..ActivityFilter::default()
    };
    assert_eq!(
        summaries(&world, &filter).await,
        [
            "web-2 became active",
            "web-1 was renamed to web-2",
            "web-1 was requested: s-1vcpu-1gb in nyc3",
        ]
    );
}

#[tokio::test]
async fn lines_are_found_by_every_filter() {
    let world = World::new().await;
    let (_, web, db) = story(&world).await;
    let by_actor = ActivityFilter {
        actor: Some("ada".to_owned()),
        ..ActivityFilter::default()
    };
    let by_kind = ActivityFilter {
        kinds: Some(vec![
            "droplet_activated".to_owned(),
            "droplet_renamed".to_owned(),
        ]),
        ..ActivityFilter::default()
    };
    let of_no_kind = ActivityFilter {
        kinds: Some(Vec::new()),
        ..ActivityFilter::default()
    };
    let by_time = ActivityFilter {
        from: Some(minute(2)),
        until: Some(minute(4)),
        ..ActivityFilter::default()
    };
    let of_a_job_of_that_id = ActivityFilter {
        resource: Some(StreamId {
            stream_type: domain::stream_type::StreamType::JOB,
            uuid: web.as_uuid(),
        }),
        ..ActivityFilter::default()
    };
    let by_resource = ActivityFilter {
        resource: Some(db.into()),
        ..ActivityFilter::default()
    };
    for (filter, expected) in [
        (ActivityFilter::default(), 4),
        (by_actor, 1),
        (by_kind, 2),
        (of_no_kind, 0),
        (by_time, 2),
        (by_resource, 1),
        (of_a_job_of_that_id, 0),
    ] {
        assert_eq!(
            summaries(&world, &filter).await.len(),
            expected,
            "{filter:?}"
        );
    }
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_lines_and_the_next_pages_find_the_others() {
    let world = World::new().await;
    story(&world).await;
    // Newer lines than those of the story.
    sqlx::query(
        "insert into activity_1.activity select org_id, 10 + n, 'droplet_tagged', resource_type, resource_id, \
             resource_name, 'eve', summary, occurred_at, recorded_at \
         from activity_1.activity, generate_series(1, $1) n where position = 1",
    )
    .bind(i64::from(LOOKED_AT))
    .execute(&world.pool)
    .await
    .expect("lines are written");
    let of_bob = ActivityFilter {
        actor: Some("bob".to_owned()),
        ..ActivityFilter::default()
    };
    let mut page = first(10, ByPosition, Direction::Descending);
    page.columns = Columns::Only(vec!["summary".to_owned()]);
    let read = world.reader.activity(&org("acme"), &of_bob, &page).await;
    let read = read.expect("reads");
    assert!(read.items.is_empty() && read.has_next, "{read:?}");
    page.after = Some(read.end.expect("there is more").text());
    let read = world.reader.activity(&org("acme"), &of_bob, &page).await;
    let read = read.expect("reads");
    let found: Vec<_> = read.items.iter().map(|item| &item.node.summary).collect();
    let expected = ["web-2 became active", "web-1 was renamed to web-2"];
    assert_eq!(found, expected);
    assert!(!read.has_next);
}

async fn summaries(world: &World, filter: &ActivityFilter) -> Vec<String> {
    let page = first(10, ByPosition, Direction::Descending);
    let slice = world
        .reader
        .activity(&org("acme"), filter, &page)
        .await
        .expect("reads");
    let items = slice.items.into_iter();
    items.map(|item| item.node.summary).collect()
}
