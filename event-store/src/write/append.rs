//! Appends events: one statement, one round trip, any number of commands, each all or nothing.
//!
//! A command wins when every stream it writes is at the version it expects, every name it reserves is
//! free and its idempotency key is new. The winners of a statement commit together; the others have
//! no effect at all and learn why. Nothing beyond the rows of the streams, names and keys concerned is
//! locked.

use domain::ids::EventId;
use domain::ids::OrgId;
use domain::registry::Event;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::envelope::{Metadata, Shard, StreamId, Version};
use crate::error::StoreError;
use crate::write::idempotency::{Keyed, Repeated};
use crate::write::reservation::{Name, NameChange};

/// The largest payload of one event, in bytes of JSON.
pub const MAX_EVENT_BYTES: usize = 60 * 1024;

/// Everything that one command commits.
#[derive(Clone, Debug)]
pub struct Append {
    /// The organization that owns the streams.
    pub org: OrgId,
    /// What is written; at least one stream, none of them twice, each with at least one event.
    pub streams: Vec<StreamAppend>,
    /// Names taken and given back.
    pub names: Vec<NameChange>,
    /// The idempotency key, if the client sent one.
    pub keyed: Option<Keyed>,
    /// Stored with every event.
    pub metadata: Metadata,
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
    /// A stream was at another version; nothing was written. Load again and decide again.
    Conflict,
    /// A name was taken; nothing was written.
    Taken(Name),
    /// The idempotency key was used before; nothing was written.
    Repeated(Repeated),
}

/// An [`Append`] turned into bytes, checked, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    append: Append,
    metadata: String,
    events: Vec<PreparedEvent>,
    bytes: usize,
}

#[derive(Debug)]
struct PreparedEvent {
    stream: StreamId,
    version: Version,
    event_type: &'static str,
    schema_version: i32,
    data: String,
}

/// Why an [`Append`] cannot be stored at all.
#[derive(Debug, thiserror::Error)]
pub enum Unstorable {
    /// The payload is over [`MAX_EVENT_BYTES`].
    #[error("the event {event_type} is {bytes} bytes long; at most {MAX_EVENT_BYTES} are stored")]
    TooLarge {
        /// Stored name.
        event_type: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The payload cannot be written as JSON.
    #[error("the event {event_type} cannot be written as JSON")]
    NotJson {
        /// Stored name.
        event_type: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Prepared {
    /// Encodes the events, so that what is sent later cannot fail for what it contains.
    ///
    /// # Errors
    /// When an event is too large or is no JSON.
    pub fn new(append: Append) -> Result<Self, Unstorable> {
        debug_assert!(
            !append.streams.is_empty() && append.streams.iter().all(|s| !s.events.is_empty())
        );
        let metadata =
            serde_json::to_string(&append.metadata).map_err(|source| Unstorable::NotJson {
                event_type: "metadata",
                source,
            })?;
        let mut events = Vec::new();
        let mut bytes = 0;
        for write in &append.streams {
            for (i, event) in write.events.iter().enumerate() {
                let event_type = event.event_type();
                let data = event
                    .to_json()
                    .map_err(|source| Unstorable::NotJson { event_type, source })?;
                if data.len() > MAX_EVENT_BYTES {
                    return Err(Unstorable::TooLarge {
                        event_type,
                        bytes: data.len(),
                    });
                }
                bytes += data.len() + metadata.len();
                events.push(PreparedEvent {
                    stream: write.stream,
                    version: write.expected.plus(i + 1),
                    event_type,
                    schema_version: event.schema_version(),
                    data,
                });
            }
        }
        Ok(Self {
            append,
            metadata,
            events,
            bytes,
        })
    }

    /// How many events it holds.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// About how many bytes it sends.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What two appends of one statement must not share.
    pub(crate) fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        let org = self.append.org.as_str();
        let streams = self
            .append
            .streams
            .iter()
            .map(|s| Claim::Stream(s.stream.uuid));
        let names = self.append.names.iter().map(move |n| {
            let name = n.name();
            Claim::Name(org, name.scope, &name.key)
        });
        let key = self
            .append
            .keyed
            .iter()
            .map(move |k| Claim::Key(org, &k.key));
        streams.chain(names).chain(key)
    }
}

/// Something that only one command of a statement may touch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim<'a> {
    Stream(Uuid),
    Name(&'a str, &'a str, &'a str),
    Key(&'a str, &'a str),
}

/// Appends a batch in one transaction of one statement; the outcomes are in the order of the batch.
///
/// The appends must not share a stream, a name or an idempotency key ([`crate::write::group`] sees to it).
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

async fn execute(
    connection: &mut PgConnection,
    batch: &[Prepared],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let columns = Columns::of(batch);
    let rows = sqlx::query(include_str!("append.sql"))
        .bind(columns.write_command)
        .bind(columns.write_stream)
        .bind(columns.write_type)
        .bind(columns.write_org)
        .bind(columns.write_expected)
        .bind(columns.write_added)
        .bind(columns.event_stream)
        .bind(columns.event_version)
        .bind(columns.event_shard)
        .bind(columns.event_id)
        .bind(columns.event_org)
        .bind(columns.event_type)
        .bind(columns.event_schema_version)
        .bind(columns.event_data)
        .bind(columns.event_metadata)
        .bind(columns.name_command)
        .bind(columns.name_taking)
        .bind(columns.name_org)
        .bind(columns.name_scope)
        .bind(columns.name_key)
        .bind(columns.name_stream)
        .bind(columns.key_command)
        .bind(columns.key_org)
        .bind(columns.key_key)
        .bind(columns.key_hash)
        .bind(columns.key_receipt)
        .fetch_all(connection)
        .await?;
    rows.iter().map(outcome).collect()
}

fn outcome(row: &sqlx::postgres::PgRow) -> Result<Outcome, sqlx::Error> {
    if row.try_get("won")? {
        return Ok(Outcome::Appended);
    }
    // A repeated command comes first: its first run explains every other refusal.
    if let Some(request_hash) = row.try_get::<Option<Vec<u8>>, _>("repeated_hash")? {
        return Ok(Outcome::Repeated(Repeated {
            request_hash,
            receipt: row.try_get("repeated_receipt")?,
        }));
    }
    if let Some(scope) = row.try_get::<Option<String>, _>("taken_scope")? {
        let key = row.try_get("taken_key")?;
        return Ok(Name::stored(&scope, key).map_or(Outcome::Conflict, Outcome::Taken));
    }
    Ok(Outcome::Conflict)
}

/// The batch as the columns that the statement unnests.
#[derive(Default)]
struct Columns<'a> {
    write_command: Vec<i32>,
    write_stream: Vec<Uuid>,
    write_type: Vec<String>,
    write_org: Vec<&'a str>,
    write_expected: Vec<i64>,
    write_added: Vec<i64>,
    event_stream: Vec<Uuid>,
    event_version: Vec<i64>,
    event_shard: Vec<i16>,
    event_id: Vec<Uuid>,
    event_org: Vec<&'a str>,
    event_type: Vec<&'static str>,
    event_schema_version: Vec<i32>,
    event_data: Vec<&'a str>,
    event_metadata: Vec<&'a str>,
    name_command: Vec<i32>,
    name_taking: Vec<bool>,
    name_org: Vec<&'a str>,
    name_scope: Vec<&'static str>,
    name_key: Vec<&'a str>,
    name_stream: Vec<Uuid>,
    key_command: Vec<i32>,
    key_org: Vec<&'a str>,
    key_key: Vec<&'a str>,
    key_hash: Vec<&'a [u8]>,
    key_receipt: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a [Prepared]) -> Self {
        let mut columns = Self::default();
        for (command, prepared) in (0_i32..).zip(batch) {
            columns.push(command, prepared);
        }
        columns
    }

    fn push(&mut self, command: i32, prepared: &'a Prepared) {
        let append = &prepared.append;
        let org = append.org.as_str();
        for write in &append.streams {
            self.write_command.push(command);
            self.write_stream.push(write.stream.uuid);
            self.write_type.push(write.stream.stream_type.to_string());
            self.write_org.push(org);
            self.write_expected.push(write.expected.0);
            self.write_added
                .push(Version::NONE.plus(write.events.len()).0);
        }
        for event in &prepared.events {
            self.event_stream.push(event.stream.uuid);
            self.event_version.push(event.version.0);
            self.event_shard.push(Shard::of(event.stream).0);
            self.event_id
                .push(EventId::derive(event.stream.uuid, event.version.0).as_uuid());
            self.event_org.push(org);
            self.event_type.push(event.event_type);
            self.event_schema_version.push(event.schema_version);
            self.event_data.push(&event.data);
            self.event_metadata.push(&prepared.metadata);
        }
        for change in &append.names {
            let name = change.name();
            self.name_command.push(command);
            self.name_taking.push(change.takes());
            self.name_org.push(org);
            self.name_scope.push(name.scope);
            self.name_key.push(&name.key);
            self.name_stream.push(change.stream().uuid);
        }
        if let Some(keyed) = &append.keyed {
            self.key_command.push(command);
            self.key_org.push(org);
            self.key_key.push(&keyed.key);
            self.key_hash.push(&keyed.request_hash);
            self.key_receipt.push(&keyed.receipt);
        }
    }
}
