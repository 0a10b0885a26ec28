//! Read your own writes: requests wait until the writes of a client can be read.
//!
//! A client hands in the versions of the streams that it has written. One task of the process looks them
//! up in the database, in one statement for all requests that wait. The task looks only when there is a
//! reason to: a new request waits, or something was applied since. So the number of statements grows
//! neither with the requests that wait nor with time. Hints of other processes can be lost; then the
//! task looks after [`POLL`](event_store::consume::wake::POLL).
//!
//! A request that waited for a read model reads rows in which the write has been applied. That is
//! guaranteed for every process that applies it, by the log or by Kafka: a checkpoint commits together
//! with its rows. A request for an event that a read model has parked fails at once, since waiting would not
//! help. A stream whose type this program does not know concerns no read model here, so only its
//! existence is checked.
//!
//! The work of the task is bounded, whatever clients hand in. Of a stream only the highest version counts, and
//! requests that wait for the same share one lookup. An organization waits for at most [`MOST_WANTED`] versions.
//! A version so far beyond the stored ones that it cannot come within the timeout is refused at once.
//!
//! A version that was written in an earlier incarnation of the log counts only if the log kept that event. Another event
//! may have the version by now, so such a request fails, and says so.
//!
//! The task must never tell an organization about another one's streams: they are as unknown as those
//! that do not exist.

use std::time::Duration;

use domain::ids::OrgId;
use event_store::consume::consumer::Consumer;
use event_store::consume::wake::Wake;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::{IncarnationId, Lost};
use tokio::sync::{mpsc, oneshot};

use crate::page::LogCursor;
use crate::reader::{ReadError, Reader};

mod announcing;
mod task;
mod waiter;
mod waits;

pub use self::announcing::announcing;
pub use self::task::ConsistencyTask;

use self::waiter::{Need, NeverShown, Waiter, needs};
use self::waits::Waits;

/// The most requests that wait until the task takes them; further ones wait for room.
const QUEUE: usize = 1_024;

/// The most versions that the requests of an organization wait for at once.
pub const MOST_WANTED: usize = 1_024;

/// The most versions that a stream is taken to grow by in a second. No stream is appended to nearly as fast.
const VERSIONS_PER_SECOND: u64 = 1_000;

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
    waits: Waits,
    timeout: Duration,
}

/// A version of a stream that a client has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// The incarnation of the log that it was written in; `None` is the first.
    pub incarnation: Option<IncarnationId>,
    /// The stream.
    pub stream: StreamId,
    /// The version.
    pub version: Version,
}

impl From<(StreamId, Version)> for Write {
    /// Returns a write in the first incarnation of the log.
    fn from((stream, version): (StreamId, Version)) -> Self {
        Self {
            incarnation: None,
            stream,
            version,
        }
    }
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
    /// The organization has no such stream, or the stream has so few versions that this one cannot come within
    /// the timeout.
    #[error("the organization has no such stream, or no such version of it")]
    UnknownStream,
    /// A read model could not apply the write, or an earlier one of the stream, and has parked the stream.
    #[error("a read model has parked the stream")]
    Parked,
    /// The log lost the write: it was restored since.
    #[error("the write was lost: {0}")]
    Lost(Lost),
    /// The requests of the organization wait for too many versions already: at most [`MOST_WANTED`].
    #[error("too many requests of the organization wait for writes: ask again in a moment")]
    TooMany,
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// The request timed out, and the lag of the read models is not known either.
    #[error("the state of the read models is not known")]
    Unknown(#[source] ReadError),
}

impl Consistency {
    /// Makes the queue of requests, and the task that answers them. `wake` signals that a look is worth
    /// it; no request waits longer than `timeout`.
    #[must_use]
    pub fn new(reader: Reader, wake: Wake, timeout: Duration) -> (Self, ConsistencyTask) {
        let (sender, waiters) = mpsc::channel(QUEUE);
        let seconds = timeout.as_secs().saturating_add(1);
        let ahead = seconds.saturating_mul(VERSIONS_PER_SECOND);
        let task = ConsistencyTask {
            waiters,
            reader: reader.clone(),
            wake,
            ahead: i64::try_from(ahead).unwrap_or(i64::MAX),
        };
        let consistency = Self {
            waiters: sender,
            reader,
            waits: Waits::at_most(MOST_WANTED),
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
        writes: &[impl Into<Write> + Copy],
        by: ReadModels<'_>,
    ) -> Result<(), NotShown> {
        let writes = writes.iter().map(|write| (*write).into());
        self.wait(org, needs(writes, by), by).await.map(|_| ())
    }

    /// Waits until these versions of an organization's streams have positions; returns the last one.
    ///
    /// # Errors
    /// [`NotShown`].
    pub async fn position(
        &self,
        org: &OrgId,
        writes: &[impl Into<Write> + Copy],
    ) -> Result<LogCursor, NotShown> {
        let writes = writes.iter().map(|write| (*write).into());
        self.wait(org, needs(writes, &[]), &[]).await
    }

    async fn wait(
        &self,
        org: &OrgId,
        needs: Vec<Need>,
        by: ReadModels<'_>,
    ) -> Result<LogCursor, NotShown> {
        let Some(_counted) = self.waits.begin(org, needs.len()) else {
            return Err(NotShown::TooMany);
        };
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
            answer.map_err(|never| match never {
                NeverShown::UnknownStream => NotShown::UnknownStream,
                NeverShown::Parked => NotShown::Parked,
                NeverShown::Lost(lost) => NotShown::Lost(lost),
            })
        };
        match tokio::time::timeout(self.timeout, waiting).await {
            Ok(answer) => answer,
            Err(_) => {
                metrics::counter!("clustergenie_not_yet_consistent_total").increment(1);
                let lag_events = self.reader.lag(org, by).await.map_err(NotShown::Unknown)?;
                Err(NotShown::NotYet { lag_events })
            }
        }
    }
}
