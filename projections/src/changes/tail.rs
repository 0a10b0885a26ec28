//! The one reader of the log for all subscribers of a process.

use std::num::NonZeroUsize;
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
use super::{Shared, Tail};

/// Events at most in one batch: with the retained batches this bounds what slow subscribers cost.
const BATCH: usize = 128;

/// Streams whose rows are remembered between events.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2_048).expect("2,048 is not zero");

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
    /// Tells the subscribers that nothing more will come, also when this task panics.
    _ended: DropGuard,
}

/// What was sent at once.
struct Sent {
    /// The position of the last event that was ever sent.
    last: Position,
    /// Whether the log may have more.
    has_more: bool,
}

impl ChangesTask {
    pub(super) fn new(shared: Arc<Shared>, sequenced: Signal, patience: Duration) -> Self {
        Self {
            nodes: Nodes::new(shared.pool.clone(), REMEMBERED),
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

    /// Sends what follows a position until nobody listens, or the log went back.
    async fn read_from(&mut self, mut position: Position) {
        loop {
            if !self.has_listeners() {
                // Said first, looked second: whoever arrives in between either sees `Idle` and waits
                // for a new position, or is seen here.
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
                    // If there was no more, the signal says when there is, or has said so already.
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

    /// Whether the log still has what was read, although there is less in it than was promised; ends the
    /// followers when it has not. Who promises too much must not make us look without a pause.
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

    /// Followers have seen what is no longer in the log, and would miss what is there instead.
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
        let mut changes = Vec::with_capacity(events.len());
        for event in events {
            changes.push(self.nodes.change(event).await?);
        }
        // The position first: whoever begins to listen between the two lines is told to read this batch
        // from the log, and drops it when it also comes live. The other way round, it would be told
        // that the batch is still to come, and wait for the next event to notice that it is not.
        self.shared.tail.send_replace(Tail::At(last));
        // Without receivers it is lost, and nobody misses it.
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
