//! The one reader of the log for all subscribers of a process. It shares its reads with consumers that follow
//! the log in the same process.
//!
//! It reads as the service role, which sees all organizations: each event is read once, whoever listens. What a
//! subscriber gets of it is chosen in [`follow`](super::follow).

use std::sync::Arc;
use std::time::Duration;

use event_store::backoff::Backoff;
use event_store::consume::shared_log::Read;
use event_store::consume::wake::{POLL, Signal};
use event_store::envelope::Position;
use event_store::error::StoreError;
use event_store::incarnation::IncarnationId;
use event_store::log;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::node::{Nodes, Source};
use super::remembered::Memory;
use super::{Shared, Tail, WentBack};

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
    /// The rows of streams, in the incarnation of the log that was read last.
    rows: Nodes,
    rows_of: Option<IncarnationId>,
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
            rows: Nodes::new(
                Source::All(shared.tail_pool.clone()),
                &Memory::of(KEPT_BYTES),
            ),
            rows_of: None,
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
            if let Err(error) = self.read_in_current().await {
                self.rest(&error).await;
            }
        }
    }

    /// Reads from the head of the log, in the incarnation that it is in.
    async fn read_in_current(&mut self) -> Result<(), StoreError> {
        let incarnations = self.shared.log.incarnations().clone();
        let incarnation = incarnations.known().await?.current().id;
        match log::head_in(&self.shared.tail_pool, incarnation).await {
            Ok(head) => {
                if self.rows_of.replace(incarnation) != Some(incarnation) {
                    self.rows = Nodes::new(
                        Source::All(self.shared.tail_pool.clone()),
                        &Memory::of(KEPT_BYTES),
                    );
                }
                self.reach(incarnation, head);
                self.read_from(incarnation, head).await;
                Ok(())
            }
            Err(StoreError::OtherIncarnation) => {
                incarnations.after(incarnation).await?;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Tells followers that the tail is there.
    fn reach(&self, incarnation: IncarnationId, position: Position) {
        self.shared.tail.send_replace(Tail::At {
            position,
            incarnation,
        });
    }

    /// Sends the events after a position until there is no subscriber, or the log goes back.
    async fn read_from(&mut self, incarnation: IncarnationId, mut position: Position) {
        loop {
            if !self.has_listeners() {
                // Set first, checked second: a subscriber that arrives in between either sees `Idle` and
                // waits for a new position, or is seen here.
                self.shared.tail.send_replace(Tail::Idle);
                if !self.has_listeners() {
                    return;
                }
                self.reach(incarnation, position);
            }
            let known = self.sequenced.value();
            match self.send_next(incarnation, position).await {
                Ok(sent) => {
                    let is_promised = sent.last == position && known > position.0;
                    position = sent.last;
                    self.pause.reset();
                    if is_promised && !self.is_there(incarnation, position).await {
                        return;
                    }
                    // When there is more, the signal is raised, or was raised already.
                    if !sent.has_more {
                        let (seen, patience) = (position.0, self.patience);
                        tokio::select! {
                            () = self.sequenced.above_or_fallen(seen, known, patience) => {}
                            () = self.shared.doubted.notified() => {}
                        }
                    }
                    let now = self.sequenced.value();
                    if now < known {
                        self.end_followers(WentBack::ToHead(Position(now)));
                        return;
                    }
                }
                Err(StoreError::OtherIncarnation) => {
                    self.end_followers(WentBack::ToOtherIncarnation);
                    return;
                }
                Err(error) => self.rest(&error).await,
            }
        }
    }

    /// Returns whether the log still has what was read, although it ends before the announced position.
    /// Ends the followers when it does not. Waits first, so that a false announcement costs a look now
    /// and then.
    async fn is_there(&mut self, incarnation: IncarnationId, position: Position) -> bool {
        tokio::time::sleep(POLL).await;
        match log::head_in(&self.shared.tail_pool, incarnation).await {
            Ok(head) if head < position => {
                self.end_followers(WentBack::ToHead(head));
                false
            }
            // The next read tells why.
            Ok(_) | Err(StoreError::OtherIncarnation) => true,
            Err(error) => {
                self.rest(&error).await;
                true
            }
        }
    }

    /// Ends the followers: they have seen events that are no longer in the log, and would miss those that took
    /// their positions.
    fn end_followers(&self, back: WentBack) {
        tracing::warn!(
            ?back,
            "the log went back: subscribers are ended, and must begin again"
        );
        self.shared.log.forget();
        self.shared.tail.send_replace(Tail::Idle);
        self.shared.went_back.send_replace(back);
    }

    /// Sends the next batch, if there is one.
    async fn send_next(
        &mut self,
        incarnation: IncarnationId,
        after: Position,
    ) -> Result<Sent, StoreError> {
        let read = self.shared.log.read(incarnation, after, BATCH).await?;
        let Read { events, has_more } = read;
        let Some(last) = events.last().map(|event| event.position) else {
            return Ok(Sent {
                last: after,
                has_more,
            });
        };
        let changes = self.rows.changes(incarnation, events).await?;
        // The position first: a subscriber that begins between the two lines reads this batch from the log,
        // and drops it when it also comes live. The other way round, it would expect the batch to come,
        // and notice only with the next event that it does not.
        self.reach(incarnation, last);
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
