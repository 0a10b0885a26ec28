//! Read your own writes: requests wait until the writes of a client can be read.
//!
//! A client hands in the versions of the streams that it has written. One task of the process looks them
//! up in the database, in one statement for all requests that wait. The task looks only when there is a
//! reason to: a new request waits, or something was applied since. So the number of statements grows
//! neither with the requests that wait nor with time. Hints of other processes can be lost; then the
//! task looks after [`wake::POLL`].
//!
//! A request that waited for a read model reads rows in which the write has been applied. That is
//! guaranteed for every process that applies it, by the log or by Kafka: a checkpoint commits together
//! with its rows. A stream that is parked in a read model counts as applied, since waiting would not
//! help. A stream whose type this program does not know concerns no read model here, so only its
//! existence is checked.
//!
//! The task must never tell an organization about another one's streams: they are as unknown as those
//! that do not exist.

use std::time::Duration;

use domain::ids::OrgId;
use event_store::consume::applied::{self, Progress, Wanted};
use event_store::consume::consumer::Consumer;
use event_store::consume::wake::{self, Wake};
use event_store::envelope::{Position, StreamId, Version};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::reader::{ReadError, Reader};

mod announcing;

pub use self::announcing::announcing;

/// The most requests that wait until the task takes them; further ones wait for room.
const QUEUE: usize = 1_024;

/// Read models whose rows are wanted, by the projections that write them. With none, the log itself is
/// wanted.
pub type ReadModels<'a> = &'a [&'a dyn Consumer];

/// A read model of this program.
pub type AnyReadModel = &'static dyn Consumer;

/// Lets requests wait for the writes of clients; cheap to clone.
#[derive(Debug, Clone)]
pub struct Consistency {
    waiters: mpsc::Sender<Waiter>,
    reader: Reader,
    timeout: Duration,
}

/// Looks up what all waiting requests need. To be run as one task of the process.
#[derive(Debug)]
pub struct ConsistencyTask {
    waiters: mpsc::Receiver<Waiter>,
    reader: Reader,
    wake: Wake,
}

/// The reason why a write cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// The write cannot be read within the timeout of a request.
    #[error("the write cannot be read yet")]
    NotYet {
        /// The number of recorded events that the slowest of the read models has not applied, of all
        /// organizations.
        lag_events: i64,
    },
    /// The organization has no such stream.
    #[error("the organization has no such stream")]
    UnknownStream,
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// The request timed out, and the lag of the read models is not known either.
    #[error("the state of the read models is not known")]
    Unknown(#[source] ReadError),
}

/// A request that waits.
#[derive(Debug)]
struct Waiter {
    org: OrgId,
    needs: Vec<Need>,
    reply: oneshot::Sender<Result<Position, UnknownStream>>,
}

/// A version of a stream, and the place where it must be found.
#[derive(Debug)]
struct Need {
    stream: StreamId,
    version: Version,
    place: Place,
}

/// The place where a version must be found.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Any place: it is enough that the stream exists.
    Anywhere,
    /// The log: the version has a position.
    Log,
    /// The read model that this projection writes.
    ReadModel(&'static str),
}

#[derive(Debug)]
struct UnknownStream;

impl Consistency {
    /// Makes the queue of requests, and the task that answers them. `wake` signals that a look is worth
    /// it; no request waits longer than `timeout`.
    #[must_use]
    pub fn new(reader: Reader, wake: Wake, timeout: Duration) -> (Self, ConsistencyTask) {
        let (sender, waiters) = mpsc::channel(QUEUE);
        let task = ConsistencyTask {
            waiters,
            reader: reader.clone(),
            wake,
        };
        let consistency = Self {
            waiters: sender,
            reader,
            timeout,
        };
        (consistency, task)
    }

    /// Waits until the read models show these versions of an organization's streams. Streams that
    /// concern no read model are not waited for.
    ///
    /// # Errors
    /// [`NotShown`].
    pub async fn shown(
        &self,
        org: &OrgId,
        streams: &[(StreamId, Version)],
        by: ReadModels<'_>,
    ) -> Result<(), NotShown> {
        let needs = streams.iter().flat_map(|(stream, version)| {
            let need = |place| Need {
                stream: *stream,
                version: *version,
                place,
            };
            let concerned = by
                .iter()
                .filter(|model| model.stream_types().contains(&stream.stream_type))
                .map(|model| Place::ReadModel(model.name()));
            let least = if by.is_empty() {
                Place::Log
            } else {
                Place::Anywhere
            };
            std::iter::once(least)
                .chain(concerned)
                .map(need)
                .collect::<Vec<_>>()
        });
        self.wait(org, needs.collect(), by).await.map(|_| ())
    }

    /// Waits until these versions of an organization's streams have positions; returns the last one.
    ///
    /// # Errors
    /// [`NotShown`].
    pub async fn position(
        &self,
        org: &OrgId,
        streams: &[(StreamId, Version)],
    ) -> Result<Position, NotShown> {
        let needs = streams.iter().map(|(stream, version)| Need {
            stream: *stream,
            version: *version,
            place: Place::Log,
        });
        self.wait(org, needs.collect(), &[]).await
    }

    async fn wait(
        &self,
        org: &OrgId,
        needs: Vec<Need>,
        by: ReadModels<'_>,
    ) -> Result<Position, NotShown> {
        let (reply, answer) = oneshot::channel();
        let waiter = Waiter {
            org: org.clone(),
            needs,
            reply,
        };
        let waiting = async {
            let sent = self.waiters.send(waiter).await;
            sent.map_err(|_| NotShown::Stopping)?;
            let answer = answer.await.map_err(|_| NotShown::Stopping)?;
            answer.map_err(|UnknownStream| NotShown::UnknownStream)
        };
        match tokio::time::timeout(self.timeout, waiting).await {
            Ok(answer) => answer,
            Err(_) => {
                metrics::counter!("clustergenie_not_yet_consistent_total").increment(1);
                let lag_events = self.reader.lag(by).await.map_err(NotShown::Unknown)?;
                Err(NotShown::NotYet { lag_events })
            }
        }
    }
}

impl ConsistencyTask {
    /// Answers requests until `stop`; those that still wait then get [`NotShown::Stopping`].
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.answer_all()).await;
    }

    /// Answers requests; ends when no request can wait any more.
    async fn answer_all(&mut self) {
        let mut waiting = Vec::new();
        while let Some(first) = self.waiters.recv().await {
            waiting.push(first);
            while !waiting.is_empty() {
                // Taken before the look: what is raised during it leads to another one.
                let (applied, sequenced) = (self.wake.applied.value(), self.wake.sequenced.value());
                while let Ok(waiter) = self.waiters.try_recv() {
                    waiting.push(waiter);
                }
                waiting.retain(|waiter| !waiter.reply.is_closed());
                let wanted: Vec<_> = waiting.iter().flat_map(Waiter::wanted).collect();
                waiting = match applied::progress(&self.reader.store, &wanted).await {
                    Ok(progress) => answer(waiting, &progress),
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "what read models show could not be looked up"
                        );
                        // A hint would make no difference, but a moment may.
                        tokio::time::sleep(wake::POLL).await;
                        continue;
                    }
                };
                let for_log = waiting.iter().any(Waiter::is_for_log);
                tokio::select! {
                    () = self.wake.applied.above(applied, wake::POLL) => {}
                    () = self.wake.sequenced.above(sequenced, wake::POLL), if for_log => {}
                    Some(waiter) = self.waiters.recv() => waiting.push(waiter),
                }
            }
        }
    }
}

impl Waiter {
    /// True if a position is enough.
    fn is_for_log(&self) -> bool {
        !self
            .needs
            .iter()
            .any(|need| matches!(need.place, Place::ReadModel(_)))
    }

    fn wanted(&self) -> impl Iterator<Item = Wanted<'_>> {
        self.needs.iter().map(|need| Wanted {
            org: &self.org,
            stream: need.stream,
            version: need.version,
            consumer: match need.place {
                Place::ReadModel(consumer) => Some(consumer),
                Place::Anywhere | Place::Log => None,
            },
        })
    }

    /// Returns the answer to the request; `None` unless everything that it needs was found.
    fn answer(&self, progress: &[Progress]) -> Option<Result<Position, UnknownStream>> {
        if progress.iter().any(|progress| !progress.stream_exists) {
            return Some(Err(UnknownStream));
        }
        let is_found = |(need, progress): (&Need, &Progress)| match need.place {
            Place::Anywhere => true,
            Place::Log => progress.position.is_some(),
            Place::ReadModel(_) => progress.is_applied,
        };
        self.needs.iter().zip(progress).all(is_found).then(|| {
            let positions = progress.iter().filter_map(|progress| progress.position);
            Ok(positions.max().unwrap_or_default())
        })
    }
}

/// Answers the requests for which everything was found; returns the others.
fn answer(waiting: Vec<Waiter>, progress: &[Progress]) -> Vec<Waiter> {
    let mut rest = progress;
    let mut unanswered = Vec::new();
    for waiter in waiting {
        let (its, others) = rest.split_at(waiter.needs.len());
        rest = others;
        match waiter.answer(its) {
            // A request that timed out needs no answer.
            Some(answer) => drop(waiter.reply.send(answer)),
            None => unanswered.push(waiter),
        }
    }
    unanswered
}
