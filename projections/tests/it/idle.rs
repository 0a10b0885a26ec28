//! What subscribers cost: a read for each change, however many they are, and nothing while nothing
//! happens.

use std::pin::Pin;
use std::time::{Duration, Instant};

use event_store::consume::wake::{POLL, Signal, UNTIL_HINTED};
use event_store::pool::Purpose;
use futures_util::{Stream, StreamExt};
use projections::changes::{Change, Changes, FollowError};
use testkit::events::sequence;
use testkit::{statements, wait};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{World, Writer, follow, org, requested};

const FOLLOWERS: usize = 1_000;

/// How long nothing happens: many times as long as anybody waits anywhere.
const IDLE: Duration = Duration::from_secs(3_600);

type Follower = Pin<Box<dyn Stream<Item = Result<Change, FollowError>>>>;

#[tokio::test]
async fn a_thousand_followers_cost_nothing_while_nothing_happens_and_one_read_a_change() {
    statements::collect();
    let world = World::new().await;
    // The tests' own connections say nothing of their statements.
    let pool = world.database.pool_for(Purpose::Commands).await;
    let sequenced = Signal::new();
    let subscriptions = world.database.pool_for(Purpose::Subscriptions).await;
    let (changes, task) = Changes::new(
        pool.clone(),
        subscriptions,
        pool.into(),
        sequenced.clone(),
        UNTIL_HINTED,
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let mut acme = Writer::new(&world, "acme");
    acme.droplet(requested("web-1")).await;
    let begin = sequence(&world.pool).await;
    acme.droplet(requested("web-2")).await;
    let head = sequence(&world.pool).await;
    let mut followers: Vec<Follower> = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(Box::pin(follow(&changes, org("acme"), Some(begin))));
    }
    hear(&mut followers, head.0).await;

    statements::collect();
    // From now on time passes whenever everybody waits.
    tokio::time::pause();
    tokio::time::sleep(IDLE).await;
    tokio::time::resume();
    assert_eq!(statements::take(), Vec::<String>::new());

    acme.droplet(requested("web-3")).await;
    let head = sequence(&world.pool).await;
    statements::collect();
    sequenced.raise_to(head.0);
    hear(&mut followers, head.0).await;
    let sent = statements::take();
    assert_eq!(sent.len(), 1, "{sent:#?}");

    // Whoever promises what is not there makes it look now and then, not without a pause.
    let promised = Instant::now();
    sequenced.raise_to(i64::MAX);
    // A look is two statements: this many are looks with pauses between them.
    wait::until("it has looked four times", async || {
        (statements::count() >= 8).then_some(())
    })
    .await;
    assert!(promised.elapsed() >= 2 * POLL, "{:#?}", statements::take());
}

/// Every follower hears of one change.
async fn hear(followers: &mut [Follower], position: i64) {
    for follower in followers {
        let change = follower.next().await.expect("it goes on");
        assert_eq!(change.expect("hears").position().0, position);
    }
}
