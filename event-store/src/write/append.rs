//! Appends events: one statement, one round trip, any number of commands, each all or nothing.
//!
//! A command wins when every stream it writes is at the version it expects, every name it reserves is
//! free and its idempotency key is new. The winners of a statement commit together; the others have
//! no effect at all and learn why. Nothing beyond the rows of the streams, names and keys concerned is
//! locked.

mod prepared;
mod statement;

use domain::event::Event;
use domain::ids::OrgId;
use domain::unique_name::UniqueName;
use sqlx::{PgConnection, PgPool};

use self::statement::execute;
use crate::envelope::{Metadata, StreamId, Version};
use crate::error::StoreError;
use crate::write::idempotency::{Keyed, Repeated};
use crate::write::name::NameChange;

pub(crate) use self::prepared::{Access, Claim};
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
    /// The idempotency key, if the client sent one.
    pub keyed: Option<Keyed>,
    /// Stored with every event.
    pub metadata: Metadata,
}

impl Append {
    /// Events alone: nothing else read, no names, no idempotency key.
    #[must_use]
    pub fn new(org: OrgId, streams: Vec<StreamAppend>, metadata: Metadata) -> Self {
        Self {
            org,
            streams,
            reads: Vec::new(),
            names: Vec::new(),
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

/// What became of an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed, durably.
    Appended,
    /// A stream, written or read, was at another version; nothing was written. Load again and decide
    /// again.
    Conflict,
    /// Another stream holds the name; nothing was written.
    Taken(UniqueName),
    /// The idempotency key was used before; nothing was written.
    Repeated(Repeated),
}

/// Appends a batch in one transaction of one statement; the outcomes are in the order of the batch.
///
/// No append may write a stream, a name or an idempotency key that another one of the batch writes or
/// reads ([`crate::write::group`] sees to it).
///
/// # Errors
/// When Postgres fails: then each append may or may not have been committed, unless the failure is a
/// refusal of the statement, after which nothing was.
pub async fn append_batch(pool: &PgPool, batch: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
    let mut connection = pool
        .acquire()
        .await
        .map_err(StoreError::unavailable("appending"))?;
    match execute(&mut connection, batch).await {
        Ok(outcomes) => Ok(outcomes),
        Err(error) if lost_race(&error).is_none() => Err(StoreError::Unavailable {
            doing: "appending",
            source: error,
        }),
        // Some command lost a race that its snapshot could not show, and the statement was undone.
        // Alone, each command gets its own answer.
        Err(_) => {
            let mut outcomes = Vec::with_capacity(batch.len());
            for prepared in batch {
                outcomes.push(append_alone(&mut connection, prepared).await?);
            }
            Ok(outcomes)
        }
    }
}

/// How often a command is tried alone before a name or key that always vanishes when it is looked at
/// is called a conflict.
const ATTEMPTS_ALONE: usize = 3;

async fn append_alone(
    connection: &mut PgConnection,
    prepared: &Prepared,
) -> Result<Outcome, StoreError> {
    for _ in 0..ATTEMPTS_ALONE {
        match execute(connection, std::slice::from_ref(prepared)).await {
            Ok(mut outcomes) => return Ok(outcomes.remove(0)),
            Err(error) => match lost_race(&error) {
                Some(LostRace::Stream) => return Ok(Outcome::Conflict),
                // The next snapshot shows who holds the name or the key.
                Some(LostRace::NameOrKey | LostRace::Deadlock) => {}
                None => {
                    return Err(StoreError::Unavailable {
                        doing: "appending",
                        source: error,
                    });
                }
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
