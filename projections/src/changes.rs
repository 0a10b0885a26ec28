//! Who hears of what was recorded: one reader of the log per process, for any number of subscribers.
//!
//! The reader hands every event on together with the row of its stream as of that event. A subscriber
//! catches up from the log by itself, joins the live tail at exactly the right position, and goes
//! back to the log when it was too slow for the tail: no loss, no repetition, no disorder.
//!
//! How the join is exact: a subscriber first takes a receiver, then learns the position that the
//! tail has reached. What comes later reaches its receiver, because it is sent later; what came
//! before it reads from the log. A batch that begins beyond what the subscriber has seen shows a
//! hole, whatever caused it, and the hole is read from the log first. When the log itself goes back,
//! because the database was restored, positions are given again: every subscriber ends, and is told so.
//!
//! While nobody listens, nothing is read, and while nothing happens, nothing is read either: a batch is one
//! read, made when a hint says that it is there.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::OrgId;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Positioned, StoredEvent};
use futures_util::Stream;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::model::LiveRow;

mod follow;
mod node;
mod tail;

pub use follow::FollowError;
pub use tail::ChangesTask;

/// Batches that a slow subscriber may be behind the tail before it goes back to the log.
const RETAINED_BATCHES: usize = 64;

/// A recorded event, and the row that it made of its stream.
#[derive(Debug, Clone)]
pub struct Change {
    /// The event as it is stored, in its place.
    pub event: Arc<Positioned<StoredEvent>>,
    /// The row of the stream as of this event. `None` when this program cannot decode the stream up to
    /// here, or does not know its type: the event is delivered all the same, so that nothing is left out
    /// silently. `clustergenie_changes_without_node_total` counts it, and the log says what was not
    /// decoded.
    pub node: Option<LiveRow>,
}

impl Change {
    /// Where the event stands: the cursor of a subscription.
    #[must_use]
    pub fn position(&self) -> Position {
        self.event.position
    }
}

/// Where subscribers are taken on; cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes {
    shared: Arc<Shared>,
}

/// What the tail and its subscribers share.
#[derive(Debug)]
struct Shared {
    /// Connections as the owner, for reading streams and the log of an organization.
    pool: PgPool,
    /// Where the tail is read.
    log: SharedLog,
    /// What the tail has read.
    live: broadcast::Sender<Arc<[Change]>>,
    /// How far the tail is.
    tail: watch::Sender<Tail>,
    /// Where the log ended when it was last found to have gone back.
    went_back: watch::Sender<Position>,
    /// Wakes an idle tail.
    arrived: Notify,
    /// Cancelled when the tail has ended, for whatever reason.
    ended: CancellationToken,
}

/// How far the tail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nobody listens; nothing is read.
    Idle,
    /// Every event after this position is sent to every receiver that exists now.
    At(Position),
}

impl Changes {
    /// Makes the place for subscribers, and the reader, which is to be run as one task of the process. It
    /// shares the reads of `log` with others; everything else is read through `pool`. `patience` is how
    /// long the reader trusts `sequenced` before it reads without a signal.
    #[must_use]
    pub fn new(
        pool: PgPool,
        log: SharedLog,
        sequenced: Signal,
        patience: Duration,
    ) -> (Self, ChangesTask) {
        let shared = Arc::new(Shared {
            pool,
            log,
            live: broadcast::Sender::new(RETAINED_BATCHES),
            tail: watch::Sender::new(Tail::Idle),
            went_back: watch::Sender::new(Position::START),
            arrived: Notify::new(),
            ended: CancellationToken::new(),
        });
        let task = ChangesTask::new(Arc::clone(&shared), sequenced, patience);
        (Self { shared }, task)
    }

    /// Everything that is read from now on, of all organizations, in batches that are in log order.
    /// A receiver that is too slow lags; [`Changes::follow`] is the one that cannot miss anything.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[Change]>> {
        let receiver = self.shared.live.subscribe();
        self.shared.arrived.notify_one();
        receiver
    }

    /// The changes of an organization after a position, or from now on: each once, in log order. Ends
    /// with its first error; the position of the last change is where to follow again.
    pub fn follow(
        &self,
        org: OrgId,
        after: Option<Position>,
    ) -> impl Stream<Item = Result<Change, FollowError>> + Send + use<> {
        follow::follow(Arc::clone(&self.shared), self.subscribe(), org, after)
    }
}
