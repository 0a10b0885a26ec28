//! The position that a page shows: all up to it is shown, and nothing after it.

use std::collections::BTreeMap;

use domain::droplet::DropletStatus;
use event_store::consume::consumer::{Consumer, apply_batch};
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, StreamId};
use projections::activity::Activity;
use projections::activity::query::ActivityFilter;
use projections::clusters::Clusters;
use projections::clusters::query::{ClusterFilter, ClusterOrder};
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::history::HistoryFilter;
use projections::jobs::Jobs;
use projections::jobs::query::{JobFilter, JobOrder};
use projections::model::Rows;
use projections::page::{ByPosition, Direction, Page};
use testkit::events::sequence;
use testkit::statements;
use uuid::Uuid;

use crate::world::{World, Writer, first, org, requested, sample};

fn as_of<O>(order: O) -> Page<O> {
    Page {
        as_of: true,
        ..first(100, order, Direction::Ascending)
    }
}

/// The positions of the organization's events about droplets, by stream.
async fn positions(world: &World) -> BTreeMap<Uuid, Vec<i64>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(
        "select stream_id, position from es.log l join es.events e using (seq) \
         where l.org_id = 'acme' order by position",
    )
    .fetch_all(&world.pool)
    .await
    .expect("the log is read");
    let mut positions = BTreeMap::<_, Vec<_>>::new();
    for (stream, position) in rows {
        positions.entry(stream).or_default().push(position);
    }
    positions
}

/// Applies the log to a read model, a few events at a time.
async fn apply_slowly(world: &World, consumer: &dyn Consumer, head: Position) {
    let generation = world.follow(consumer).await;
    let mut source = LogSource::new(
        world.pool.clone(),
        consumer.name(),
        consumer.stream_types(),
        Signal::new(),
        std::time::Duration::from_millis(10),
    );
    source.rewind(generation).await.expect("Postgres answers");
    loop {
        let batch = source.next().await.expect("the log is read");
        apply_batch(&world.pool, consumer, &batch)
            .await
            .expect("is applied");
        if batch
            .events
            .last()
            .is_some_and(|event| event.position >= head)
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_page_shows_exactly_the_events_up_to_its_position() {
    let world = World::new().await;
    let mut writers = [Writer::new(&world, "acme"), Writer::new(&world, "other")];
    let filter = DropletFilter {
        statuses: Some(DropletStatus::ALL.to_vec()),
        ..DropletFilter::default()
    };
    // Events are recorded and applied while pages are read.
    let record = async {
        for n in 0..60 {
            let writer = &mut writers[usize::from(n % 3 == 2)];
            let droplet = writer.droplet(requested(&format!("web-{n}"))).await;
            let activated = sample("droplet_activated");
            writer.record(droplet.into(), [activated]).await;
            let head = sequence(&world.pool).await;
            apply_slowly(&world, &Rows(Droplets), head).await;
        }
    };
    let acme = org("acme");
    let check = async {
        let mut seen = Vec::new();
        loop {
            let page = as_of(DropletOrder::CreatedAt);
            let slice = world.reader.page::<Droplets>(&acme, &filter, &page).await;
            let slice = slice.expect("reads");
            let shown = slice.as_of.expect("was wanted").position;
            let versions = slice.items.iter();
            let versions: BTreeMap<Uuid, usize> = versions
                .map(|item| {
                    let version = item.node.version.0;
                    (
                        item.node.id.as_uuid(),
                        usize::try_from(version).expect("is small"),
                    )
                })
                .collect();
            let expected = positions(&world).await;
            let expected = expected.into_iter().filter_map(|(stream, positions)| {
                let count = positions
                    .iter()
                    .filter(|position| **position <= shown.0)
                    .count();
                (count > 0).then_some((stream, count))
            });
            assert_eq!(versions, expected.collect(), "as of {shown}");
            seen.push(shown);
            if shown.0 >= 120 {
                return seen;
            }
        }
    };
    let ((), mut seen) = tokio::join!(record, check);
    seen.dedup();
    assert!(seen.is_sorted() && seen.len() > 10, "{seen:?}");
}

#[tokio::test]
async fn an_empty_page_has_a_position_too_and_no_read_model_knows_more_than_it_applied() {
    let world = World::new().await;
    let acme = org("acme");
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    let head = sequence(&world.pool).await;
    let reader = &world.reader;
    let shown = async || {
        let clusters = as_of(ClusterOrder::CreatedAt);
        let clusters = reader
            .page::<Clusters>(&acme, &ClusterFilter::default(), &clusters)
            .await;
        let clusters = clusters.expect("reads");
        assert!(clusters.items.is_empty() && !clusters.has_next);
        let droplets = as_of(DropletOrder::CreatedAt);
        let droplets = reader
            .page::<Droplets>(&acme, &DropletFilter::default(), &droplets)
            .await;
        let activity = as_of(ByPosition);
        let activity = reader
            .activity(&acme, &ActivityFilter::default(), &activity)
            .await;
        let history = as_of(ByPosition);
        let history = reader
            .history(&acme, &HistoryFilter::default(), &history)
            .await;
        let shown = [
            clusters.as_of,
            droplets.expect("reads").as_of,
            activity.expect("reads").as_of,
            history.expect("reads").as_of,
        ];
        shown.map(|cursor| cursor.map(|cursor| cursor.position))
    };
    let (none, all) = (Some(Position::START), Some(head));
    assert_eq!(shown().await, [all, none, none, all]);
    apply_slowly(&world, &Activity, head).await;
    assert_eq!(shown().await, [all, none, all, all]);
    apply_slowly(&world, &Rows(Droplets), head).await;
    assert_eq!(shown().await, [all, all, all, all]);
}

#[tokio::test]
async fn a_page_with_its_position_is_one_statement_and_others_have_none() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let web: StreamId = writer.droplet(requested("web-1")).await.into();
    world.catch_up().await;
    let filter = JobFilter::default();
    let plain = first(10, JobOrder::CreatedAt, Direction::Descending);
    let read = async |page: &Page<JobOrder>| {
        let slice = world.reader.page::<Jobs>(&writer.org, &filter, page).await;
        slice.expect("reads").as_of.map(|cursor| cursor.position)
    };
    assert_eq!(read(&plain).await, None);
    statements::collect();
    assert_eq!(read(&plain).await, None);
    assert_eq!(read(&as_of(JobOrder::CreatedAt)).await, Some(Position(1)));
    let nested = as_of(JobOrder::CreatedAt);
    let parents = [web.uuid, Uuid::nil()];
    let nested =
        world
            .reader
            .pages_by::<Jobs>(&writer.org, "droplet_id", &parents, &filter, &nested);
    let nested = nested.await.expect("reads");
    assert!(
        nested
            .iter()
            .all(|slice| slice.as_of.map(|cursor| cursor.position) == Some(Position(1)))
    );
    assert_eq!(statements::take().len(), 3);
}
