//! Collects concurrent appends into one statement.
//!
//! While one statement is running, the commands that arrive wait and are sent together in the next. If none
//! is running, a command is sent at once and alone. So grouping adds no wait, and a commit carries more the
//! busier the process is. (Ten rows a commit carry five times the rows of single commits, a hundred eleven
//! times.)

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use crate::consume::wake::Wake;
use crate::error::StoreError;
use crate::sequence;
use crate::write::append::{Access, Append, Claim, Outcome, Prepared, Unstorable, append_batch};

/// The number of commands that may wait before callers are held back.
const WAITING: usize = 4_096;
/// The most commands in one statement. Its plan is made for few, and joins them one by one: twice as many take more
/// than twice as long.
const MAX_COMMANDS: usize = 64;
/// The most events in one statement, unless a single command has more. A command without events counts as one.
const MAX_EVENTS: usize = 1_000;
/// The most bytes in one statement, unless a single command has more.
const MAX_BYTES: usize = 4 << 20;

/// The reason why an append has no outcome.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The command's events cannot be stored.
    #[error("the command's events cannot be stored")]
    Unstorable(#[source] Arc<Unstorable>),
    /// Postgres failed: the events may or may not have been committed.
    #[error("the event store did not confirm the append")]
    Unconfirmed(#[source] Arc<StoreError>),
    /// The process is stopping; nothing was written.
    #[error("the process is stopping")]
    Stopping,
}

/// Sends appends to the [`Group`]; cheap to clone.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: mpsc::Sender<Waiting>,
}

/// The receiver of the appends of all [`Appender`]s, to be run as one task.
#[derive(Debug)]
pub struct Group {
    pool: PgPool,
    wake: Wake,
    queue: mpsc::Receiver<Waiting>,
    waiting: Vec<Waiting>,
    /// True if an append failed because of the sequence, and none succeeded since.
    is_sequence_behind: bool,
}

#[derive(Debug)]
struct Waiting {
    prepared: Prepared,
    answer: oneshot::Sender<Result<Outcome, AppendError>>,
}

impl Appender {
    /// Creates a group and the handle to it. Every statement that appended events raises
    /// [`Wake::appended`].
    #[must_use]
    pub fn new(pool: PgPool, wake: Wake) -> (Self, Group) {
        let (sender, queue) = mpsc::channel(WAITING);
        (
            Self { queue: sender },
            Group {
                pool,
                wake,
                queue,
                waiting: Vec::new(),
                is_sequence_behind: false,
            },
        )
    }

    /// Appends, together with all other waiting appends. Dropping the future does not undo the append.
    ///
    /// # Errors
    /// When the events cannot be stored, when Postgres fails, or when the group has ended.
    pub async fn append(&self, append: Append) -> Result<Outcome, AppendError> {
        let prepared =
            Prepared::new(append).map_err(|error| AppendError::Unstorable(Arc::new(error)))?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { prepared, answer };
        self.queue
            .send(waiting)
            .await
            .map_err(|_| AppendError::Stopping)?;
        answered.await.map_err(|_| AppendError::Stopping)?
    }
}

impl Group {
    /// Appends until every [`Appender`] is dropped.
    pub async fn run(mut self) {
        loop {
            if self.waiting.is_empty()
                && self.queue.recv_many(&mut self.waiting, WAITING).await == 0
            {
                return;
            }
            while self.waiting.len() < WAITING {
                match self.queue.try_recv() {
                    Ok(waiting) => self.waiting.push(waiting),
                    Err(_) => break,
                }
            }
            let batch = self.take_batch();
            self.append(batch).await;
        }
    }

    async fn append(&mut self, batch: Vec<Waiting>) {
        let (prepared, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.prepared, waiting.answer))
            .unzip();
        metrics::histogram!("clustergenie_append_group_size").record(prepared.len() as f64);
        let has_events = prepared.iter().any(|prepared| prepared.events() > 0);
        let appended = self.append_prepared(&prepared).await;
        // Another error says nothing of the sequence.
        match &appended {
            Ok(_) => self.is_sequence_behind = false,
            Err(StoreError::SequenceBehind) => self.is_sequence_behind = true,
            Err(_) => {}
        }
        match appended {
            Ok(outcomes) => {
                if has_events && outcomes.contains(&Outcome::Appended) {
                    self.wake.appended.raise();
                }
                let conflicts = outcomes.iter().filter(|o| **o == Outcome::Conflict).count();
                metrics::counter!("clustergenie_append_conflicts_total")
                    .increment(conflicts as u64);
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A cancelled caller needs no answer.
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                // The events may have been committed all the same, so the sequencer checks.
                self.wake.appended.raise();
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(AppendError::Unconfirmed(Arc::clone(&error))));
                }
            }
        }
    }

    /// Appends a batch. After an append failed because of the sequence, nothing is sent until the sequence is ahead of
    /// the events again: each attempt takes a number, and sooner or later one that was given up.
    async fn append_prepared(&self, batch: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
        if self.is_sequence_behind {
            sequence::check(&self.pool).await?;
        }
        append_batch(&self.pool, batch).await
    }

    /// Takes the commands of the next statement, in order of arrival. A command that writes a stream, a
    /// name or a key that one before it writes or reads waits for the statement after. So does a command
    /// that reads what one before it writes. A waiting command delays those behind it by the same rule.
    /// A command that was decided in another incarnation than the first one waits too.
    fn take_batch(&mut self) -> Vec<Waiting> {
        let mut claimed: HashMap<Claim<'_>, Access> = HashMap::new();
        let (mut commands, mut events, mut bytes) = (0, 0, 0);
        let mut goes = Vec::with_capacity(self.waiting.len());
        let decided_in = |waiting: &Waiting| waiting.prepared.append().incarnation;
        let incarnation = self.waiting.first().map(decided_in);
        for waiting in &self.waiting {
            let prepared = &waiting.prepared;
            let rows = prepared.events().max(1);
            let is_alike = incarnation == Some(decided_in(waiting));
            let fits = commands == 0
                || (commands < MAX_COMMANDS
                    && events + rows <= MAX_EVENTS
                    && bytes + prepared.bytes() <= MAX_BYTES);
            let free = prepared.claims().all(|(claim, access)| {
                let met = claimed.get(&claim);
                met.is_none_or(|other| access == Access::Read && *other == Access::Read)
            });
            for (claim, access) in prepared.claims() {
                let claimed = claimed.entry(claim).or_insert(access);
                if access == Access::Write {
                    *claimed = Access::Write;
                }
            }
            let goes_now = fits && free && is_alike;
            goes.push(goes_now);
            if goes_now {
                commands += 1;
                events += rows;
                bytes += prepared.bytes();
            }
        }
        let mut goes = goes.into_iter();
        self.waiting
            .extract_if(.., |_| goes.next() == Some(true))
            .collect()
    }
}

#[cfg(test)]
mod tests;
