//! A subscriber, which reads the log until it has caught up, and then the live tail.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::OrgId;
use event_store::envelope::{Position, Version};
use event_store::error::StoreError;
use event_store::incarnation::{IncarnationId, Lineage, Lost};
use event_store::log;
use event_store::log::selection::{self, Selection, Span};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use super::node::{Nodes, Source};
use super::turns::Turn;
use super::{Change, Shared, Tail, WentBack};
use crate::page::LogCursor;

/// Changes that are given without a pause for others.
const SLICE: usize = 8;

/// The longest pause between two pages of a subscriber that catches up.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// The reason why a subscriber gets no more changes. The subscriber may follow again from the last
/// position that it got.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log has no such position: the cursor comes from another database, or from one that was
    /// restored since.
    #[error("the log ends at position {head}, before {after}: start again without a cursor")]
    BeyondHead {
        /// The position asked for.
        after: Position,
        /// The head of the log.
        head: Position,
    },
    /// The log no longer has the place: it was restored since.
    #[error(
        "the cursor is of no use any more: {0}; list again, and follow from the `asOf` of the list"
    )]
    Lost(Lost),
    /// The log is in another incarnation since the subscriber began.
    #[error("the platform's database was exchanged meanwhile: follow again from the last position")]
    OtherIncarnation,
    /// The log could not be read.
    #[error("the log could not be read")]
    Store(#[source] StoreError),
    /// The process is stopping.
    #[error("the process is stopping: follow again from the last position")]
    Stopping,
}

impl From<StoreError> for FollowError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OtherIncarnation => Self::OtherIncarnation,
            error => Self::Store(error),
        }
    }
}

/// The next item of a subscriber.
#[derive(Debug, Clone)]
pub enum Followed {
    /// A change.
    Change(Change),
    /// The place up to which every change was given, though there was none lately.
    Bookmark(LogCursor),
}

/// The changes that a subscriber wants.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The organization of the changes.
    pub(super) org: OrgId,
    /// The part of the organization's changes that is wanted.
    pub(super) selection: Selection,
    /// The place after which the subscriber begins; `None` for that of the tail.
    pub(super) after: Option<LogCursor>,
    /// The time without a change or bookmark after which a bookmark is due, if bookmarks are wanted.
    pub(super) bookmarks: Option<Duration>,
}

/// Follows an organization by a receiver that exists already; see [`Changes::follow`](super::Changes::follow).
pub(super) fn follow<Item, Take>(
    shared: Arc<Shared>,
    live: Receiver<Arc<[Change]>>,
    wanted: Wanted,
    take: Take,
) -> impl Stream<Item = Result<Item, FollowError>> + Send + use<Item, Take>
where
    Take: FnMut(Followed) -> Option<Item> + Send,
{
    // Where the tail runs, "from now on" is from here, even if the stream is first polled later.
    let place = match (wanted.after, *shared.tail.borrow()) {
        (
            None,
            Tail::At {
                position,
                incarnation,
            },
        ) => Some(Place {
            seen: position,
            goal: position,
            incarnation,
        }),
        (Some(_), _) | (None, Tail::Idle) => None,
    };
    let follower = Follower {
        went_back: shared.went_back.subscribe(),
        shared,
        live,
        wanted,
        place,
        waiting: None,
        nodes: None,
        turn: None,
        page_begun: Instant::now(),
        rest: Duration::ZERO,
        read_to: Version::NONE,
        slice: 0,
        ready: VecDeque::new(),
        last: Instant::now(),
        given: None,
    };
    stream::try_unfold((follower, take), |(mut follower, mut take)| async move {
        let item = follower.next(&mut take).await.inspect_err(|error| {
            if let FollowError::OtherIncarnation = error {
                follower.shared.doubted.notify_one();
            }
        })?;
        Ok(Some((item, (follower, take))))
    })
}

struct Follower {
    shared: Arc<Shared>,
    live: Receiver<Arc<[Change]>>,
    went_back: watch::Receiver<WentBack>,
    wanted: Wanted,
    /// The progress of the subscriber; `None` until it has met the tail.
    place: Option<Place>,
    /// A live batch that begins beyond the events that were seen.
    waiting: Option<Arc<[Change]>>,
    /// The rows of streams, kept while reading the log.
    nodes: Option<Nodes>,
    /// The turn in which the changes that are ready were read from the log.
    turn: Option<Turn>,
    /// The time at which the last page was begun.
    page_begun: Instant,
    /// The pause before the next page: the time that the last one took.
    rest: Duration,
    /// The version of the last event that was read from the log.
    read_to: Version,
    /// The number of changes that were looked at.
    slice: usize,
    /// The changes to give next.
    ready: VecDeque<Change>,
    /// The time of the last change or bookmark that was given, or of the start.
    last: Instant,
    /// The position of the last change or bookmark that was given.
    given: Option<Position>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The position up to which every event was given or is ready.
    seen: Position,
    /// The position up to which events are to be read from the log.
    goal: Position,
    /// The incarnation of the log that the positions are of.
    incarnation: IncarnationId,
}

impl Follower {
    async fn next<Item>(
        &mut self,
        take: &mut impl FnMut(Followed) -> Option<Item>,
    ) -> Result<Item, FollowError> {
        loop {
            while let Some(change) = self.ready.pop_front() {
                if self.ready.is_empty() && self.turn.take().is_some() {
                    self.end_page();
                }
                // Commands and others run in between, even if the client takes everything at once.
                self.slice += 1;
                if self.slice.is_multiple_of(SLICE) {
                    yield_now().await;
                }
                let position = change.position();
                if let Some(item) = take(Followed::Change(change)) {
                    self.give(position);
                    return Ok(item);
                }
            }
            if let Some(bookmark) = self.bookmark() {
                self.give(bookmark.position);
                if let Some(item) = take(Followed::Bookmark(bookmark)) {
                    return Ok(item);
                }
            }
            match self.place {
                // In boxes, because a subscriber that follows the tail has no use for their room.
                None => Box::pin(self.meet_tail()).await?,
                Some(place) if place.seen < place.goal => Box::pin(self.catch_up(place)).await?,
                Some(place) => {
                    let batch = match self.waiting.take() {
                        Some(batch) => Some(batch),
                        None => self.receive(place).await?,
                    };
                    if let Some(batch) = batch {
                        self.take_in(place, batch);
                    }
                }
            }
        }
    }

    /// Notes the position of a change or a bookmark that is given.
    fn give(&mut self, position: Position) {
        self.given = Some(position);
        self.last = Instant::now();
    }

    /// Returns the position of a bookmark, if one is due. Everything up to it was looked at, because nothing is
    /// ready.
    fn bookmark(&self) -> Option<LogCursor> {
        let due = self.bookmark_due()?;
        let place = self.place?;
        (Instant::now() >= due).then_some(LogCursor {
            position: place.seen,
            incarnation: Some(place.incarnation),
        })
    }

    /// Returns the time of the next bookmark, if one would say something new.
    fn bookmark_due(&self) -> Option<Instant> {
        let seen = Some(self.place?.seen);
        let has_news = self.given != seen && self.wanted.after.map(|after| after.position) != seen;
        self.wanted
            .bookmarks
            .filter(|_| has_news)
            .map(|interval| self.last + interval)
    }

    /// Waits for the position of the tail, up to which the tail sends nothing any more.
    async fn meet_tail(&mut self) -> Result<(), FollowError> {
        let mut tail = self.shared.tail.subscribe();
        let met = tokio::select! {
            met = tail.wait_for(|tail| *tail != Tail::Idle) => met.map(|tail| *tail),
            () = self.shared.ended.cancelled() => return Err(FollowError::Stopping),
        };
        let Ok(Tail::At {
            position: tail,
            incarnation,
        }) = met
        else {
            return Err(FollowError::Stopping);
        };
        let seen = match self.wanted.after {
            None => tail,
            Some(after) => {
                let lineage = self.lineage(after).await?;
                if lineage.current().id != incarnation {
                    return Err(FollowError::OtherIncarnation);
                }
                let kept = lineage.check_position(after.incarnation, after.position);
                kept.map_err(FollowError::Lost)?;
                after.position
            }
        };
        if seen > tail {
            // Other processes may be ahead of our tail, but nobody of the log.
            let _turn = self.shared.turns.begin(&self.wanted.org).await;
            let head = self.head(incarnation).await?;
            if seen > head {
                return Err(FollowError::BeyondHead { after: seen, head });
            }
        }
        self.place = Some(Place {
            seen,
            goal: tail.max(seen),
            incarnation,
        });
        Ok(())
    }

    /// Returns the head of the log in this incarnation. The caller has a turn.
    async fn head(&self, incarnation: IncarnationId) -> Result<Position, StoreError> {
        let read = async {
            let statement = log::head_query(incarnation).try_into()?;
            let sessions = &self.shared.sessions;
            let rows = sessions
                .fetch(&self.wanted.org, &statement, log::head_of)
                .await?;
            rows.first().copied().ok_or(sqlx::Error::RowNotFound)
        };
        let head = read.await;
        head.map_err(StoreError::asking("reading the head of the log"))
    }

    /// Returns the incarnations of the log, with that of the cursor among them if it is one of this log.
    async fn lineage(&self, cursor: LogCursor) -> Result<Arc<Lineage>, FollowError> {
        let incarnations = self.shared.log.incarnations();
        if let Some(known) = incarnations.peek().filter(|l| l.has(cursor.incarnation)) {
            return Ok(known);
        }
        // Clients may send anything.
        let _turn = self.shared.turns.begin(&self.wanted.org).await;
        Ok(incarnations.with(cursor.incarnation).await?)
    }

    /// Reads the next page of the selection. Positions up to which it is complete and that are not in it belong to
    /// others, or are not wanted.
    async fn catch_up(&mut self, place: Place) -> Result<(), FollowError> {
        let (shared, wanted) = (Arc::clone(&self.shared), &self.wanted);
        // For one page, so that all who catch up take turns.
        let turn = shared.turns.begin(&wanted.org).await;
        // Others have the processor for as long as the last page took.
        sleep(self.rest).await;
        self.page_begun = Instant::now();
        let span = Span {
            incarnation: place.incarnation,
            after: place.seen,
            up_to: place.goal,
            after_version: self.read_to,
        };
        let read = async {
            let query = selection::query(&wanted.org, &wanted.selection, span);
            let (statement, sessions) = (query.try_into()?, &shared.sessions);
            sessions
                .fetch(&wanted.org, &statement, selection::looked)
                .await
        };
        let rows = read.await;
        let rows = rows.map_err(StoreError::asking("reading an organization's log"))?;
        let page = selection::page(rows, span);
        if let Some(last) = page.events.last() {
            self.read_to = last.event.version;
        }
        let new = || {
            let source = Source::One(shared.sessions.clone(), wanted.org.clone());
            Nodes::new(source, &shared.memory)
        };
        let nodes = self.nodes.get_or_insert_with(new);
        let events = page.events.into_iter().map(Arc::new).collect();
        self.ready
            .extend(nodes.changes(place.incarnation, events).await?);
        turn.sends();
        if self.ready.is_empty() {
            self.end_page();
        } else {
            self.turn = Some(turn);
        }
        self.place = Some(Place {
            seen: page.complete_to,
            ..place
        });
        Ok(())
    }

    /// Notes the time that a page took, of which all was taken.
    fn end_page(&mut self) {
        self.rest = self.page_begun.elapsed().min(LONGEST_REST);
    }

    /// Waits for the next batch; returns `None` when a bookmark is due.
    async fn receive(&mut self, place: Place) -> Result<Option<Arc<[Change]>>, FollowError> {
        self.nodes = None;
        let due = self.bookmark_due();
        loop {
            let bookmark = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => future::pending().await,
                }
            };
            let received = tokio::select! {
                biased;
                Ok(()) = self.went_back.changed() => {
                    return Err(match *self.went_back.borrow() {
                        WentBack::ToHead(head) => FollowError::BeyondHead { after: place.seen, head },
                        WentBack::ToOtherIncarnation => FollowError::OtherIncarnation,
                    });
                }
                received = self.live.recv() => received,
                () = bookmark => return Ok(None),
                () = self.shared.ended.cancelled() => return Err(FollowError::Stopping),
            };
            match received {
                Ok(batch) => return Ok(Some(batch)),
                // The next batch begins beyond what was seen, and the log fills the hole.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(FollowError::Stopping),
            }
        }
    }

    /// Takes the changes of a live batch that were not seen yet; defers the batch when there is a hole
    /// before it.
    fn take_in(&mut self, place: Place, batch: Arc<[Change]>) {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
            return;
        };
        // Read before the log went back, and still in the receiver.
        if first.incarnation != place.incarnation {
            return;
        }
        let before = Position(first.position().0 - 1);
        if before > place.seen {
            self.place = Some(Place {
                goal: before,
                ..place
            });
            self.waiting = Some(batch);
            return;
        }
        let seen = last.position().max(place.seen);
        let Wanted { org, selection, .. } = &self.wanted;
        let new = batch.iter().filter(|change| {
            let event = &change.event.event;
            change.position() > place.seen && event.org == *org && selection.includes(event)
        });
        self.ready.extend(new.cloned());
        self.place = Some(Place {
            seen,
            goal: seen,
            ..place
        });
    }
}
