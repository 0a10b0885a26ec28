//! Pages: complete, in order and without repetition, from both ends, while rows are inserted.

use projections::activity::query::ActivityFilter;
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::history::HistoryFilter;
use projections::jobs::Jobs;
use projections::jobs::query::{JobFilter, JobOrder};
use projections::page::{ByPosition, Direction, Page, Take};
use projections::reader::ReadError;

use crate::world::{World, Writer, first, org, requested};

const DROPLETS: i64 = 11;

/// `DROPLETS` droplets; pairs of them share their business time.
async fn world_of_droplets() -> (World, Writer) {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    for n in 0..DROPLETS {
        writer.minute = n / 2;
        writer.droplet(requested(&format!("web-{n:02}"))).await;
    }
    world.catch_up().await;
    (world, writer)
}

#[tokio::test]
async fn walking_forth_and_back_gives_the_list_in_every_order() {
    let (world, writer) = world_of_droplets().await;
    for order in [
        DropletOrder::CreatedAt,
        DropletOrder::UpdatedAt,
        DropletOrder::Name,
    ] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let all = first(100, order, direction);
            let all = read(&world, &all).await.0;
            assert_eq!(all.len() as i64, DROPLETS);
            let forth = walk(&world, &writer, Take::First(3), order, direction).await;
            assert_eq!(forth.concat(), all, "{order:?} {direction:?} forth");
            let mut back = walk(&world, &writer, Take::Last(3), order, direction).await;
            back.reverse();
            assert_eq!(back.concat(), all, "{order:?} {direction:?} back");
        }
    }
}

#[tokio::test]
async fn rows_that_are_inserted_meanwhile_move_no_page() {
    let (world, mut writer) = world_of_droplets().await;
    let order = DropletOrder::CreatedAt;
    let before = read(&world, &first(100, order, Direction::Descending))
        .await
        .0;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = Page {
            after: after.take(),
            ..first(2, order, Direction::Descending)
        };
        let (names, cursors, has_next) = read(&world, &page).await;
        seen.extend(names);
        // Newer than everything that is still to come: pages by offset would repeat rows now.
        writer.minute = 1_000;
        let new = requested(&format!("new-{}", seen.len()));
        writer.droplet(new).await;
        world.catch_up().await;
        if !has_next {
            break;
        }
        after = cursors.last().cloned();
    }
    assert_eq!(seen, before);
}

#[tokio::test]
async fn a_page_lies_between_both_cursors() {
    let (world, _) = world_of_droplets().await;
    let all = first(100, DropletOrder::Name, Direction::Ascending);
    let (names, cursors, _) = read(&world, &all).await;
    let between = Page {
        after: Some(cursors[2].clone()),
        before: Some(cursors[6].clone()),
        ..first(100, DropletOrder::Name, Direction::Ascending)
    };
    assert_eq!(read(&world, &between).await.0, names[3..6]);
}

#[tokio::test]
async fn a_page_of_nothing_tells_whether_there_is_more() {
    let (world, _) = world_of_droplets().await;
    let all = first(100, DropletOrder::Name, Direction::Ascending);
    let cursors = read(&world, &all).await.1;
    let none = || first(0, DropletOrder::Name, Direction::Ascending);
    let last = cursors.last().cloned();
    for (page, has_next, has_previous) in [
        (none(), true, false),
        (
            Page {
                after: cursors.first().cloned(),
                ..none()
            },
            true,
            true,
        ),
        (
            Page {
                after: last.clone(),
                ..none()
            },
            false,
            true,
        ),
        (
            Page {
                take: Take::Last(0),
                ..none()
            },
            false,
            true,
        ),
        (
            Page {
                take: Take::Last(0),
                before: cursors.first().cloned(),
                ..none()
            },
            true,
            false,
        ),
    ] {
        let filter = DropletFilter::default();
        let slice = world
            .reader
            .page::<Droplets>(&org("acme"), &filter, &page)
            .await;
        let slice = slice.expect("reads");
        assert!(slice.items.is_empty());
        assert_eq!(
            (slice.has_next, slice.has_previous),
            (has_next, has_previous),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_order_or_direction_is_refused() {
    let (world, writer) = world_of_droplets().await;
    let reader = &world.reader;
    let ascending = first(1, ByPosition, Direction::Ascending);
    let events = reader
        .history(&writer.org, &HistoryFilter::default(), &ascending)
        .await;
    let event = events.expect("reads").items.remove(0).cursor.text();
    let by_position = |after: &str, direction| Page {
        after: Some(after.to_owned()),
        ..first(1, ByPosition, direction)
    };
    let filter = ActivityFilter::default();
    let activity = reader.activity(&writer.org, &filter, &ascending).await;
    let activity = activity.expect("reads").items.remove(0).cursor.text();
    let page = by_position(&event, Direction::Ascending);
    let refused = reader.activity(&writer.org, &filter, &page).await;
    assert!(matches!(refused, Err(ReadError::InvalidCursor)));
    for (cursor, direction) in [
        (&activity, Direction::Ascending),
        (&event, Direction::Descending),
    ] {
        let page = by_position(cursor, direction);
        let refused = reader
            .history(&writer.org, &HistoryFilter::default(), &page)
            .await;
        assert!(matches!(refused, Err(ReadError::InvalidCursor)));
    }
    let droplet = first(1, DropletOrder::CreatedAt, Direction::Ascending);
    let droplet = read(&world, &droplet).await.1.remove(0);
    let by_time = |direction| Page {
        before: Some(droplet.clone()),
        ..first(1, JobOrder::CreatedAt, direction)
    };
    let refused = reader
        .page::<Jobs>(
            &writer.org,
            &JobFilter::default(),
            &by_time(Direction::Ascending),
        )
        .await;
    assert!(matches!(refused, Err(ReadError::InvalidCursor)));
    let page = Page {
        after: Some(droplet.clone()),
        ..first(1, DropletOrder::CreatedAt, Direction::Descending)
    };
    let refused = reader
        .page::<Droplets>(&writer.org, &DropletFilter::default(), &page)
        .await;
    assert!(matches!(refused, Err(ReadError::InvalidCursor)));
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let (world, _) = world_of_droplets().await;
    let by_name = first(1, DropletOrder::Name, Direction::Ascending);
    let cursor = read(&world, &by_name).await.1.remove(0);
    for cursor in [cursor, "web-1".to_owned()] {
        let page = Page {
            after: Some(cursor),
            ..first(1, DropletOrder::CreatedAt, Direction::Ascending)
        };
        let filter = DropletFilter::default();
        let refused = world
            .reader
            .page::<Droplets>(&org("acme"), &filter, &page)
            .await;
        assert!(matches!(refused, Err(ReadError::InvalidCursor)));
    }
}

/// The names of the pages, in the order in which they were read.
async fn walk(
    world: &World,
    writer: &Writer,
    take: Take,
    order: DropletOrder,
    direction: Direction,
) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let mut page = first(0, order, direction);
        page.take = take;
        match take {
            Take::First(_) => page.after = cursor,
            Take::Last(_) => page.before = cursor,
        }
        let filter = DropletFilter::default();
        let slice = world
            .reader
            .page::<Droplets>(&writer.org, &filter, &page)
            .await;
        let slice = slice.expect("reads");
        let (more, edge) = match take {
            Take::First(_) => (slice.has_next, slice.items.last()),
            Take::Last(_) => (slice.has_previous, slice.items.first()),
        };
        cursor = edge.map(|item| item.cursor.text());
        let names = slice.items.iter().map(|item| item.node.name.to_string());
        pages.push(names.collect());
        if !more {
            return pages;
        }
    }
}

/// Names, cursors and whether there is more.
async fn read(world: &World, page: &Page<DropletOrder>) -> (Vec<String>, Vec<String>, bool) {
    let filter = DropletFilter::default();
    let slice = world
        .reader
        .page::<Droplets>(&org("acme"), &filter, page)
        .await;
    let slice = slice.expect("reads");
    let has_next = slice.has_next;
    let items = slice.items.into_iter();
    let (names, cursors) = items
        .map(|i| (i.node.name.to_string(), i.cursor.text()))
        .unzip();
    (names, cursors, has_next)
}
