//! Following an organization: every change once and in order, whatever happens meanwhile.

use std::pin::pin;
use std::time::Duration;

use domain::stream_type::StreamType;
use event_store::consume::wake::Signal;
use event_store::envelope::Position;
use event_store::pool::Purpose;
use futures_util::{Stream, StreamExt};
use projections::changes::{Change, Changes, FollowError, Followed, Selection};
use projections::droplets::Droplets;
use projections::droplets::row::DropletRow;
use projections::page::LogCursor;
use testkit::events::{Recorder, new_stream, record_nonsense, sequence};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{World, Writer, follow, org, requested, sample};

/// A world whose log is read for subscribers.
struct Live {
    world: World,
    changes: Changes,
    sequenced: Signal,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Live {
    async fn new() -> Self {
        let world = World::new().await;
        let sequenced = Signal::new();
        // So long that a test which relied on polling would not end.
        let patience = Duration::from_secs(3_600);
        let (changes, task) = Changes::new(
            world.pool.clone(),
            world.database.pool_for(Purpose::Subscriptions).await,
            world.pool.clone().into(),
            sequenced.clone(),
            patience,
        );
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(stop.clone()));
        Self {
            world,
            changes,
            sequenced,
            stop,
            tasks,
        }
    }

    /// Gives positions to what was recorded, and says so.
    async fn sequence(&self) -> Position {
        let head = sequence(&self.world.pool).await;
        self.sequenced.raise_to(head.0);
        head
    }

    /// What a follower hears up to a position.
    async fn hear(&self, name: &str, after: Option<Position>, last: Position) -> Vec<Change> {
        until(follow(&self.changes, org(name), after), last).await
    }
}

#[tokio::test]
async fn a_follower_catches_up_and_goes_on_live() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    let mut other = Writer::new(&live.world, "other");
    let id = acme.droplet(requested("web-1")).await;
    other.droplet(requested("web-1")).await;
    live.sequence().await;
    let mut follower = pin!(follow(&live.changes, org("acme"), Some(Position::START)));
    let change = next(&mut follower).await;
    assert_eq!((change.position().0, version(&change)), (1, Some(1)));
    other.droplet(requested("web-2")).await;
    acme.record(id.into(), [sample("droplet_activated")]).await;
    live.sequence().await;
    let change = next(&mut follower).await;
    assert_eq!((change.position().0, version(&change)), (4, Some(2)));
    let row = change.node.and_then(|node| node.row::<DropletRow>());
    let row = row.expect("the node is a droplet");
    let reader = &live.world.reader;
    let written = reader.live_state::<Droplets>(&acme.org, id.into()).await;
    assert_eq!(written.expect("folds").as_ref(), Some(&*row));
}

#[tokio::test]
async fn nodes_are_as_of_their_event_wherever_a_follower_begins() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    let id = acme.droplet(requested("web-1")).await;
    for event_type in ["droplet_activated", "droplet_tagged", "droplet_protected"] {
        acme.record(id.into(), [sample(event_type)]).await;
    }
    let head = live.sequence().await;
    for after in 0..head.0 {
        let heard = live.hear("acme", Some(Position(after)), head).await;
        let versions: Vec<_> = heard.iter().filter_map(version).collect();
        assert_eq!(versions, (after + 1..=head.0).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_join_while_others_write_hear_everything_once() {
    const ROUNDS: usize = 40;
    let live = Live::new().await;
    let mut recorder = Recorder::new(live.world.pool.clone());
    let mut stranger = Recorder::for_org(live.world.pool.clone(), "other");
    recorder.droplets(100).await;
    live.sequence().await;
    let write = async {
        for round in 0..ROUNDS {
            recorder.droplets(1 + round % 5).await;
            stranger.jobs(1).await;
            live.sequence().await;
        }
        // The last of all, so that followers know when they are through.
        recorder.droplets(1).await;
        live.sequence().await
    };
    // Each begins somewhere else while the writer is at work; some keep nobody company, so that the
    // tail goes idle and begins again meanwhile.
    let following = async {
        let mut heard = Vec::new();
        for begin in [0, 17, 150] {
            for count in [1, 30, 80] {
                let follower = follow(&live.changes, org("acme"), Some(Position(begin)));
                let some: Vec<_> = follower
                    .take(count)
                    .map(|c| c.expect("hears"))
                    .collect()
                    .await;
                let last = some.last().expect("heard some").position();
                heard.push((begin, some, last));
            }
        }
        heard
    };
    let fresh = async {
        let follower = follow(&live.changes, org("acme"), None);
        follower
            .take(60)
            .map(|c| c.expect("hears"))
            .collect::<Vec<_>>()
            .await
    };
    let (head, heard, fresh) = tokio::join!(write, following, fresh);
    let all = live.hear("acme", Some(Position::START), head).await;
    let recorded: Vec<i64> = sqlx::query_scalar(
        "select l.position from es.log l join es.events e using (seq) where e.org_id = 'acme' \
         order by l.position",
    )
    .fetch_all(&live.world.pool)
    .await
    .expect("reads");
    assert_eq!(positions(&all), recorded);
    for (begin, mut some, last) in heard {
        some.extend(live.hear("acme", Some(last), head).await);
        let expected: Vec<_> = recorded.iter().copied().filter(|p| *p > begin).collect();
        assert_eq!(
            positions(&some),
            expected,
            "after {begin}, resumed after {last}"
        );
        assert!(
            some.iter()
                .all(|change| version(change) == Some(change.event.event.version.0))
        );
    }
    let first = fresh[0].position().0;
    let expected: Vec<_> = recorded
        .iter()
        .copied()
        .filter(|p| *p >= first)
        .take(60)
        .collect();
    assert_eq!(positions(&fresh), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_is_too_slow_for_the_tail_goes_back_to_the_log() {
    let live = Live::new().await;
    let mut recorder = Recorder::new(live.world.pool.clone());
    recorder.droplets(1).await;
    live.sequence().await;
    let mut slow = pin!(follow(&live.changes, org("acme"), Some(Position::START)));
    let first = next(&mut slow).await;
    let second = next(&mut slow).await;
    // More than the tail keeps for the slow; what a raw receiver would have lost.
    recorder.droplets(4_500).await;
    let head = live.sequence().await;
    live.hear("acme", Some(Position::START), head).await;
    let mut heard = vec![first, second];
    heard.extend(until(slow, head).await);
    assert_eq!(positions(&heard), (1..=head.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_that_nobody_understands_is_delivered_without_its_node() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    let bad = acme.droplet(requested("web-1")).await;
    live.sequence().await;
    let mut follower = pin!(follow(&live.changes, org("acme"), Some(Position::START)));
    assert_eq!(version(&next(&mut follower).await), Some(1));
    record_nonsense(&live.world.pool, bad.as_uuid()).await;
    acme.droplet(requested("web-2")).await;
    let head = live.sequence().await;
    let heard = until(follower, head).await;
    assert_eq!(positions(&heard), [2, 3]);
    assert_eq!(heard[0].event.event.event_type, "droplet_sold");
    assert_eq!((version(&heard[0]), version(&heard[1])), (None, Some(1)));
    let again = live.hear("acme", Some(Position(1)), head).await;
    assert_eq!((version(&again[0]), version(&again[1])), (None, Some(1)));
}

#[tokio::test]
async fn a_stream_of_a_type_that_only_a_newer_program_knows_holds_up_no_other() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    acme.droplet(requested("web-1")).await;
    let unknown = new_stream(StreamType::new(875));
    acme.record(unknown, [sample("droplet_protected")]).await;
    record_nonsense(&live.world.pool, unknown.uuid).await;
    acme.droplet(requested("web-2")).await;
    let head = live.sequence().await;
    let heard = live.hear("acme", Some(Position::START), head).await;
    assert_eq!(positions(&heard), [1, 2, 3, 4]);
    let versions: Vec<_> = heard.iter().map(version).collect();
    assert_eq!(versions, [Some(1), None, None, Some(1)]);
}

#[tokio::test]
async fn a_cursor_beyond_the_log_is_refused() {
    let live = Live::new().await;
    let mut follower = pin!(follow(&live.changes, org("acme"), Some(Position(7))));
    let refused = follower.next().await.expect("answers");
    let head = Position::START;
    assert!(matches!(refused, Err(FollowError::BeyondHead { head: found, .. }) if found == head));
    assert!(follower.next().await.is_none());
}

#[tokio::test]
async fn followers_end_when_the_log_goes_back() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    acme.droplet(requested("web-1")).await;
    let head = live.sequence().await;
    let mut follower = pin!(follow(&live.changes, org("acme"), Some(Position::START)));
    assert_eq!(next(&mut follower).await.position(), head);
    live.sequenced.found(head.0, 0);
    let ended = follower.next().await.expect("answers");
    assert!(matches!(ended, Err(FollowError::BeyondHead { after, .. }) if after == head));
    // Whoever begins again hears what is there now.
    live.hear("acme", Some(Position::START), head).await;
}

#[tokio::test]
async fn followers_end_when_the_log_went_back_and_too_much_was_promised() {
    let live = Live::new().await;
    let mut acme = Writer::new(&live.world, "acme");
    acme.droplet(requested("web-1")).await;
    let head = live.sequence().await;
    let mut follower = pin!(follow(&live.changes, org("acme"), Some(Position::START)));
    next(&mut follower).await;
    sqlx::query("update es.log_head set position = 0")
        .execute(&live.world.pool)
        .await
        .expect("the log goes back");
    live.sequenced.raise_to(i64::MAX);
    let ended = follower.next().await.expect("answers");
    let Err(FollowError::BeyondHead { after, head: found }) = ended else {
        panic!("it goes on");
    };
    assert_eq!((after, found), (head, Position::START));
}

#[tokio::test]
async fn followers_hear_that_the_process_is_stopping() {
    let mut live = Live::new().await;
    let mut waiting = pin!(follow(&live.changes, org("acme"), None));
    live.stop.cancel();
    while live.tasks.join_next().await.is_some() {}
    let ended = waiting.next().await.expect("answers");
    assert!(matches!(ended, Err(FollowError::Stopping)));
    let mut late = pin!(follow(&live.changes, org("acme"), None));
    let ended = late.next().await.expect("answers");
    assert!(matches!(ended, Err(FollowError::Stopping)));
}

#[tokio::test]
async fn a_receiver_gets_batches_of_all_organizations() {
    let live = Live::new().await;
    let mut receiver = live.changes.subscribe();
    // The tail is at work once it has answered a follower.
    let mut acme = Writer::new(&live.world, "acme");
    acme.droplet(requested("web-1")).await;
    let head = live.sequence().await;
    live.hear("acme", Some(Position::START), head).await;
    let mut other = Writer::new(&live.world, "other");
    other.droplet(requested("web-1")).await;
    let head = live.sequence().await;
    loop {
        let batch = receiver.recv().await.expect("the tail is at work");
        let last = batch.last().expect("batches are not empty");
        if last.position() == head {
            assert_eq!(last.event.event.org, org("other"));
            return;
        }
    }
}

async fn next<S>(stream: &mut S) -> Change
where
    S: Stream<Item = Result<Change, FollowError>> + Unpin,
{
    stream.next().await.expect("goes on").expect("hears")
}

/// What a stream gives up to a position.
async fn until<S>(stream: S, last: Position) -> Vec<Change>
where
    S: Stream<Item = Result<Change, FollowError>>,
{
    let mut stream = pin!(stream);
    let mut heard = Vec::new();
    while heard.last().map(Change::position) < Some(last) {
        heard.push(next(&mut stream).await);
    }
    heard
}

fn positions(changes: &[Change]) -> Vec<i64> {
    changes.iter().map(|change| change.position().0).collect()
}

fn version(change: &Change) -> Option<i64> {
    change.node.as_ref().map(|node| node.version().0)
}

#[tokio::test]
async fn a_quiet_follower_gets_bookmarks_to_continue_from() {
    let live = Live::new().await;
    let mut mine = Writer::new(&live.world, "acme");
    let mut others = Writer::new(&live.world, "other");
    mine.droplet(requested("web-1")).await;
    let first = live.sequence().await;
    let every = Some(Duration::from_millis(10));
    let mut follower = pin!(live.changes.follow(
        org("acme"),
        Selection::default(),
        Some(LogCursor::default()),
        every,
        Some
    ));
    let change = follower.next().await.expect("it goes on").expect("reads");
    assert!(matches!(change, Followed::Change(change) if change.position() == first));
    // Only others do something.
    others.droplet(requested("web-1")).await;
    let second = live.sequence().await;
    let bookmark = follower.next().await.expect("it goes on").expect("reads");
    assert!(matches!(bookmark, Followed::Bookmark(at) if at.position == second));
    // Nothing new, so no further bookmark comes before the next change.
    tokio::time::timeout(Duration::from_millis(50), follower.next())
        .await
        .expect_err("there is nothing to say");
    mine.droplet(requested("web-2")).await;
    let third = live.sequence().await;
    // The change that comes after a bookmark is the first one for who continues there.
    let live_change = follower.next().await.expect("it goes on").expect("reads");
    assert!(matches!(live_change, Followed::Change(change) if change.position() == third));
    let heard = live.hear("acme", Some(second), third).await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].position(), third);
}

#[tokio::test]
async fn a_follower_that_wants_no_change_gets_bookmarks_past_them() {
    let live = Live::new().await;
    let mut mine = Writer::new(&live.world, "acme");
    mine.droplet(requested("web-1")).await;
    let first = live.sequence().await;
    let every = Some(Duration::from_millis(10));
    let only_bookmarks = |followed| match followed {
        Followed::Change(_) => None,
        Followed::Bookmark(cursor) => Some(cursor.position),
    };
    let mut follower = pin!(live.changes.follow(
        org("acme"),
        Selection::default(),
        Some(LogCursor::default()),
        every,
        only_bookmarks
    ));
    // From the log, and then from the tail.
    let bookmark = follower.next().await.expect("it goes on").expect("reads");
    assert_eq!(bookmark, first);
    mine.droplet(requested("web-2")).await;
    let second = live.sequence().await;
    let bookmark = follower.next().await.expect("it goes on").expect("reads");
    assert_eq!(bookmark, second);
}
