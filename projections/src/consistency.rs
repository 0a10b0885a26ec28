//! Read your own writes: waiting until what a client wrote can be read.
//!
//! A client hands in which versions of which streams it has written. One task of the process looks in
//! the database, in one statement for everybody who waits, and only when there is a reason to: somebody
//! new waits, or something was applied since. So the number of statements grows neither with the
//! clients that wait nor with time that passes. Hints of other processes can be lost; then the task
//! looks after [`wake::POLL`].
//!
//! It promises that whoever waited for a read model reads rows in which the write has been applied,
//! whichever process applied it and whether it came by the log or by Kafka: a checkpoint commits
//! together with the rows that it vouches for. A stream that is parked in a read model counts as
//! applied, since waiting would not help. It must never tell an organization about another one's
//! streams: they are as unknown as those that do not exist.

use std::time::Duration;

use domain::ids::OrgId;
use event_store::consume::consumer::Consumer;
use event_store::consume::wake::{self, Wake};
use event_store::envelope::{Position, StreamId, Version};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::reader::{ReadError, Reader};

mod announcing;
mod look;

pub use announcing::announcing;

use self::look::{Found, Need, Shown};

/// Wishes that may wait until the task takes them up; more of them wait for room.
const QUEUE: usize = 1_024;

/// Read models whose rows are wanted, by the projections that write them. With none, the log itself is
/// wanted.
pub type ReadModels<'a> = &'a [&'a dyn Consumer];

/// Where clients wait for what they wrote; cheap to clone.
#[derive(Debug, Clone)]
pub struct Consistency {
    wishes: mpsc::Sender<Wish>,
    reader: Reader,
    patience: Duration,
}

/// Looks for everybody who waits. To be run as one task of the process.
#[derive(Debug)]
pub struct ConsistencyTask {
    wishes: mpsc::Receiver<Wish>,
    reader: Reader,
    wake: Wake,
}

/// Why a write cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// It takes longer than one waits here.
    #[error("the write cannot be read yet")]
    NotYet {
        /// How many recorded events the slowest of the read models has not applied, of all
        /// organizations.
        lag_events: i64,
    },
    /// The organization has no such stream.
    #[error("the organization has no such stream")]
    UnknownStream,
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// It took too long, and how far the read models are is not known either.
    #[error("the state of the read models is not known")]
    Unknown(#[source] ReadError),
}

/// One who waits.
#[derive(Debug)]
struct Wish {
    org: OrgId,
    needs: Vec<Need>,
    reply: oneshot::Sender<Result<Position, UnknownStream>>,
}

#[derive(Debug)]
struct UnknownStream;

impl Consistency {
    /// Makes the place to wait, and the task that looks. `wake` tells when that is worth it; nobody
    /// waits longer than `patience`.
    #[must_use]
    pub fn new(reader: Reader, wake: Wake, patience: Duration) -> (Self, ConsistencyTask) {
        let (sender, wishes) = mpsc::channel(QUEUE);
        let task = ConsistencyTask {
            wishes,
            reader: reader.clone(),
            wake,
        };
        let consistency = Self {
            wishes: sender,
            reader,
            patience,
        };
        (consistency, task)
    }

    /// Waits until the read models show these versions of an organization's streams; streams that do
    /// not concern a read model are not waited for.
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
            let need = |shown| Need {
                stream: *stream,
                version: *version,
                shown,
            };
            let concerned = by
                .iter()
                .filter(|model| model.stream_types().contains(&stream.stream_type))
                .map(|model| Shown::By(model.name()));
            let least = if by.is_empty() {
                Shown::InLog
            } else {
                Shown::No
            };
            std::iter::once(least)
                .chain(concerned)
                .map(need)
                .collect::<Vec<_>>()
        });
        self.wait(org, needs.collect(), by).await.map(|_| ())
    }

    /// Waits until these versions of an organization's streams have positions; gives the last one.
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
            shown: Shown::InLog,
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
        let wish = Wish {
            org: org.clone(),
            needs,
            reply,
        };
        let waiting = async {
            let sent = self.wishes.send(wish).await;
            sent.map_err(|_| NotShown::Stopping)?;
            let answer = answer.await.map_err(|_| NotShown::Stopping)?;
            answer.map_err(|UnknownStream| NotShown::UnknownStream)
        };
        match tokio::time::timeout(self.patience, waiting).await {
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
    /// Looks until `stop`; whoever still waits then is told.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.look_on()).await;
    }

    /// Ends when nobody can wait any more.
    async fn look_on(&mut self) {
        let mut waiting = Vec::new();
        while let Some(first) = self.wishes.recv().await {
            waiting.push(first);
            while !waiting.is_empty() {
                // Taken before the look: what is raised during it leads to another one.
                let (applied, sequenced) = (self.wake.applied.value(), self.wake.sequenced.value());
                while let Ok(wish) = self.wishes.try_recv() {
                    waiting.push(wish);
                }
                waiting.retain(|wish| !wish.reply.is_closed());
                waiting = match look::look(&self.reader.store, &waiting).await {
                    Ok(found) => answer(waiting, &found),
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
                let for_log = waiting.iter().any(Wish::is_for_log);
                tokio::select! {
                    () = self.wake.applied.above(applied, wake::POLL) => {}
                    () = self.wake.sequenced.above(sequenced, wake::POLL), if for_log => {}
                    Some(wish) = self.wishes.recv() => waiting.push(wish),
                }
            }
        }
    }
}

impl Wish {
    /// Whether a position is enough.
    fn is_for_log(&self) -> bool {
        !self
            .needs
            .iter()
            .any(|need| matches!(need.shown, Shown::By(_)))
    }
}

/// Answers the wishes for which everything was found; gives the others.
fn answer(wishes: Vec<Wish>, found: &[Found]) -> Vec<Wish> {
    let mut found = found.iter();
    let mut unanswered = Vec::new();
    for wish in wishes {
        let found: Vec<_> = found.by_ref().take(wish.needs.len()).collect();
        let answer = if found.iter().any(|found| !found.stream_is_known) {
            Err(UnknownStream)
        } else if found.iter().all(|found| found.is_shown) {
            let positions = found.iter().filter_map(|found| found.position);
            Ok(positions.max().unwrap_or_default())
        } else {
            unanswered.push(wish);
            continue;
        };
        // Who does not wait any more needs no answer.
        let _ = wish.reply.send(answer);
    }
    unanswered
}
