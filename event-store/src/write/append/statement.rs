//! The append statement: a batch as its parameters, and its rows as outcomes.

use std::sync::LazyLock;

use domain::ids::EventId;
use domain::unique_name::UniqueName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::prepared::owner;
use super::{Outcome, Prepared};
use crate::envelope::{Shard, Version};
use crate::write::idempotency::Repeated;
use crate::write::name::NameChange;

const WHOLE: &str = include_str!("../append.sql");

/// The statement for commands that share nothing, which are most: it costs Postgres half as much.
static PLAIN: LazyLock<String> = LazyLock::new(|| without_shared(WHOLE));

fn without_shared(whole: &str) -> String {
    let mut shared = false;
    let mut plain = String::with_capacity(whole.len());
    for line in whole.lines() {
        match line.trim() {
            "-- [shared" => shared = true,
            "-- shared]" => shared = false,
            _ if shared => {}
            _ => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain
}

/// Appends a batch in one statement. Why that is right is told in [`super`].
pub(super) async fn execute(
    connection: &mut PgConnection,
    batch: &[Prepared],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let columns = Columns::of(batch);
    let text: &'static str = if batch.iter().any(Prepared::shares) {
        WHOLE
    } else {
        &PLAIN
    };
    let rows = sqlx::query(text)
        .bind(columns.entry_command)
        .bind(columns.entry_stream)
        .bind(columns.entry_type)
        .bind(columns.entry_org)
        .bind(columns.entry_expected)
        .bind(columns.entry_added)
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
        .bind(columns.name_org)
        .bind(columns.name_scope)
        .bind(columns.name_key)
        .bind(columns.name_held_by)
        .bind(columns.name_taken_by)
        .bind(columns.key_command)
        .bind(columns.key_org)
        .bind(columns.key_key)
        .bind(columns.key_hash)
        .bind(columns.key_receipt)
        .fetch_all(connection)
        .await?;
    let told = rows.iter().zip(batch);
    told.map(|(row, prepared)| outcome(row, prepared)).collect()
}

/// What a row says of its command. A repeated command comes first: its first run explains every other
/// refusal. Then a conflict: what was decided on another state than the stored one is not refused, but
/// decided again.
fn outcome(row: &PgRow, prepared: &Prepared) -> Result<Outcome, sqlx::Error> {
    if row.try_get("won")? {
        return Ok(Outcome::Appended);
    }
    if let Some(request_hash) = row.try_get::<Option<Vec<u8>>, _>("repeated_hash")? {
        return Ok(Outcome::Repeated(Repeated {
            request_hash,
            receipt: row.try_get("repeated_receipt")?,
        }));
    }
    if row.try_get("conflicted")? {
        return Ok(Outcome::Conflict);
    }
    let (scope, key): (String, String) = (row.try_get("taken_scope")?, row.try_get("taken_key")?);
    let mut names = prepared.append.names.iter().map(NameChange::name);
    let taken = names.find(|name| name.scope.name == scope && name.key == key);
    Ok(Outcome::Taken(
        taken
            .expect("a command is refused for a name of its own")
            .clone(),
    ))
}

/// The batch as the columns that the statement unnests.
#[derive(Default)]
struct Columns<'a> {
    entry_command: Vec<i32>,
    entry_stream: Vec<Uuid>,
    entry_type: Vec<String>,
    entry_org: Vec<&'a str>,
    entry_expected: Vec<i64>,
    entry_added: Vec<i64>,
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
    name_org: Vec<&'a str>,
    name_scope: Vec<&'static str>,
    name_key: Vec<&'a str>,
    name_held_by: Vec<Option<Uuid>>,
    name_taken_by: Vec<Option<Uuid>>,
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
        let writes = append.streams.iter();
        let writes = writes.map(|write| (write.stream, write.expected, write.events.len()));
        let reads = append.reads.iter();
        let reads = reads.map(|(stream, version)| (*stream, *version, 0));
        for (stream, expected, added) in writes.chain(reads) {
            self.entry_command.push(command);
            self.entry_stream.push(stream.uuid);
            self.entry_type.push(stream.stream_type.to_string());
            self.entry_org.push(org);
            self.entry_expected.push(expected.0);
            self.entry_added.push(Version::NONE.plus(added).0);
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
            let UniqueName { scope, key } = change.name();
            self.name_command.push(command);
            self.name_org.push(owner(scope.reach, org));
            self.name_scope.push(scope.name);
            self.name_key.push(key);
            self.name_held_by.push(change.held_by().map(|s| s.uuid));
            self.name_taken_by.push(change.taken_by().map(|s| s.uuid));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_statement_is_the_whole_one_without_what_is_marked() {
        assert_eq!(
            without_shared("a\n  -- [shared\nb\n  -- shared]\nc\n-- [shared\nd\n-- shared]\n"),
            "a\nc\n"
        );
        assert!(!PLAIN.contains("shared]\n") && PLAIN.contains("recorded as ("));
    }
}
