//! Commands as they are recorded: what was tried, by whom, on what the decision rested, and its outcome.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use domain::ids::{CorrelationId, EventId, OrgId};
use domain::stream_type::StreamType;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::envelope::{Metadata, RequestSource, StreamId};
use crate::error::StoreError;

/// The version of the program, which decides by its own rules.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The retention of a command's record, in days, at least.
pub const RETENTION_DAYS: i32 = 400;

/// The outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// The command has events.
    Accepted,
    /// There was nothing to do.
    Unchanged,
    /// A rule forbids the command.
    Rejected,
    /// Others kept changing what the command read.
    Conflict,
    /// The sender's role does not allow the command.
    Denied,
}

impl CommandOutcome {
    /// All outcomes.
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Unchanged,
        Self::Rejected,
        Self::Conflict,
        Self::Denied,
    ];

    /// Returns the stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Unchanged => "UNCHANGED",
            Self::Rejected => "REJECTED",
            Self::Conflict => "CONFLICT",
            Self::Denied => "DENIED",
        }
    }
}

/// The record of a command. Its ids, actor and source are those of the append's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRecord {
    /// The name of the use case.
    pub name: Cow<'static, str>,
    /// The stream that the command names; `None` if the command was denied before its input was read.
    pub stream: Option<StreamId>,
    /// The id of the credential that the command came with.
    pub credential: Option<String>,
    /// The outcome.
    pub outcome: CommandOutcome,
    /// The rule that rejected or denied the command.
    pub rule: Option<Cow<'static, str>>,
    /// The number of equal commands that the record stands for.
    pub times: i32,
    /// The arguments of the client, as JSON.
    pub input: String,
    /// The ids, versions, names and counts that the decision rested on, as JSON.
    pub basis: String,
}

/// Members of the stored record that are no columns. The form is stored, so fields are only added.
#[derive(Serialize)]
struct Document<'a> {
    correlation_id: CorrelationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    source: RequestSource,
    occurred_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<i32>,
    input: &'a RawValue,
    basis: &'a RawValue,
}

impl CommandRecord {
    /// Returns all that is stored in no column of its own, as JSON.
    pub(crate) fn document(&self, metadata: &Metadata) -> Result<String, serde_json::Error> {
        let Metadata {
            // Columns.
            actor: _,
            command_id: _,
            correlation_id,
            causation_id,
            traceparent,
            source,
            occurred_at,
        } = metadata;
        serde_json::to_string(&Document {
            correlation_id: *correlation_id,
            causation_id: *causation_id,
            traceparent: traceparent.as_deref(),
            source: *source,
            occurred_at: *occurred_at,
            credential: self.credential.as_deref(),
            rule: self.rule.as_deref(),
            times: Some(self.times).filter(|times| *times != 1),
            input: serde_json::from_str(&self.input)?,
            basis: serde_json::from_str(&self.basis)?,
        })
    }
}

/// A command as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedCommand {
    /// The organization.
    pub org: String,
    /// The time at which the command was decided and stored.
    pub recorded_at: DateTime<Utc>,
    /// The id of the command. A process manager repeats a command under its id.
    pub command_id: Uuid,
    /// The name of the use case; of a denied command, that of the mutation.
    pub name: String,
    /// The code of the type of the stream that the command names.
    pub stream_type: Option<i16>,
    /// The id of the stream, if the command was read.
    pub stream_id: Option<Uuid>,
    /// The sender.
    pub actor: String,
    /// The id of the credential.
    pub credential: Option<String>,
    /// The name of a [`CommandOutcome`].
    pub outcome: String,
    /// The rule that rejected or denied the command.
    pub rule: Option<String>,
    /// The number of equal commands that the record stands for.
    pub times: i32,
    /// The version of the program that decided.
    pub program: String,
    /// The metadata, as JSON.
    pub metadata: String,
    /// The arguments of the client, as JSON.
    pub input: String,
    /// The ids, versions, names and counts that the decision rested on, as JSON.
    pub basis: String,
    /// The counts that an accepted command was held against, as JSON.
    pub counts: Option<String>,
}

/// The columns of a row of `es.commands` that a [`RecordedCommand`] is read from. The document is split here: Postgres
/// cannot read members of one that has the character U+0000 anywhere.
pub const COLUMNS: &str = "org_id, recorded_at, command_id, name, stream_type, stream_id, actor, outcome, program, \
     counts::text as counts, record";

/// A [`Document`], as it is read. Keeps the text of what is not interpreted.
#[derive(Deserialize)]
struct StoredDocument<'a> {
    #[serde(borrow)]
    correlation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    causation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    occurred_at: Option<&'a RawValue>,
    credential: Option<String>,
    rule: Option<String>,
    times: Option<i32>,
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    basis: &'a RawValue,
}

/// The metadata of a command, as its events have it.
#[derive(Serialize)]
struct StoredMetadata<'a> {
    actor: &'a str,
    command_id: Uuid,
    correlation_id: Option<&'a RawValue>,
    causation_id: Option<&'a RawValue>,
    traceparent: Option<&'a RawValue>,
    source: Option<&'a RawValue>,
    occurred_at: Option<&'a RawValue>,
}

impl FromRow<'_, PgRow> for RecordedCommand {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let malformed = |error: serde_json::Error| sqlx::Error::ColumnDecode {
            index: "record".to_owned(),
            source: error.into(),
        };
        let document: &str = row.try_get("record")?;
        let document: StoredDocument<'_> = serde_json::from_str(document).map_err(malformed)?;
        let (actor, command_id): (String, Uuid) =
            (row.try_get("actor")?, row.try_get("command_id")?);
        let metadata = StoredMetadata {
            actor: &actor,
            command_id,
            correlation_id: document.correlation_id,
            causation_id: document.causation_id,
            traceparent: document.traceparent,
            source: document.source,
            occurred_at: document.occurred_at,
        };
        Ok(Self {
            org: row.try_get("org_id")?,
            recorded_at: row.try_get("recorded_at")?,
            command_id,
            name: row.try_get("name")?,
            stream_type: row.try_get("stream_type")?,
            stream_id: row.try_get("stream_id")?,
            metadata: serde_json::to_string(&metadata).map_err(malformed)?,
            actor,
            credential: document.credential,
            outcome: row.try_get("outcome")?,
            rule: document.rule,
            times: document.times.unwrap_or(1),
            program: row.try_get("program")?,
            input: document.input.get().to_owned(),
            basis: document.basis.get().to_owned(),
            counts: row.try_get("counts")?,
        })
    }
}

/// The place of a record among all: organization, time, id.
pub type Place = (String, DateTime<Utc>, Uuid);

impl RecordedCommand {
    /// Returns the stream that the command names, if the command was read.
    #[must_use]
    pub fn stream(&self) -> Option<StreamId> {
        Some(StreamId {
            stream_type: StreamType::new(self.stream_type?),
            uuid: self.stream_id?,
        })
    }

    /// Returns the place of the record.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.org.clone(), self.recorded_at, self.command_id)
    }
}

/// Adds a query for the rows of `es.commands` of an organization, with `id`. The caller adds conditions, the order
/// `recorded_at, id`, and a limit.
pub fn push_organization(query: &mut QueryBuilder<Postgres>, org: &OrgId) {
    query.push(
        "select * from (select *, command_id as id from es.commands) recorded where org_id = ",
    );
    query.push_bind(org.as_str().to_owned());
}

/// Returns the next records after a place, of all organizations, at most `limit`. Leaves out those of the day after the
/// time `up_to`, so that who reads until there are no more comes to an end. Later ones were recorded while the clock was
/// ahead.
///
/// # Errors
/// When Postgres fails.
pub async fn read(
    pool: &PgPool,
    after: &Place,
    up_to: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<RecordedCommand>, StoreError> {
    let text = format!(
        "select {COLUMNS} from es.commands \
         where (org_id, recorded_at, command_id) > ($1, $2, $3) \
             and (recorded_at <= $4 or recorded_at > $4 + interval '1 day') \
         order by org_id, recorded_at, command_id limit $5"
    );
    let (org, recorded_at, command_id) = after;
    sqlx::query_as(AssertSqlSafe(text))
        .bind(org)
        .bind(recorded_at)
        .bind(command_id)
        .bind(up_to)
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(StoreError::unavailable("reading recorded commands"))
}

/// Returns the approximate number of records, and the time of the database.
///
/// # Errors
/// When Postgres fails.
pub async fn estimate(pool: &PgPool) -> Result<(i64, DateTime<Utc>), StoreError> {
    sqlx::query_as(
        "select coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint, clock_timestamp() \
         from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'es.commands'::regclass",
    )
    .fetch_one(pool)
    .await
    .map_err(StoreError::unavailable("estimating the number of recorded commands"))
}
