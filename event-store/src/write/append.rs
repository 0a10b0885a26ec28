//! Appends events: one statement, one round trip, any number of commands, each all or nothing.
//!
//! A command wins when every stream it writes or read is at the version it expects, every name it takes
//! is free, every count stays within what it requires, and its idempotency key is new. The winners of a
//! statement commit together; the others have no effect at all and learn why. Nothing beyond the rows of
//! the streams, counters, names and keys concerned is locked.
//!
//! # Why it is right
//!
//! Postgres runs the statement at READ COMMITTED, with one snapshot. A row lock that had to wait shows
//! the row as it then is, and not as the snapshot has it; a row that was inserted after the snapshot is
//! not seen at all.
//!
//! **Streams.** A stream that a command writes or reads is locked against both, and versions are compared
//! under the lock. So they still hold at the commit, and the commands are serial in the order of their
//! commits. The locks of readers are not shared ones, which would keep a writer waiting for as long as some
//! reader always has one. Opening a stream that somebody else opens at the
//! same time breaks the primary key; the statement is then undone, and each command is run alone.
//!
//! **A read of a stream that does not exist** (version 0) locks nothing. It is compared with the snapshot,
//! so a stream that was opened before is noticed. One that is opened at the same time counts as opened
//! after the command. That is a serial order too, unless whoever opens it rests in turn on something that
//! this command writes: what must not be there twice is a name, not an absence that both have read.
//!
//! **Names and keys** have primary keys, so that of two that take one at the same time the second waits
//! and then breaks it. Whoever holds a name releases it together with a new version, and the holder's
//! stream is locked at the version expected; so a name that the snapshot shows in the hands of a stream
//! of the command is still there.
//!
//! **Counters.** *A stale snapshot:* the count is read under the lock, after whoever had it has
//! committed. The lock is kept until the commit, so the count that was checked is the one that is added
//! to. *A missing row* cannot be locked, and to take it for zero would be wrong: somebody else may be
//! making it. Such a command loses; its rows are made in a statement of their own and committed, and it
//! goes again with a snapshot that shows them. They are never deleted. *Several commands of one
//! statement* are serial in the order of the batch. Which of them win is not known before all are judged,
//! so each must be within its bounds whichever of those before it win: against an upper bound all that
//! they add counts, against a lower bound all that they take. A command that is refused by the stored
//! count alone is refused for good; one that only the others crowd out goes again, without those that
//! were told. The first of a batch has none before it, so every round tells one at least, and two rounds
//! suffice where all want the same. *A crash* leaves events and counts of whole statements, or counters
//! at zero.
//!
//! **A refusal is true of the state as it is stored.** It is told only of commands without a conflict: at
//! the moment of the snapshot (a name) or of the lock (a count), all the streams that the command rests
//! on were at the versions it was decided on.
//!
//! **Locks are taken in one order** in all statements: streams that exist (by id, whether read or
//! written), counters (by key), new streams, names, keys. So statements hardly ever deadlock; one that
//! does is undone and its commands are run alone.

mod columns;
mod prepared;
mod statement;

use std::iter;

use domain::counter::Counter;
use domain::ids::OrgId;
use domain::registry::Event;
use domain::unique_name::UniqueName;
use sqlx::{PgConnection, PgPool};

use self::statement::{Answer, execute};
use crate::envelope::{Metadata, StreamId, Version};
use crate::error::StoreError;
use crate::write::counter::{self, CounterChange};
use crate::write::idempotency::{Keyed, Repeated};
use crate::write::name::NameChange;

pub(crate) use self::prepared::{Access, Claim, owner};
pub use self::prepared::{MAX_EVENT_BYTES, Prepared, Unstorable};

/// Everything that one command commits.
#[derive(Clone, Debug)]
pub struct Append {
    /// The organization that owns the streams.
    pub org: OrgId,
    /// What is written; at least one stream, none of them twice, each with at least one event.
    pub streams: Vec<StreamAppend>,
    /// What the command rests on besides: streams that it read and does not write, none of them twice,
    /// each with the version that it must still be at.
    pub reads: Vec<(StreamId, Version)>,
    /// Names that change hands; none of them twice.
    pub names: Vec<NameChange>,
    /// Counters that are changed or checked; none of them twice.
    pub counters: Vec<CounterChange>,
    /// The idempotency key, if the client sent one.
    pub keyed: Option<Keyed>,
    /// Stored with every event.
    pub metadata: Metadata,
}

impl Append {
    /// Events alone: nothing else read, no names, no counters, no idempotency key.
    #[must_use]
    pub fn new(org: OrgId, streams: Vec<StreamAppend>, metadata: Metadata) -> Self {
        Self {
            org,
            streams,
            reads: Vec::new(),
            names: Vec::new(),
            counters: Vec::new(),
            keyed: None,
            metadata,
        }
    }
}

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// The version it must be at.
    pub expected: Version,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// The outcome of an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed, durably.
    Appended,
    /// A stream, written or read, was at another version; nothing was written. Load again and decide
    /// again.
    Conflict,
    /// Another stream holds the name; nothing was written.
    Taken(UniqueName),
    /// The count of a counter would not be within what the command requires; nothing was written.
    Exceeded {
        /// The counter.
        counter: Counter,
        /// The stored count, without what the command would have added.
        count: i64,
    },
    /// The idempotency key was used before; nothing was written.
    Repeated(Repeated),
}

/// Appends a batch; the outcomes are in the order of the batch. One statement, one round trip, unless a
/// command has to be tried again.
///
/// No append may write a stream, a name or an idempotency key that another one of the batch writes or
/// reads ([`crate::write::group`] sees to it).
///
/// # Errors
/// When Postgres fails: then each append may or may not have been committed.
pub async fn append_batch(pool: &PgPool, batch: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
    let unavailable = |source| StoreError::Unavailable {
        doing: "appending",
        source,
    };
    let mut connection = pool.acquire().await.map_err(unavailable)?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
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
                    created.map_err(unavailable)?;
                }
            }
            // Some command lost a race that its snapshot could not show, and the statement was undone.
            // Alone, each command gets its own answer.
            Err(error) if lost_race(&error).is_some() => {
                for index in left {
                    let alone = append_alone(&mut connection, &batch[index]).await;
                    outcomes[index] = Some(alone.map_err(unavailable)?);
                }
            }
            Err(error) => return Err(unavailable(error)),
        }
    }
}

/// How often a command is tried alone before a name or key that always vanishes when it is looked at
/// is called a conflict.
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
                Some(LostRace::Stream) => return Ok(Outcome::Conflict),
                // The next snapshot shows who holds the name or the key.
                Some(LostRace::NameOrKey | LostRace::Deadlock) => lost += 1,
                None => return Err(error),
            },
        }
    }
    Ok(Outcome::Conflict)
}

enum LostRace {
    Stream,
    NameOrKey,
    Deadlock,
}

/// The race that the statement lost to another process, if that is why it failed: then Postgres has
/// undone all of it.
fn lost_race(error: &sqlx::Error) -> Option<LostRace> {
    let error = error.as_database_error()?;
    if error.code().as_deref() == Some("40P01") {
        return Some(LostRace::Deadlock);
    }
    if !error.is_unique_violation() {
        return None;
    }
    match error.table()? {
        "streams" | "events" => Some(LostRace::Stream),
        "reservations" | "idempotency" => Some(LostRace::NameOrKey),
        _ => None,
    }
}
