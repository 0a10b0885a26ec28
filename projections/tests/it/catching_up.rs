//! What subscribers that catch up read: their own events, each once, in turns. Rows and statements are counted, never
//! time.

use std::pin::{Pin, pin};
use std::time::Duration;

use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::stream_type::StreamType;
use event_store::consume::wake::{Signal, UNTIL_HINTED};
use event_store::envelope::{Position, StreamId};
use event_store::log::selection::{LOOKED_AT, PAGE};
use event_store::pool::{self, Purpose};
use futures_util::{Stream, StreamExt};
use projections::changes::{Change, Changes, FollowError, Followed, Selection, Streams};
use projections::page::LogCursor;
use sqlx::PgPool;
use testkit::events::{Recorder, new_stream, sequence};
use testkit::{statements, wait};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{World, org};

/// The rows and statements of new connections and of the head of the log, at most.
const BESIDES: u64 = 8;

/// A world whose subscribers have a pool of their own.
struct Live {
    world: World,
    changes: Changes,
    _tasks: JoinSet<()>,
}

type Follower = Pin<Box<dyn Stream<Item = Result<Followed, FollowError>> + Send>>;

impl Live {
    async fn new() -> Self {
        let world = World::new().await;
        // The tests' own connections say nothing of their statements.
        let pool = world.database.pool_for(Purpose::Subscriptions).await;
        Self::over(world, pool).await
    }

    async fn over(world: World, subscriptions: PgPool) -> Self {
        let tail = world.database.pool_for(Purpose::Tail).await;
        let (changes, task) = Changes::new(
            tail.clone(),
            subscriptions,
            tail.into(),
            Signal::new(),
            UNTIL_HINTED,
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(CancellationToken::new()));
        Self {
            world,
            changes,
            _tasks: tasks,
        }
    }

    fn follow(&self, name: &str, selection: Selection, after: Position) -> Follower {
        Box::pin(self.follow_with_bookmarks(name, selection, after, None))
    }

    fn follow_with_bookmarks(
        &self,
        name: &str,
        selection: Selection,
        after: Position,
        every: Option<Duration>,
    ) -> impl Stream<Item = Result<Followed, FollowError>> + Send + use<> {
        let after = LogCursor {
            position: after,
            ..LogCursor::default()
        };
        self.changes
            .follow(org(name), selection, Some(after), every, Some)
    }

    /// What a follower gets up to a position, and the rows that Postgres returned for it.
    async fn read(
        &self,
        selection: Selection,
        after: Position,
        last: Position,
    ) -> (Vec<Change>, u64) {
        statements::collect();
        let mut follower = self.follow("acme", selection, after);
        let mut heard: Vec<Change> = Vec::new();
        while heard.last().map(Change::position) < Some(last) {
            heard.push(next(&mut follower).await);
        }
        (heard, statements::rows())
    }
}

async fn next(follower: &mut Follower) -> Change {
    let followed = follower.next().await.expect("it goes on").expect("reads");
    match followed {
        Followed::Change(change) => change,
        Followed::Bookmark(_) => panic!("no bookmarks were asked for"),
    }
}

fn only(streams: Streams) -> Selection {
    Selection {
        streams,
        event_types: None,
    }
}

#[tokio::test]
async fn a_subscriber_reads_no_event_that_it_does_not_want() {
    let live = Live::new().await;
    let mut acme = Recorder::new(live.world.pool.clone());
    acme.droplets(1_000).await;
    let droplet = acme.droplets(1).await[0];
    let job = acme.jobs(1).await[0];
    acme.droplets(1_000).await;
    let head = sequence(&live.world.pool).await;
    assert_eq!(head, Position(4_005));
    let started = Selection {
        streams: Streams::All,
        event_types: Some(vec!["job_started".to_owned()]),
    };
    for (selection, stream, positions) in [
        (only(Streams::One(droplet)), droplet, vec![2_001, 2_002]),
        (only(Streams::One(job)), job, vec![2_003, 2_004, 2_005]),
        (
            only(Streams::OfType(StreamType::JOB)),
            job,
            vec![2_003, 2_004, 2_005],
        ),
        (started, job, vec![2_004]),
    ] {
        let last = Position(*positions.last().expect("there are some"));
        let (heard, rows) = live.read(selection.clone(), Position::START, last).await;
        let found: Vec<_> = heard.iter().map(|change| change.position().0).collect();
        assert_eq!(found, positions, "{selection:?}");
        assert!(
            heard
                .iter()
                .all(|change| change.event.event.stream == stream)
        );
        assert!(heard.iter().all(|change| change.node.is_some()));
        assert!(rows <= 3 + BESIDES, "{rows} rows for {selection:?}");
    }
}

#[tokio::test]
async fn rows_read_grow_with_the_events_of_any_number_of_streams() {
    // One more than were remembered when each event read its stream again.
    const STREAMS: usize = 257;
    const ROUNDS: usize = 12;
    let live = Live::new().await;
    let mut acme = Recorder::new(live.world.pool.clone());
    let streams: Vec<StreamId> = (0..STREAMS)
        .map(|_| new_stream(StreamType::DROPLET))
        .collect();
    let samples = DropletEvent::samples();
    let mut after_half = Position::START;
    for round in 0..ROUNDS {
        for stream in &streams {
            let event = &samples[if round == 0 { 0 } else { 1 }];
            acme.record(*stream, [event.clone()]).await;
        }
        if round + 1 == ROUNDS / 2 {
            after_half = sequence(&live.world.pool).await;
        }
    }
    let head = sequence(&live.world.pool).await;
    let events = u64::try_from(STREAMS * ROUNDS).expect("it is small");
    let pages = events.div_ceil(PAGE as u64);
    let (heard, rows) = live.read(Selection::default(), Position::START, head).await;
    assert_eq!(heard.len() as u64, events);
    assert!(rows <= events + BESIDES, "{rows} rows for {events} events");
    let sent = statements::count() as u64;
    assert!(
        sent <= pages + BESIDES,
        "{sent} statements for {pages} pages"
    );

    // Who begins in the middle reads what was before once more, and nothing twice.
    let (heard, rows) = live.read(Selection::default(), after_half, head).await;
    assert_eq!(heard.len() as u64, events / 2);
    assert!(rows <= events + BESIDES, "{rows} rows for {events} events");
    let sent = statements::count() as u64;
    assert!(sent <= 2 * pages + BESIDES, "{sent} statements");
}

#[tokio::test]
async fn a_subscriber_that_finds_nothing_gets_bookmarks_while_it_looks() {
    let live = Live::new().await;
    let mut acme = Recorder::new(live.world.pool.clone());
    acme.droplets(usize::try_from(LOOKED_AT).expect("it is small") / 2 + 1)
        .await;
    let head = sequence(&live.world.pool).await;
    let jobs = only(Streams::OfType(StreamType::JOB));
    let always = Some(Duration::ZERO);
    let mut follower = pin!(live.follow_with_bookmarks("acme", jobs, Position::START, always));
    for position in [Position(LOOKED_AT), head] {
        let followed = follower.next().await.expect("it goes on").expect("reads");
        assert!(
            matches!(followed, Followed::Bookmark(at) if at.position == position),
            "{followed:?}"
        );
    }
}

#[tokio::test]
async fn one_organization_that_catches_up_leaves_room_for_others() {
    let world = World::new().await;
    for name in ["acme", "other"] {
        Recorder::for_org(world.pool.clone(), name)
            .droplets(1)
            .await;
    }
    let head = sequence(&world.pool).await;
    // One that ends reads that were given up, and three for those who catch up: one at most for each organization.
    let pool = pool::connect(&world.database.url(), Purpose::Subscriptions, 4).await;
    let live = Live::over(world, pool.expect("connects")).await;
    let mut first = live.follow("acme", Selection::default(), Position::START);
    next(&mut first).await;
    let mut locks = live.world.pool.begin().await.expect("a transaction begins");
    sqlx::query("lock table es.log in access exclusive mode")
        .execute(&mut *locks)
        .await
        .expect("the table is locked");
    let mut followers = JoinSet::new();
    for name in ["acme"; 20].into_iter().chain(["other"]) {
        let mut follower = live.follow(name, Selection::default(), Position::START);
        followers.spawn(async move { next(&mut follower).await.position() });
    }
    let mut looks = 0;
    wait::until("one of each waits for the table", async || {
        let waiting = waiting(&live.world.pool).await;
        assert!(waiting <= 2, "{waiting} pages are read");
        looks = if waiting == 2 { looks + 1 } else { 0 };
        (looks == 20).then_some(())
    })
    .await;
    locks.rollback().await.expect("the table is free");
    while let Some(heard) = followers.join_next().await {
        assert!(heard.expect("it hears") <= head);
    }
}

/// The number of pages of subscribers that wait for a lock. The reader of the log may wait beside them.
async fn waiting(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() \
         and wait_event_type = 'Lock' and query like '%looked_at%'",
    )
    .fetch_one(pool)
    .await
    .expect("Postgres answers")
}
