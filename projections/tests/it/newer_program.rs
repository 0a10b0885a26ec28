//! Streams of a type that only a newer program knows: this one shows what it can of them, and waits for
//! nothing that none of its read models makes of them.

use std::time::Duration;

use event_store::consume::wake::{POLL, Wake};
use event_store::envelope::{StreamId, Version};
use event_store::pool::Purpose;
use futures_util::StreamExt;
use projections::changes::Changes;
use projections::consistency::{Consistency, NotShown};
use projections::droplets::Droplets;
use projections::history::HistoryFilter;
use projections::model::Rows;
use projections::page::{ByPosition, Direction};
use projections::registry::COUNTS;
use testkit::events::{record_newer, sequence};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{World, Writer, first, follow, org, requested};

/// The code of the type that only the newer program knows.
const NEWER: i16 = 7;

#[tokio::test]
async fn history_gives_its_events_as_they_are_stored() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    writer.droplet(requested("web-1")).await;
    let newer = record_newer(&world.pool, "acme", NEWER, "cluster_created").await;
    sequence(&world.pool).await;
    let page = first(10, ByPosition, Direction::Ascending);
    for (filter, expected) in [
        (HistoryFilter::default(), 2),
        (
            HistoryFilter {
                stream: Some(newer),
                ..HistoryFilter::default()
            },
            1,
        ),
    ] {
        let slice = world.reader.history(&writer.org, &filter, &page).await;
        let items = slice.expect("is answered").items;
        assert_eq!(items.len(), expected);
        let last = &items.last().expect("there is one").node.event;
        assert_eq!(
            (last.stream, last.event_type.as_str()),
            (newer, "cluster_created")
        );
    }
}

#[tokio::test]
async fn followers_get_its_events_without_a_node() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let wake = Wake::default();
    let sequenced = wake.sequenced.clone();
    let (changes, task) = Changes::new(
        world.pool.clone(),
        world.database.pool_for(Purpose::Subscriptions).await,
        world.pool.clone().into(),
        sequenced,
        POLL,
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let begin = sequence(&world.pool).await;
    let following = || Box::pin(follow(&changes, org("acme"), Some(begin)));
    let mut live = following();
    let newer = record_newer(&world.pool, "acme", NEWER, "cluster_created").await;
    let droplet = StreamId::from(writer.droplet(requested("web-1")).await);
    wake.sequenced.raise_to(sequence(&world.pool).await.0);
    // Live, and from the log.
    for followed in [&mut live, &mut following()] {
        for (stream, has_node) in [(newer, false), (droplet, true)] {
            let change = followed.next().await.expect("it goes on").expect("reads");
            assert_eq!(change.event.event.stream, stream);
            assert_eq!(change.node.is_some(), has_node);
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_a_read_model_that_does_not_concern_it() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let (place, task) = Consistency::new(
        world.reader.clone(),
        Wake::default(),
        Duration::from_millis(300),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let newer = record_newer(&world.pool, "acme", NEWER, "cluster_created").await;
    let droplet = StreamId::from(writer.droplet(requested("web-1")).await);
    let written = [(newer, Version(1)), (droplet, Version(1))];
    let by: projections::consistency::ReadModels<'_> = &[&Rows(Droplets), &COUNTS];

    // Only the droplet is waited for.
    let early = place.shown(&writer.org, &written, by).await;
    assert!(matches!(early, Err(NotShown::NotYet { .. })), "{early:?}");
    let alone = place.shown(&writer.org, &written[..1], by).await;
    alone.expect("no read model shows it");
    let head = world.catch_up().await;
    let shown = place.shown(&writer.org, &written, by).await;
    shown.expect("the droplet is shown");
    let position = place.position(&writer.org, &written).await;
    assert_eq!(position.expect("both have one").position, head);

    // It is as unknown to others as everything else.
    let other = place.shown(&org("globex"), &written[..1], by).await;
    assert!(matches!(other, Err(NotShown::UnknownStream)), "{other:?}");
}
