//! The task that looks up what all waiting requests need, in one statement.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use event_store::consume::applied::{self, Progress, Wanted};
use event_store::consume::wake::{self, Wake};
use event_store::error::StoreError;
use event_store::incarnation::Lineage;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::waiter::{NeverShown, Waiter};
use crate::page::LogCursor;
use crate::reader::Reader;

/// Looks up what all waiting requests need. To be run as one task of the process.
#[derive(Debug)]
pub struct ConsistencyTask {
    pub(super) waiters: mpsc::Receiver<Waiter>,
    pub(super) reader: Reader,
    pub(super) wake: Wake,
    /// The number of versions that a stream can grow by within a wait.
    pub(super) ahead: i64,
}

impl ConsistencyTask {
    /// Answers requests until `stop`; those that still wait then get
    /// [`NotShown::Stopping`](super::NotShown::Stopping).
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
                waiting = match self.look(&waiting).await {
                    Ok(found) => {
                        let answers = waiting.iter();
                        let (found, lineage) = found;
                        let answers: Vec<_> = answers
                            .map(|waiter| waiter.answer(&found, &lineage, self.ahead))
                            .collect();
                        drop(found);
                        send(waiting, answers)
                    }
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

    /// Looks up everything that is wanted, each thing once, however many requests want it. Returns the incarnations of
    /// the log too, in the current one of which it was found.
    async fn look<'waiters>(
        &self,
        waiting: &'waiters [Waiter],
    ) -> Result<(HashMap<Wanted<'waiters>, Progress>, Arc<Lineage>), StoreError> {
        let incarnations = &self.reader.incarnations;
        let mut lineage = incarnations.known().await?;
        let named: BTreeSet<_> = waiting.iter().flat_map(Waiter::incarnations).collect();
        for id in named {
            if !lineage.has(id) {
                lineage = incarnations.with(id).await?;
                // Clients may send anything. What was asked for now and is not there tells that of all others too, and
                // everybody waits for this look.
                if !lineage.has(id) {
                    break;
                }
            }
        }
        let current = lineage.current().id;
        let mut wanted: Vec<_> = waiting.iter().flat_map(Waiter::wanted).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let progress = applied::progress(&self.reader.platform, current, &wanted).await;
        if let Err(StoreError::OtherIncarnation) = progress {
            incarnations.after(current).await?;
        }
        Ok((wanted.into_iter().zip(progress?).collect(), lineage))
    }
}

/// Sends the answers that there are; returns the requests that have none.
fn send(waiting: Vec<Waiter>, answers: Vec<Option<Result<LogCursor, NeverShown>>>) -> Vec<Waiter> {
    let mut unanswered = Vec::new();
    for (waiter, answer) in waiting.into_iter().zip(answers) {
        match answer {
            // A request that timed out needs no answer.
            Some(answer) => drop(waiter.reply.send(answer)),
            None => unanswered.push(waiter),
        }
    }
    unanswered
}
