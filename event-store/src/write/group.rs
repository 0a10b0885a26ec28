//! Collects concurrent appends into few statements.
//!
//! While statements are running, the commands that arrive wait and are sent together in the next. If none is running, a
//! command is sent at once and alone. So grouping adds no wait, and a commit carries more the busier the process is.
//! (Ten rows a commit carry five times the rows of single commits, a hundred eleven times.)
//!
//! A second statement runs beside the first once many commands wait, or the first is slow. So the flush of one overlaps
//! the work of the other, and a statement that waits for a lock delays only the commands in it. Statements of a process
//! never concern the same stream, name, key or counter, so they do not wait for each other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::consume::wake::Wake;
use crate::error::StoreError;
use crate::sequence;
use crate::write::append::{Access, Append, Claim, Outcome, Prepared, Unstorable, append_batch};

/// The number of commands that may wait before callers are held back.
const WAITING: usize = 4_096;
/// The most commands in one statement. Its plan is made for few, and joins names and keys with the winners one by one.
const MAX_COMMANDS: usize = 64;
/// The most statements that run at a time. [`Group`] needs as many connections.
pub const MAX_STATEMENTS: usize = 2;
/// The number of commands that are worth a statement beside another one.
const MANY_COMMANDS: usize = 8;
/// The duration after which a statement is slow, and the commands that wait go beside it, however few.
const SLOW: Duration = Duration::from_millis(5);
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
    sender: StatementSender,
    queue: mpsc::Receiver<Waiting>,
    waiting: Vec<Waiting>,
    /// The number of commands that wait and that no statement may take before a running one ends.
    held_back: usize,
    running: Vec<Running>,
}

/// A statement that is running, with its commands.
#[derive(Debug)]
struct Running {
    commands: Arc<[Prepared]>,
    since: Instant,
}

type Answer = oneshot::Sender<Result<Outcome, AppendError>>;

#[derive(Debug)]
struct Waiting {
    prepared: Prepared,
    answer: Answer,
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
                sender: StatementSender {
                    pool,
                    wake,
                    is_sequence_behind: Arc::default(),
                },
                queue,
                waiting: Vec::new(),
                held_back: 0,
                running: Vec::new(),
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
        let mut statements: FuturesUnordered<BoxFuture<'static, Arc<[Prepared]>>> =
            FuturesUnordered::new();
        let mut is_open = true;
        while is_open || !self.waiting.is_empty() || !statements.is_empty() {
            while let Some((commands, answers)) = self.next_statement() {
                statements.push(Box::pin(self.sender.clone().send(commands, answers)));
            }
            let room = WAITING - self.waiting.len();
            let (slow_at, waits_for_it) = (self.slow_at(), self.waits_for_slow_statement());
            tokio::select! {
                received = self.queue.recv_many(&mut self.waiting, room), if is_open && room > 0 => {
                    is_open = received > 0;
                }
                Some(ended) = statements.next() => {
                    self.end(&ended);
                    // The callers that got their answers may have sent again.
                    while self.waiting.len() < WAITING && let Ok(next) = self.queue.try_recv() {
                        self.waiting.push(next);
                    }
                }
                () = sleep_until(slow_at), if waits_for_it => {}
            }
        }
    }

    /// Forgets a statement that has ended, so that commands no longer wait for it.
    fn end(&mut self, ended: &Arc<[Prepared]>) {
        self.running
            .retain(|running| !Arc::ptr_eq(&running.commands, ended));
        self.held_back = 0;
    }

    /// Takes the commands of the next statement, if it is to be sent now.
    fn next_statement(&mut self) -> Option<(Arc<[Prepared]>, Vec<Answer>)> {
        let fresh = self.waiting.len() - self.held_back;
        if fresh == 0 || self.running.len() >= MAX_STATEMENTS {
            return None;
        }
        let is_worth_it =
            self.running.is_empty() || fresh >= MANY_COMMANDS || self.slow_at() <= Instant::now();
        if !is_worth_it {
            return None;
        }
        let batch = self.take_batch();
        if batch.is_empty() {
            // Thousands of commands may wait for one stream: a command that arrives must not examine all of them.
            self.held_back = self.waiting.len();
            return None;
        }
        self.held_back = 0;
        let split = batch
            .into_iter()
            .map(|waiting| (waiting.prepared, waiting.answer));
        let (commands, answers): (Vec<_>, Vec<_>) = split.unzip();
        let commands: Arc<[Prepared]> = commands.into();
        self.running.push(Running {
            commands: Arc::clone(&commands),
            since: Instant::now(),
        });
        Some((commands, answers))
    }

    /// Returns the time from which on the latest statement is slow.
    fn slow_at(&self) -> Instant {
        let latest = self.running.iter().map(|running| running.since).max();
        latest.unwrap_or_else(Instant::now) + SLOW
    }

    /// Returns true if commands are sent as soon as the latest statement is slow.
    fn waits_for_slow_statement(&self) -> bool {
        self.waiting.len() > self.held_back
            && self.running.len() < MAX_STATEMENTS
            && self.slow_at() > Instant::now()
    }

    /// Takes the commands of the next statement, in order of arrival. A command that writes a stream, a
    /// name or a key that one before it writes or reads waits for the statement after. So does a command
    /// that reads what one before it writes. A waiting command delays those behind it by the same rule.
    /// A command that was decided in another incarnation than the first one waits too, and so does one that concerns
    /// what a running statement concerns.
    fn take_batch(&mut self) -> Vec<Waiting> {
        let running = self
            .running
            .iter()
            .flat_map(|running| running.commands.iter());
        let concerned: HashSet<Claim<'_>> = running.flat_map(Prepared::concerns).collect();
        let mut claimed: HashMap<Claim<'_>, Access> = HashMap::new();
        let (mut commands, mut events, mut bytes) = (0, 0, 0);
        let mut goes = Vec::with_capacity(self.waiting.len());
        let decided_in = |waiting: &Waiting| waiting.prepared.append().incarnation;
        let incarnation = self.waiting.first().map(decided_in);
        for waiting in &self.waiting {
            if commands == MAX_COMMANDS {
                break;
            }
            let prepared = &waiting.prepared;
            let rows = prepared.events().max(1);
            let is_alike = incarnation == Some(decided_in(waiting));
            let fits = commands == 0
                || (events + rows <= MAX_EVENTS && bytes + prepared.bytes() <= MAX_BYTES);
            let free = prepared.claims().all(|(claim, access)| {
                let met = claimed.get(&claim);
                met.is_none_or(|other| access == Access::Read && *other == Access::Read)
            });
            let free = free && !prepared.concerns().any(|claim| concerned.contains(&claim));
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

/// The parts that all statements of a process share.
#[derive(Clone, Debug)]
struct StatementSender {
    pool: PgPool,
    wake: Wake,
    /// True if an append failed because of the sequence, and none succeeded since.
    is_sequence_behind: Arc<AtomicBool>,
}

impl StatementSender {
    /// Appends the commands in one statement, answers each, and returns them.
    async fn send(self, commands: Arc<[Prepared]>, answers: Vec<Answer>) -> Arc<[Prepared]> {
        metrics::histogram!("clustergenie_append_group_size").record(commands.len() as f64);
        let has_events = commands.iter().any(|prepared| prepared.events() > 0);
        let appended = self.append(&commands).await;
        // Another error says nothing of the sequence.
        match &appended {
            Ok(_) => self.is_sequence_behind.store(false, Ordering::Relaxed),
            Err(StoreError::SequenceBehind) => {
                self.is_sequence_behind.store(true, Ordering::Relaxed)
            }
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
        commands
    }

    /// Appends a batch. After an append failed because of the sequence, nothing is sent until the sequence is ahead of
    /// the events again: each attempt takes a number, and sooner or later one that was given up.
    async fn append(&self, batch: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
        if self.is_sequence_behind.load(Ordering::Relaxed) {
            sequence::check(&self.pool).await?;
        }
        append_batch(&self.pool, batch).await
    }
}

#[cfg(test)]
mod tests;
