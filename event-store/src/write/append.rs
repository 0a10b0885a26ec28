//! Appends events: one statement, one round trip, any number of commands, each all or nothing.
//!
//! A command wins if all of these hold:
//!
//! - every stream that it writes or read is at the version it expects;
//! - every name that it takes is free;
//! - every count stays within what it requires;
//! - its idempotency key is new.
//!
//! The winners of a statement commit together. The others have no effect at all, and their outcome gives
//! the reason. Nothing beyond the rows of the streams, counters, names and keys concerned is locked.
//!
//! # Proof of correctness
//!
//! Postgres runs the statement at READ COMMITTED, with one snapshot. A row lock that had to wait shows the
//! row as it then is, and not as the snapshot has it. A row that was inserted after the snapshot is not
//! seen at all.
//!
//! **Streams.** A stream that a command writes or reads is locked against both, and versions are compared
//! under the lock. So the versions still hold at the commit, and the commands are serial in the order of
//! their commits. The locks of readers are not shared ones. Shared locks would keep a writer waiting for as
//! long as some reader always has one. Opening a stream that another transaction opens at the same time
//! breaks the primary key. The statement is then undone, and each command is run alone.
//!
//! **A read of a stream that does not exist** (version 0) locks nothing. It is compared with the snapshot,
//! so a stream that was opened before is noticed. A stream that is opened at the same time counts as opened
//! after the command. That is a serial order too, unless the command that opens it rests in turn on what
//! this command writes. So a thing that must not exist twice has to be a name, not an absence that both
//! have read.
//!
//! **Names and keys** are unique. Of two commands that take one at the same time, the second waits and then
//! breaks the constraint. (Keys are unique within a period; two such commands have a period in common.) The holder of a name releases it together with a new version, and the
//! holder's stream is locked at the version expected. So a name that the snapshot shows as held by a stream
//! of the command is still held by it.
//!
//! **Counters.** *A stale snapshot:* the count is read under the lock, after the previous holder of the
//! lock has committed. The lock is kept until the commit, so the count that was checked is the one that is
//! added to. *A missing row* cannot be locked, and to take it for zero would be wrong: another transaction
//! may be making it. Such a command loses. Its rows are made in a statement of their own and committed, and
//! the command is retried with a snapshot that shows them. The rows are never deleted. *Several commands of
//! one statement* are serial in the order of the batch. The winners are not known before all commands are
//! judged. So each command must be within its bounds whichever of those before it win. Against an upper
//! bound all that they add counts, against a lower bound all that they take. A command that is rejected by
//! the stored count alone is rejected for good. A command that only the others crowd out is retried,
//! without those that got their outcome. The first of a batch has none before it, so every round gives at
//! least one outcome. Two rounds suffice where all want the same. *A crash* leaves events and counts of
//! whole statements, or counters at zero.
//!
//! **A rejection is true of the state as it is stored.** Only a command without a conflict is rejected. The
//! reason is found at the moment of the snapshot (a name) or of the lock (a count). At that moment, all the
//! streams that the command rests on were at the versions it was decided on.
//!
//! **The incarnation** of the log is demanded by the statement ([`crate::incarnation`]). In another one, the statement
//! fails as a whole, because the streams that the commands rest on may never have had those versions.
//!
//! **Locks are taken in one order** in all statements: streams that exist (by id, whether read or written),
//! counters (by key), new streams, names, keys. So statements hardly ever deadlock. A statement that does
//! is undone and its commands are run alone.

mod columns;
mod prepared;
mod statement;
mod variant;

use std::iter;
use std::time::Duration;

use domain::counter::Counter;
use domain::ids::OrgId;
use domain::registry::Event;
use domain::unique_name::UniqueName;
use sqlx::error::DatabaseError;
use sqlx::{PgConnection, PgPool};

use self::statement::{Answer, execute};
use crate::envelope::{Metadata, StreamId, Version};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;
use crate::write::command::CommandRecord;
use crate::write::counter::{self, CounterChange};
use crate::write::idempotency::{Keyed, Repeated};
use crate::write::name::NameChange;
use crate::{partitions, sequence};

pub(crate) use self::prepared::{Access, Claim, owner};
pub use self::prepared::{MAX_EVENT_BYTES, Prepared, Unstorable, encoded};

/// All that one command commits. A command without events has an idempotency key or a record.
#[derive(Clone, Debug)]
pub struct Append {
    /// The organization that owns the streams.
    pub org: OrgId,
    /// The incarnation of the log that the command was decided in, or `None` if it rests on nothing that was read.
    /// In another one, nothing is written.
    pub incarnation: Option<IncarnationId>,
    /// The streams to write: none of them twice, each with at least one event.
    pub streams: Vec<StreamAppend>,
    /// The guards: streams that the command read and does not write, each with the version at which it must
    /// still be. None of them twice.
    pub reads: Vec<(StreamId, Version)>,
    /// The names that change their holder; none of them twice.
    pub names: Vec<NameChange>,
    /// The counters that are changed or checked; none of them twice.
    pub counters: Vec<CounterChange>,
    /// The idempotency key, if the client sent one.
    pub keyed: Option<Keyed>,
    /// The metadata that is stored with every event, and with the record.
    pub metadata: Metadata,
    /// The record of the command, unless only the number of such commands is recorded.
    pub record: Option<CommandRecord>,
}

impl Append {
    /// Returns an append of events alone: no incarnation, no reads, no names, no counters, no idempotency key, no
    /// record.
    #[must_use]
    pub fn new(org: OrgId, streams: Vec<StreamAppend>, metadata: Metadata) -> Self {
        Self {
            org,
            incarnation: None,
            streams,
            reads: Vec::new(),
            names: Vec::new(),
            counters: Vec::new(),
            keyed: None,
            metadata,
            record: None,
        }
    }
}

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// The version at which the stream must be.
    pub expected: Version,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// The outcome of an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The append is committed, durably.
    Appended,
    /// A stream, written or read, was at another version; nothing was written. Load again and decide again.
    Conflict,
    /// Another stream holds the name; nothing was written.
    Taken(UniqueName),
    /// The count of a counter would be outside the required bounds; nothing was written.
    Exceeded {
        /// The counter.
        counter: Counter,
        /// The stored count, without what the command would have added.
        count: i64,
    },
    /// The idempotency key was used before; nothing was written.
    Repeated(Repeated),
    /// The log is in another incarnation than the command was decided in; nothing was written. Forget what was read,
    /// load again and decide again.
    OtherIncarnation,
}

/// Appends a batch; the outcomes are in the order of the batch. One statement, one round trip, unless a
/// command has to be retried.
///
/// No append may write a stream, a name or an idempotency key that another one of the batch writes or
/// reads, and all were decided in one incarnation. [`crate::write::group`] ensures that.
///
/// # Errors
/// When Postgres fails: then each append may or may not have been committed.
pub async fn append_batch(pool: &PgPool, batch: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
    let (mut is_repeated, mut maintained) = (false, 0);
    loop {
        let left: Vec<usize> = (0..batch.len())
            .filter(|i| outcomes[*i].is_none())
            .collect();
        if left.is_empty() {
            return Ok(outcomes.into_iter().flatten().collect());
        }
        let commands: Vec<&Prepared> = left.iter().map(|i| &batch[*i]).collect();
        match execute(&mut connection, &commands).await {
            Ok(answers) => {
                let mut uncounted = Vec::new();
                for (index, answer) in left.into_iter().zip(answers) {
                    match answer {
                        Answer::Told(outcome) => outcomes[index] = Some(outcome),
                        Answer::Uncounted => uncounted.push(&batch[index]),
                        Answer::Crowded => {}
                    }
                }
                if !uncounted.is_empty() {
                    let created = counter::create(&mut connection, uncounted.into_iter()).await;
                    created.map_err(failed)?;
                }
            }
            // Some command lost a race that its snapshot could not show, and the statement was undone. The next
            // snapshot shows who won. If that does not help, each command alone gets its own answer.
            Err(error) => match lost_race(&error) {
                None if maintained < MAINTENANCES && lacks_partition(&error) => {
                    maintained += 1;
                    if partitions::maintain(&mut *connection).await? == 0 {
                        // Another process maintains, or another transaction has a lock.
                        tokio::time::sleep(MAINTENANCE_PAUSE).await;
                    }
                }
                None => match failed(error) {
                    StoreError::OtherIncarnation => {
                        for index in left {
                            outcomes[index] = Some(Outcome::OtherIncarnation);
                        }
                    }
                    error => {
                        // The next connection may lead to the primary.
                        if matches!(error, StoreError::Standby) {
                            connection.close_on_drop();
                        }
                        return Err(error);
                    }
                },
                Some(LostRace::Stream | LostRace::NameOrKey | LostRace::Deadlock)
                    if !is_repeated =>
                {
                    is_repeated = true;
                }
                Some(_) => {
                    for index in left {
                        let alone = append_alone(&mut connection, &batch[index]).await;
                        outcomes[index] = Some(match alone.map_err(failed) {
                            Err(StoreError::OtherIncarnation) => Outcome::OtherIncarnation,
                            alone => alone?,
                        });
                    }
                }
            },
        }
    }
}

/// The attempts to create a partition that a batch lacks, and the pause after one that created none.
const MAINTENANCES: u32 = 5;
const MAINTENANCE_PAUSE: Duration = Duration::from_millis(200);

/// The number of attempts to run a command alone. After them, a name or key that vanishes before each
/// attempt counts as a conflict.
const ATTEMPTS_ALONE: usize = 3;

async fn append_alone(
    connection: &mut PgConnection,
    prepared: &Prepared,
) -> Result<Outcome, sqlx::Error> {
    let mut lost = 0;
    while lost < ATTEMPTS_ALONE {
        match execute(connection, &[prepared]).await {
            Ok(mut answers) => match answers.pop() {
                Some(Answer::Told(outcome)) => return Ok(outcome),
                Some(Answer::Uncounted) => {
                    counter::create(connection, iter::once(prepared)).await?
                }
                Some(Answer::Crowded) | None => {
                    unreachable!(
                        "a statement says something of its only command, which nobody crowds"
                    )
                }
            },
            Err(error) => match lost_race(&error) {
                Some(LostRace::Stream | LostRace::Locked) => return Ok(Outcome::Conflict),
                // The next snapshot shows who holds the name or the key.
                Some(LostRace::NameOrKey | LostRace::Deadlock) => lost += 1,
                None => return Err(error),
            },
        }
    }
    Ok(Outcome::Conflict)
}

fn failed(source: sqlx::Error) -> StoreError {
    if source.as_database_error().is_some_and(has_used_number) {
        return StoreError::SequenceBehind;
    }
    StoreError::asking("appending")(source)
}

fn lacks_partition(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(partitions::is_missing)
}

/// Returns true if the number of an event was given before. That is no race.
fn has_used_number(error: &(dyn DatabaseError + 'static)) -> bool {
    error.table().map(partitions::table_of) == Some("events")
        && error
            .constraint()
            .is_some_and(|broken| broken.ends_with(sequence::NUMBERS))
}

enum LostRace {
    Stream,
    NameOrKey,
    Deadlock,
    /// A lock that another transaction holds for longer than the statement may wait.
    Locked,
}

/// Returns the race that the statement lost to another process, if that is why it failed. Postgres has then
/// undone the whole statement.
fn lost_race(error: &sqlx::Error) -> Option<LostRace> {
    let error = error.as_database_error()?;
    match error.code().as_deref() {
        Some("40P01") => return Some(LostRace::Deadlock),
        Some("55P03") => return Some(LostRace::Locked),
        _ => {}
    }
    if !error.is_unique_violation() {
        return None;
    }
    match partitions::table_of(error.table()?) {
        "events" if has_used_number(error) => None,
        "streams" | "events" => Some(LostRace::Stream),
        "reservations" | "idempotency" => Some(LostRace::NameOrKey),
        _ => None,
    }
}
