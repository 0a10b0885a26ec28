//! What subscribers cost: a read for each change, however many they are, and nothing while nothing
//! happens.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::pin::Pin;
use std::time::{Duration, Instant};

use event_store::consume::wake::{POLL, Signal, UNTIL_HINTED};
use event_store::pool::Purpose;
use futures_util::{Stream, StreamExt};
use projections::changes::{Change, Changes, FollowError};
use testkit::events::sequence;
use testkit::wait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Event, Subscriber, field};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use crate::world::{World, Writer, org, requested};

const FOLLOWERS: usize = 1_000;

/// How long nothing happens: many times as long as anybody waits anywhere.
const IDLE: Duration = Duration::from_secs(3_600);

thread_local! {
    /// What was sent by this thread, which is one test with all of its tasks.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

type Follower = Pin<Box<dyn Stream<Item = Result<Change, FollowError>>>>;

#[tokio::test]
async fn a_thousand_followers_cost_nothing_while_nothing_happens_and_one_read_a_change() {
    tracing::subscriber::set_global_default(Registry::default().with(Noting))
        .expect("nobody else listens");
    let world = World::new().await;
    // The tests' own connections say nothing of their statements.
    let pool = world.database.pool_for(Purpose::Commands).await;
    let sequenced = Signal::new();
    let (changes, task) = Changes::new(pool, sequenced.clone(), UNTIL_HINTED);
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(CancellationToken::new()));
    let mut acme = Writer::new(&world, "acme");
    acme.droplet(requested("web-1")).await;
    let begin = sequence(&world.pool).await;
    acme.droplet(requested("web-2")).await;
    let head = sequence(&world.pool).await;
    let mut followers: Vec<Follower> = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(Box::pin(changes.follow(org("acme"), Some(begin))));
    }
    hear(&mut followers, head.0).await;

    SENT.take();
    // From now on time passes whenever everybody waits.
    tokio::time::pause();
    tokio::time::sleep(IDLE).await;
    tokio::time::resume();
    assert_eq!(SENT.take(), Vec::<String>::new());

    acme.droplet(requested("web-3")).await;
    let head = sequence(&world.pool).await;
    SENT.take();
    sequenced.raise_to(head.0);
    hear(&mut followers, head.0).await;
    let sent = SENT.take();
    assert_eq!(sent.len(), 1, "{sent:#?}");

    // Whoever promises what is not there makes it look now and then, not without a pause.
    let promised = Instant::now();
    sequenced.raise_to(i64::MAX);
    // A look is two statements: this many are looks with pauses between them.
    wait::until("it has looked four times", async || {
        SENT.with_borrow(|sent| sent.len() >= 8).then_some(())
    })
    .await;
    assert!(promised.elapsed() >= 2 * POLL, "{:#?}", SENT.take());
}

/// Every follower hears of one change.
async fn hear(followers: &mut [Follower], position: i64) {
    for follower in followers {
        let change = follower.next().await.expect("it goes on");
        assert_eq!(change.expect("hears").position().0, position);
    }
}

/// Notes statements.
struct Noting;

impl<S: Subscriber> Layer<S> for Noting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text::default();
            event.record(&mut text);
            SENT.with_borrow_mut(|sent| sent.push(text.0));
        }
    }
}

#[derive(Default)]
struct Text(String);

impl field::Visit for Text {
    fn record_debug(&mut self, _: &field::Field, value: &dyn fmt::Debug) {
        write!(self.0, "{value:?} ").expect("texts take everything");
    }
}
