//! A log that went back: cursors, tokens and subscribers of what was lost are refused, all others are not.

use std::pin::Pin;
use std::time::Duration;

use event_store::consume::wake::{Signal, UNTIL_HINTED, Wake};
use event_store::envelope::{Position, Version};
use event_store::incarnation::{self, IncarnationId, Lost, Reason};
use event_store::pool::Purpose;
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt};
use projections::activity::query::ActivityFilter;
use projections::changes::{Changes, FollowError, Followed, Selection};
use projections::consistency::{Consistency, NotShown, Write};
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::history::HistoryFilter;
use projections::page::{
    ByPosition, Direction, LogCursor, Order, Page, Slice, Take, log_cursor, log_position,
};
use projections::reader::ReadError;
use projections::recorded_commands::{ByRecordedAt, CommandFilter};
use testkit::events::{Recorder, sequence};
use testkit::restore::go_back;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{World, Writer, org, requested, sample};

fn page<O>(after: Option<String>, order: O) -> Page<O> {
    Page {
        after,
        as_of: true,
        ..Page::of(Take::First(10), order, Direction::Ascending)
    }
}

fn cursors<T>(slice: Slice<T>) -> Vec<String>
where
    ByPosition: Order<T>,
{
    slice.items.iter().map(|item| item.cursor.text()).collect()
}

async fn history(world: &World, after: Option<String>) -> Result<Vec<String>, ReadError> {
    let (org, filter) = (org("acme"), HistoryFilter::default());
    let slice = world
        .reader
        .history(&org, &filter, &page(after, ByPosition))
        .await?;
    Ok(cursors(slice))
}

async fn activity(world: &World, after: Option<String>) -> Result<Vec<String>, ReadError> {
    let (org, filter) = (org("acme"), ActivityFilter::default());
    let slice = world
        .reader
        .activity(&org, &filter, &page(after, ByPosition))
        .await?;
    Ok(cursors(slice))
}

async fn as_of(world: &World) -> LogCursor {
    let page = page(None, DropletOrder::CreatedAt);
    let slice = world
        .reader
        .page::<Droplets>(&org("acme"), &DropletFilter::default(), &page)
        .await;
    slice.expect("reads").as_of.expect("was wanted")
}

/// A log of 8 events that goes back to 4, and grows to 6 again.
async fn gone_back(world: &World, reason: Reason) {
    go_back(&world.pool, Position(4), reason).await;
    if reason == Reason::Declared {
        incarnation::declare(&world.pool, "a test")
            .await
            .expect("it is declared");
    } else {
        incarnation::ensure(&world.pool)
            .await
            .expect("it is noticed");
    }
    // The read model goes back with its checkpoints.
    sqlx::query("delete from activity_1.activity where position > 4")
        .execute(&world.pool)
        .await
        .expect("Postgres answers");
    Recorder::new(world.pool.clone()).droplets(1).await;
    world.catch_up().await;
}

async fn eight_events() -> World {
    let world = World::new().await;
    Recorder::new(world.pool.clone()).droplets(4).await;
    assert_eq!(world.catch_up().await, Position(8));
    world
}

#[tokio::test]
async fn cursors_count_up_to_the_fork_and_no_further() {
    for reason in [Reason::Timeline, Reason::Server, Reason::Declared] {
        let world = eight_events().await;
        let events = history(&world, None).await.expect("reads");
        let lines = activity(&world, None).await.expect("reads");
        let shown = as_of(&world).await;
        assert_eq!(shown, log_position(&events[7]).expect("is a cursor"));
        gone_back(&world, reason).await;

        // The reader does not know yet.
        for (at, is_kept) in [(3, true), (4, false), (5, false), (7, false)] {
            for (read, cursor) in [
                (history(&world, Some(events[at].clone())).await, &events[at]),
                (activity(&world, Some(lines[at].clone())).await, &lines[at]),
            ] {
                match read {
                    Ok(read) => assert!(is_kept && read.len() == 2, "{at}: {cursor}"),
                    Err(error) => {
                        assert!(matches!(error, ReadError::LostCursor(_)), "{error:?}");
                        assert!(!is_kept, "{at}: {error}");
                        assert!(error.to_string().contains("list again"), "{error}");
                    }
                }
            }
        }
        let now = history(&world, None).await.expect("reads");
        assert_eq!(now.len(), 6);
        assert_ne!(now[4], events[4]);
        assert_eq!(
            history(&world, Some(now[4].clone()))
                .await
                .expect("reads")
                .len(),
            1
        );
        let shown_now = as_of(&world).await;
        assert_eq!(shown_now.position, Position(6));
        assert_ne!(shown_now.incarnation, shown.incarnation);
    }
}

#[tokio::test]
async fn a_list_of_commands_shows_a_position_of_the_incarnation_that_it_was_read_in() {
    let world = eight_events().await;
    let shown = async || {
        let page = page(None, ByRecordedAt);
        let (org, filter) = (org("acme"), CommandFilter::default());
        let slice = world.reader.commands(&org, &filter, &page).await;
        slice.expect("reads").as_of.expect("was wanted")
    };
    let before = shown().await;
    gone_back(&world, Reason::Timeline).await;
    let now = shown().await;
    assert_eq!((before.position, now.position), (Position(8), Position(6)));
    assert_ne!(before.incarnation, now.incarnation);
}

#[tokio::test]
async fn a_process_that_does_not_know_of_a_restore_takes_no_lost_cursor() {
    let world = eight_events().await;
    let events = history(&world, None).await.expect("reads");
    go_back(&world.pool, Position(4), Reason::Timeline).await;
    let refused = history(&world, Some(events[6].clone())).await;
    assert!(
        matches!(refused, Err(ReadError::LostCursor(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn cursors_of_older_programs_belong_to_the_first_incarnation() {
    let world = eight_events().await;
    let at = |position| {
        let position = Position(position);
        Some(log_cursor(LogCursor {
            position,
            ..LogCursor::default()
        }))
    };
    assert_eq!(history(&world, at(7)).await.expect("reads").len(), 1);
    gone_back(&world, Reason::Timeline).await;
    assert_eq!(history(&world, at(4)).await.expect("reads").len(), 2);
    let lost = history(&world, at(5)).await;
    assert!(matches!(lost, Err(ReadError::LostCursor(_))), "{lost:?}");
}

#[tokio::test]
async fn a_cursor_of_another_log_is_refused() {
    let world = eight_events().await;
    let other = log_cursor(LogCursor {
        position: Position(1),
        incarnation: Some(IncarnationId(Uuid::from_u128(9))),
    });
    let refused = history(&world, Some(other)).await;
    assert!(
        matches!(refused, Err(ReadError::LostCursor(Lost::Unknown))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn tokens_count_if_the_log_kept_the_event() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let kept = writer.droplet(requested("web-1")).await;
    let lost = writer.droplet(requested("web-2")).await;
    let fork = world.catch_up().await;
    writer
        .record(lost.into(), [sample("droplet_activated")])
        .await;
    world.catch_up().await;
    let wake = Wake::default();
    let patience = Duration::from_secs(60);
    let (place, task) = Consistency::new(world.reader.clone(), wake, patience);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(stop.clone()));
    let before = world.database.incarnation();
    let write = |id, stream, version| Write {
        incarnation: id,
        stream,
        version: Version(version),
    };
    let org = org("acme");
    for id in [None, Some(before)] {
        let shown = place.shown(&org, &[write(id, lost.into(), 2)], &[]).await;
        shown.expect("it is there");
    }

    go_back(&world.pool, fork, Reason::Timeline).await;
    incarnation::ensure(&world.pool)
        .await
        .expect("it is noticed");
    // The version that was lost is given again.
    let mut writer = Writer::new(&world, "acme");
    writer.resume(lost.into(), 1);
    writer
        .record(lost.into(), [sample("droplet_protected")])
        .await;
    world.catch_up().await;
    for id in [None, Some(before)] {
        let shown = place.shown(&org, &[write(id, kept.into(), 1)], &[]).await;
        shown.expect("it was kept");
        for asked in [
            place.shown(&org, &[write(id, lost.into(), 2)], &[]).await,
            place.shown(&org, &[write(id, lost.into(), 3)], &[]).await,
            place
                .position(&org, &[write(id, lost.into(), 2)])
                .await
                .map(drop),
        ] {
            assert!(matches!(asked, Err(NotShown::Lost(_))), "{asked:?}");
        }
    }
    let now = incarnation::ensure(&world.pool)
        .await
        .expect("Postgres answers")
        .current()
        .id;
    assert_ne!(now, before);
    let position = place
        .position(&org, &[write(Some(now), lost.into(), 2)])
        .await;
    let expected = LogCursor {
        position: Position(fork.0 + 1),
        incarnation: Some(now),
    };
    assert_eq!(position.expect("it is there"), expected);
    let unknown = Some(IncarnationId(Uuid::from_u128(9)));
    let asked = place
        .shown(&org, &[write(unknown, kept.into(), 1)], &[])
        .await;
    assert!(
        matches!(asked, Err(NotShown::Lost(Lost::Unknown))),
        "{asked:?}"
    );
}

/// Everybody who waits for a write waits for the look of the process.
#[tokio::test]
async fn tokens_of_any_number_of_invented_incarnations_cost_one_question() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    world.catch_up().await;
    let counting = "create sequence questions; \
         alter function es.server_identity() rename to uncounted_identity; \
         create function es.server_identity(out system bigint, out database oid, out timeline text) \
         language plpgsql as $$ begin \
             perform nextval('public.questions'); \
             select * into system, database, timeline from es.uncounted_identity(); \
         end $$";
    sqlx::raw_sql(counting)
        .execute(&world.pool)
        .await
        .expect("Postgres answers");
    let (place, task) = Consistency::new(
        world.reader.clone(),
        Wake::default(),
        Duration::from_secs(60),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let org = org("acme");
    let invented = (1..=500).map(|number| {
        let write = Write {
            incarnation: Some(IncarnationId(Uuid::from_u128(number))),
            stream: id.into(),
            version: Version(1),
        };
        let (place, org) = (&place, &org);
        async move { place.shown(org, &[write], &[]).await }
    });
    for asked in join_all(invented).await {
        assert!(
            matches!(asked, Err(NotShown::Lost(Lost::Unknown))),
            "{asked:?}"
        );
    }
    let questions: i64 = sqlx::query_scalar("select last_value from questions")
        .fetch_one(&world.pool)
        .await
        .expect("Postgres answers");
    assert!(questions < 50, "{questions}");
}

#[tokio::test]
async fn a_token_of_an_event_that_survived_without_a_position_counts() {
    let world = World::new().await;
    let mut writer = Writer::new(&world, "acme");
    let id = writer.droplet(requested("web-1")).await;
    let before = world.database.incarnation();
    incarnation::declare(&world.pool, "a test")
        .await
        .expect("it is declared");
    sequence(&world.pool).await;
    let (place, task) = Consistency::new(
        world.reader.clone(),
        Wake::default(),
        Duration::from_secs(60),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let write = Write {
        incarnation: Some(before),
        stream: id.into(),
        version: Version(1),
    };
    let position = place.position(&org("acme"), &[write]).await;
    assert_eq!(position.expect("it was kept").position, Position(1));
}

/// Subscribers of a world whose reader of the log looks only when something announces events.
struct Live {
    world: World,
    changes: Changes,
    sequenced: Signal,
    _tasks: JoinSet<()>,
}

impl Live {
    async fn of(world: World) -> Self {
        let sequenced = Signal::new();
        let (changes, task) = Changes::new(
            world.pool.clone(),
            world.database.pool_for(Purpose::Subscriptions).await,
            world.pool.clone().into(),
            sequenced.clone(),
            UNTIL_HINTED,
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(CancellationToken::new()));
        Self {
            world,
            changes,
            sequenced,
            _tasks: tasks,
        }
    }

    fn follow(
        &self,
        after: Option<LogCursor>,
    ) -> Pin<Box<dyn Stream<Item = Result<LogCursor, FollowError>> + Send>> {
        let take = |followed| match followed {
            Followed::Change(change) => Some(change.cursor()),
            Followed::Bookmark(_) => None,
        };
        let all = Selection::default();
        Box::pin(self.changes.follow(org("acme"), all, after, None, take))
    }
}

async fn hear(
    follower: &mut (impl Stream<Item = Result<LogCursor, FollowError>> + Unpin),
    count: usize,
) -> Vec<LogCursor> {
    let heard: Vec<_> = follower.take(count).collect().await;
    let heard = heard.into_iter();
    heard.map(|cursor| cursor.expect("hears")).collect()
}

#[tokio::test]
async fn subscribers_end_when_the_log_went_back_and_come_back_only_from_what_it_kept() {
    let live = Live::of(eight_events().await).await;
    let mut follower = live.follow(Some(LogCursor::default()));
    let cursors = hear(&mut follower, 8).await;
    gone_back(&live.world, Reason::Timeline).await;
    // Two more than it has heard, so that the head alone tells nothing.
    Recorder::new(live.world.pool.clone()).droplets(2).await;
    live.sequenced.raise_to(sequence(&live.world.pool).await.0);
    let ended = follower.next().await.expect("it ends with an error");
    assert!(
        matches!(ended, Err(FollowError::OtherIncarnation)),
        "{ended:?}"
    );

    let refused = live.follow(Some(cursors[6])).next().await;
    let refused = refused.expect("it ends with an error");
    assert!(matches!(refused, Err(FollowError::Lost(_))), "{refused:?}");
    let kept = hear(&mut live.follow(Some(cursors[3])), 6).await;
    assert_eq!(
        kept.iter().map(|c| c.position.0).collect::<Vec<_>>(),
        [5, 6, 7, 8, 9, 10]
    );
    assert!(kept.iter().all(|c| c.incarnation != cursors[0].incarnation));
}

/// Nothing wakes the reader of the log but the subscriber that found out.
#[tokio::test]
async fn subscribers_come_back_to_a_log_that_is_quiet_since_it_went_back() {
    let live = Live::of(eight_events().await).await;
    let cursors = hear(&mut live.follow(Some(LogCursor::default())), 8).await;
    let _stays = live.follow(None);
    gone_back(&live.world, Reason::Timeline).await;
    let come_back = async {
        loop {
            let next = live.follow(Some(cursors[3])).next().await;
            match next.expect("it hears or ends with an error") {
                Err(FollowError::OtherIncarnation) => {}
                heard => break heard.expect("reads"),
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(60), come_back).await;
    let heard = heard.expect("it comes back");
    assert_eq!(heard.position, Position(5));
    assert_ne!(heard.incarnation, cursors[0].incarnation);
}
