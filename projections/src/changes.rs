//! The changes that subscribers follow: one reader of the log per process, for any number of
//! subscribers.
//!
//! The reader hands every event on together with the row of its stream as of that event. A subscriber
//! catches up from the log by itself, and then joins the live tail at exactly the right position. A
//! subscriber that was too slow for the tail goes back to the log: no loss, no repetition, no disorder.
//!
//! The join is exact, because a subscriber first takes a receiver, and then learns the position that the
//! tail has reached. Events after that position reach the receiver, because they are sent later; the
//! subscriber reads those up to it from the log. A batch that begins beyond what the subscriber has seen
//! shows a hole, whatever caused it. The subscriber reads the hole from the log first. When the log
//! itself goes back, because the database was restored, positions are given again. Then every subscriber
//! ends, because every read demands the incarnation of the log. A subscriber that comes back with a place that the log
//! lost is refused.
//!
//! The reader reads as the role that sees all organizations, because one batch is for subscribers of all of them; each
//! subscriber takes what is its organization's. A subscriber that catches up reads as the role that sees its
//! organization only: its own part of the organization's log, page by page, and folds only that. Each
//! page takes a turn: however many catch up, a bounded number of pages is read and sent at once, one organization has
//! at most half of them, and the tail has a connection of its own.
//!
//! Without subscribers nothing is read, and without new events neither. A batch is one read, made when a
//! hint says that it is there.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::OrgId;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::Signal;
use event_store::envelope::{Position, Positioned, StoredEvent};
use event_store::incarnation::IncarnationId;
use futures_util::Stream;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::model::LiveRow;
use crate::page::LogCursor;
use crate::reader::Sessions;

mod follow;
mod node;
mod remembered;
mod tail;
mod turns;

use self::follow::Wanted;
use self::remembered::Memory;
use self::turns::Turns;

// Named by code that follows changes, such as the API, which does not import the event store.
pub use event_store::log::selection::{Selection, Streams};
pub use follow::{FollowError, Followed};
pub use tail::ChangesTask;

/// Batches that a slow subscriber may be behind the tail before it goes back to the log.
const RETAINED_BATCHES: usize = 64;

/// The bytes of rows of streams that all subscribers that catch up remember together. It is enough for tens of
/// thousands of rows of an ordinary size.
const CATCH_UP_BYTES: usize = 64 * 1024 * 1024;

/// A recorded event, and the row of its stream after it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The event as it is stored, with its position.
    pub event: Arc<Positioned<StoredEvent>>,
    /// The row of the stream as of this event. `None` when this program cannot decode the stream up to
    /// this event, or does not know the stream's type. The event is delivered all the same, so that
    /// nothing is left out silently. `clustergenie_changes_without_node_total` counts such changes, and
    /// the log of the process says what was not decoded.
    pub node: Option<LiveRow>,
    /// The incarnation of the log that the event was read in.
    pub incarnation: IncarnationId,
}

impl Change {
    /// Returns the position of the event.
    #[must_use]
    pub fn position(&self) -> Position {
        self.event.position
    }

    /// Returns the place of the event: the cursor of a subscription.
    #[must_use]
    pub fn cursor(&self) -> LogCursor {
        LogCursor {
            position: self.event.position,
            incarnation: Some(self.incarnation),
        }
    }
}

/// Accepts subscribers; cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes {
    shared: Arc<Shared>,
}

/// The state that the tail and its subscribers share.
#[derive(Debug)]
struct Shared {
    /// Connections that see all organizations, for the tail.
    tail_pool: PgPool,
    /// Connections as the role that row-level security binds, for subscribers that catch up.
    sessions: Sessions,
    /// Turns of subscribers that catch up.
    turns: Turns,
    /// The memory for rows of streams of all subscribers that catch up.
    memory: Arc<Memory>,
    /// The log that the tail reads.
    log: SharedLog,
    /// The batches that the tail has read.
    live: broadcast::Sender<Arc<[Change]>>,
    /// The progress of the tail.
    tail: watch::Sender<Tail>,
    /// The last time that the log was found to have gone back.
    went_back: watch::Sender<WentBack>,
    /// Wakes an idle tail.
    arrived: Notify,
    /// Wakes a tail that waits for events, after a subscriber found the log in another incarnation. Without new
    /// events, the tail would not look.
    doubted: Notify,
    /// The token that is cancelled when the tail has ended, for whatever reason.
    ended: CancellationToken,
}

/// The progress of the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// No subscriber exists; nothing is read.
    Idle,
    /// Every event after this position is sent to every receiver that exists now.
    At {
        position: Position,
        /// The incarnation of the log that the tail reads.
        incarnation: IncarnationId,
    },
}

/// A log that went back.
#[derive(Debug, Clone, Copy)]
enum WentBack {
    /// The log is in the incarnation that was known, and has this head.
    ToHead(Position),
    /// The log is in another incarnation.
    ToOtherIncarnation,
}

impl Changes {
    /// Makes the entry of subscribers, and the reader, which is to be run as one task of the process.
    /// The reader shares the reads of `log` with others, and reads everything else through `tail`. Subscribers that catch
    /// up read through `subscriptions`, a pool of `Purpose::Subscriptions` that nobody else uses.
    /// `patience` is the time that the reader trusts `sequenced` before it reads without a signal.
    #[must_use]
    pub fn new(
        tail: PgPool,
        subscriptions: PgPool,
        log: SharedLog,
        sequenced: Signal,
        patience: Duration,
    ) -> (Self, ChangesTask) {
        let connections = subscriptions.options().get_max_connections();
        let shared = Arc::new(Shared {
            tail_pool: tail,
            sessions: Sessions::over(subscriptions),
            turns: Turns::at_once(connections.saturating_sub(1)),
            memory: Memory::of(CATCH_UP_BYTES),
            log,
            live: broadcast::Sender::new(RETAINED_BATCHES),
            tail: watch::Sender::new(Tail::Idle),
            went_back: watch::Sender::new(WentBack::ToHead(Position::START)),
            arrived: Notify::new(),
            doubted: Notify::new(),
            ended: CancellationToken::new(),
        });
        let task = ChangesTask::new(Arc::clone(&shared), sequenced, patience);
        (Self { shared }, task)
    }

    /// Returns a receiver of all events that are read from now on, of all organizations, in batches in
    /// log order. A receiver that is too slow lags; [`Changes::follow`] cannot miss anything.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[Change]>> {
        let receiver = self.shared.live.subscribe();
        self.shared.arrived.notify_one();
        receiver
    }

    /// Follows the selected changes of an organization after a place in the log, or from now on: each once, in log
    /// order.
    /// The stream ends with its first error. A new one may follow from the position of the last change or
    /// bookmark.
    ///
    /// `take` makes the items of the stream, and `None` of selected changes that the subscriber does not want. A bookmark
    /// comes when the position moved, but nothing was taken for the interval `bookmarks`.
    pub fn follow<Item, Take>(
        &self,
        org: OrgId,
        selection: Selection,
        after: Option<LogCursor>,
        bookmarks: Option<Duration>,
        take: Take,
    ) -> impl Stream<Item = Result<Item, FollowError>> + Send + use<Item, Take>
    where
        Take: FnMut(Followed) -> Option<Item> + Send,
    {
        let shared = Arc::clone(&self.shared);
        let wanted = Wanted {
            org,
            selection,
            after,
            bookmarks,
        };
        follow::follow(shared, self.subscribe(), wanted, take)
    }
}
