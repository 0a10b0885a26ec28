//! Recorded commands of an organization that has many, of which few pass a filter.

use domain::ids::DropletId;
use projections::page::{Direction, LOOKED_AT, Page, Take};
use projections::recorded_commands::{ByRecordedAt, CommandFilter};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::world::{World, first, org};

/// The second of them by time names a droplet, has an actor and an outcome that no other has.
async fn many_commands(world: &World, count: u32) {
    let insert = format!(
        "insert into es.commands \
         (org_id, recorded_at, command_id, name, stream_type, stream_id, actor, outcome, program, record) \
         select 'acme', now() - (interval '1 ms' * ({count} - n)), gen_random_uuid(), 'tag_droplet', 0, \
             case when n = 2 then '{droplet}'::uuid else gen_random_uuid() end, \
             case when n = 2 then 'ann' else 'bob' end, \
             case when n = 2 then 'REJECTED' else 'ACCEPTED' end, '0.1.0', '{{\"input\":{{}},\"basis\":{{}}}}' \
         from generate_series(1, {count}) n",
        droplet = Uuid::nil(),
    );
    sqlx::raw_sql(AssertSqlSafe(insert))
        .execute(&world.pool)
        .await
        .expect("Postgres answers");
}

/// Reads pages from an end of the list until none is left. Returns the numbers of their items.
async fn walk(world: &World, filter: &CommandFilter, take: Take, as_of: bool) -> Vec<usize> {
    let mut page = Page {
        take,
        as_of,
        ..first(0, ByRecordedAt, Direction::Descending)
    };
    let mut sizes = Vec::new();
    loop {
        let slice = world.reader.commands(&org("acme"), filter, &page).await;
        let slice = slice.expect("reads");
        assert_eq!(slice.as_of.is_some(), as_of);
        assert!(slice.items.iter().all(|item| item.node.actor == "ann"));
        sizes.push(slice.items.len());
        let (more, end) = match take {
            Take::First(_) => (slice.has_next, slice.end),
            Take::Last(_) => (slice.has_previous, slice.start),
        };
        if !more {
            return sizes;
        }
        let end = Some(end.expect("there is more beyond it").text());
        match take {
            Take::First(_) => page.after = end,
            Take::Last(_) => page.before = end,
        }
    }
}

#[tokio::test]
async fn a_page_of_few_commands_among_many_looks_at_a_bounded_number_and_has_a_next() {
    let world = World::new().await;
    many_commands(&world, 2 * LOOKED_AT + 2).await;
    let any = CommandFilter::default;
    for filter in [
        CommandFilter {
            stream: Some(DropletId::new(Uuid::nil()).into()),
            ..any()
        },
        CommandFilter {
            actor: Some("ann".to_owned()),
            ..any()
        },
    ] {
        for as_of in [true, false] {
            // The newest and the next LOOKED_AT commands are others.
            assert_eq!(
                walk(&world, &filter, Take::First(2), as_of).await,
                [0, 0, 1]
            );
            assert_eq!(walk(&world, &filter, Take::Last(2), as_of).await, [1, 0, 0]);
        }
        // Of a page of no items, too.
        let page = first(0, ByRecordedAt, Direction::Descending);
        let slice = world.reader.commands(&org("acme"), &filter, &page).await;
        let slice = slice.expect("reads");
        assert!(slice.has_next && slice.end.is_some());
    }
    let of_nobody = CommandFilter {
        actor: Some("eve".to_owned()),
        ..any()
    };
    assert_eq!(
        walk(&world, &of_nobody, Take::First(50), true).await,
        [0, 0, 0]
    );
}

/// The last command that a page looks at may be an item, and the page may be full with it.
#[tokio::test]
async fn an_item_at_the_end_of_what_is_looked_at_is_shown_once() {
    let world = World::new().await;
    many_commands(&world, LOOKED_AT + 1).await;
    let of_ann = CommandFilter {
        actor: Some("ann".to_owned()),
        ..CommandFilter::default()
    };
    for wanted in [1, 2] {
        assert_eq!(
            walk(&world, &of_ann, Take::First(wanted), true).await,
            [1, 0]
        );
    }
}
