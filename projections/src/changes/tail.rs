//! The one reader of the log for all subscribers of a process. It shares its reads with consumers that follow
//! the log in the same process.

use std::sync::Arc;
use std::time::Duration;

use event_store::backoff::Backoff;
use event_store::consume::shared_log::Read;
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::Position;
use event_store::error::StoreError;
use event_store::log;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::node::Nodes;
use super::remembered::Memory;
use super::{Shared, Tail};

/// The most events of one batch: together with the retained batches this bounds the memory that slow
/// subscribers cost.
const BATCH: usize = 128;

/// The bytes of rows of streams that are kept between events: tens of thousands of rows of an ordinary size.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The pauses after failures in a row: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The reader of the log: to be run as one task.
#[derive(Debug)]
pub struct ChangesTask {
    shared: Arc<Shared>,
    sequenced: Signal,
    patience: Duration,
    nodes: Nodes,
    pause: Backoff,
    /// Ends the subscribers when this task ends, also when it panics.
    _ended: DropGuard,
}

/// The result of sending a batch.
struct Sent {
    /// The position of the last event that was sent so far.
    last: Position,
    /// True if the log may have more.
    has_more: bool,
}

impl ChangesTask {
    pub(super) fn new(shared: Arc<Shared>, sequenced: Signal, patience: Duration) -> Self {
        Self {
            nodes: Nodes::new(shared.pool.clone(), &Memory::of(KEPT_BYTES)),
            _ended: shared.ended.clone().drop_guard(),
            shared,
            sequenced,
            patience,
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        }
    }

    /// Reads until `stop`; every follower then ends with
    /// [`FollowError::Stopping`](super::FollowError::Stopping).
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = self.read() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn read(&mut self) {
        loop {
            while !self.has_listeners() {
                self.shared.arrived.notified().await;
            }
            match log::head(&self.shared.pool).await {
                Ok(head) => {
                    self.shared.tail.send_replace(Tail::At(head));
                    self.read_from(head).await;
                }
                Err(error) => self.rest(&error).await,
            }
        }
    }

    /// Sends the events after a position until there is no subscriber, or the log goes back.
    async fn read_from(&mut self, mut position: Position) {
        loop {
            if !self.has_listeners() {
                // Set first, checked second: a subscriber that arrives in between either sees `Idle` and
                // waits for a new position, or is seen here.
                self.shared.tail.send_replace(Tail::Idle);
                if !self.has_listeners() {
                    return;
                }
                self.shared.tail.send_replace(Tail::At(position));
            }
            let known = self.sequenced.value();
            match self.send_next(position).await {
                Ok(sent) => {
                    let is_promised = sent.last == position && known > position.0;
                    position = sent.last;
                    self.pause.reset();
                    if is_promised && !self.is_there(position).await {
                        return;
                    }
                    // When there is more, the signal is raised, or was raised already.
                    if !sent.has_more {
                        let (seen, patience) = (position.0, self.patience);
                        self.sequenced.above_or_fallen(seen, known, patience).await;
                    }
                    let now = self.sequenced.value();
                    if now < known {
                        self.end_followers(Position(now));
                        return;
                    }
                }
                Err(error) => self.rest(&error).await,
            }
        }
    }

    /// Returns whether the log still has what was read, although it ends before the announced position.
    /// Ends the followers when it does not. Waits first, so that a false announcement costs a look now
    /// and then.
    async fn is_there(&mut self, position: Position) -> bool {
        tokio::time::sleep(POLL).await;
        match log::head(&self.shared.pool).await {
            Ok(head) if head < position => {
                self.end_followers(head);
                false
            }
            Ok(_) => true,
            Err(error) => {
                self.rest(&error).await;
                true
            }
        }
    }

    /// Ends the followers: they have seen events that are no longer in the log, and would miss those that took
    /// their positions.
    fn end_followers(&self, head: Position) {
        tracing::warn!(
            position = head.0,
            "the log went back: subscribers are ended, and must begin again"
        );
        self.shared.log.forget();
        self.shared.tail.send_replace(Tail::Idle);
        self.shared.went_back.send_replace(head);
    }

    /// Sends the next batch, if there is one.
    async fn send_next(&mut self, after: Position) -> Result<Sent, StoreError> {
        let Read { events, has_more } = self.shared.log.read(after, BATCH).await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Ok(Sent {
                last: after,
                has_more,
            });
        };
        let changes = self.nodes.changes(events).await?;
        // The position first: a subscriber that begins between the two lines reads this batch from the log,
        // and drops it when it also comes live. The other way round, it would expect the batch to come,
        // and notice only with the next event that it does not.
        self.shared.tail.send_replace(Tail::At(last));
        // Without receivers the batch is dropped, and nobody misses it.
        let _ = self.shared.live.send(changes.into());
        Ok(Sent { last, has_more })
    }

    fn has_listeners(&self) -> bool {
        self.shared.live.receiver_count() > 0
    }

    async fn rest(&mut self, error: &StoreError) {
        let wait = self.pause.next_pause();
        tracing::warn!(
            error = error as &dyn std::error::Error,
            retry_ms = wait.as_millis() as u64,
            "the log could not be read for subscribers and will be tried again"
        );
        tokio::time::sleep(wait).await;
    }
}
