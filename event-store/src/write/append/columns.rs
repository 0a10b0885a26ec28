//! A batch of commands as the parameters of the append statement.

use std::mem::take;

use domain::counter::Counter;
use domain::ids::EventId;
use domain::unique_name::UniqueName;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::Prepared;
use super::prepared::owner;
use crate::envelope::{Shard, Version};
use crate::write::command::PROGRAM;
use crate::write::counter::CounterChange;
use crate::write::idempotency::key_hash;

/// The statement, while its parameters are bound.
pub(super) type Append<'a> = Query<'a, Postgres, PgArguments>;

/// The batch as the columns that the statement unnests.
#[derive(Default)]
pub(super) struct Columns<'a> {
    /// The number of commands.
    commands: i32,
    /// The incarnation that all commands of the batch were decided in.
    incarnation: Option<Uuid>,
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
    key_hash: Vec<Uuid>,
    key_request: Vec<Uuid>,
    key_receipt: Vec<&'a str>,
    record_command: Vec<i32>,
    record_org: Vec<&'a str>,
    record_id: Vec<Uuid>,
    record_name: Vec<&'a str>,
    record_stream_type: Vec<Option<i16>>,
    record_stream: Vec<Option<Uuid>>,
    record_actor: Vec<&'a str>,
    record_outcome: Vec<&'static str>,
    record_document: Vec<&'a str>,
    counter_command: Vec<i32>,
    counter_org: Vec<&'a str>,
    counter_scope: Vec<&'static str>,
    counter_key: Vec<&'a str>,
    counter_added: Vec<i64>,
    counter_at_least: Vec<Option<i64>>,
    counter_at_most: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    /// Binds the next parameter of the statement, by its name.
    pub(super) fn bind(&mut self, query: Append<'a>, parameter: &str) -> Append<'a> {
        match parameter {
            "commands" => query.bind(self.commands),
            "incarnation" => query.bind(self.incarnation),
            "program" => query.bind(PROGRAM),
            "entry_command" => query.bind(take(&mut self.entry_command)),
            "entry_stream" => query.bind(take(&mut self.entry_stream)),
            "entry_type" => query.bind(take(&mut self.entry_type)),
            "entry_org" => query.bind(take(&mut self.entry_org)),
            "entry_expected" => query.bind(take(&mut self.entry_expected)),
            "entry_added" => query.bind(take(&mut self.entry_added)),
            "event_stream" => query.bind(take(&mut self.event_stream)),
            "event_version" => query.bind(take(&mut self.event_version)),
            "event_shard" => query.bind(take(&mut self.event_shard)),
            "event_id" => query.bind(take(&mut self.event_id)),
            "event_org" => query.bind(take(&mut self.event_org)),
            "event_type" => query.bind(take(&mut self.event_type)),
            "event_schema_version" => query.bind(take(&mut self.event_schema_version)),
            "event_data" => query.bind(take(&mut self.event_data)),
            "event_metadata" => query.bind(take(&mut self.event_metadata)),
            "name_command" => query.bind(take(&mut self.name_command)),
            "name_org" => query.bind(take(&mut self.name_org)),
            "name_scope" => query.bind(take(&mut self.name_scope)),
            "name_key" => query.bind(take(&mut self.name_key)),
            "name_held_by" => query.bind(take(&mut self.name_held_by)),
            "name_taken_by" => query.bind(take(&mut self.name_taken_by)),
            "key_command" => query.bind(take(&mut self.key_command)),
            "key_org" => query.bind(take(&mut self.key_org)),
            "key_hash" => query.bind(take(&mut self.key_hash)),
            "key_request" => query.bind(take(&mut self.key_request)),
            "key_receipt" => query.bind(take(&mut self.key_receipt)),
            "record_command" => query.bind(take(&mut self.record_command)),
            "record_org" => query.bind(take(&mut self.record_org)),
            "record_id" => query.bind(take(&mut self.record_id)),
            "record_name" => query.bind(take(&mut self.record_name)),
            "record_stream_type" => query.bind(take(&mut self.record_stream_type)),
            "record_stream" => query.bind(take(&mut self.record_stream)),
            "record_actor" => query.bind(take(&mut self.record_actor)),
            "record_outcome" => query.bind(take(&mut self.record_outcome)),
            "record_document" => query.bind(take(&mut self.record_document)),
            "counter_command" => query.bind(take(&mut self.counter_command)),
            "counter_org" => query.bind(take(&mut self.counter_org)),
            "counter_scope" => query.bind(take(&mut self.counter_scope)),
            "counter_key" => query.bind(take(&mut self.counter_key)),
            "counter_added" => query.bind(take(&mut self.counter_added)),
            "counter_at_least" => query.bind(take(&mut self.counter_at_least)),
            "counter_at_most" => query.bind(take(&mut self.counter_at_most)),
            other => unreachable!("the statement has no parameter {other}"),
        }
    }

    pub(super) fn of(batch: &[&'a Prepared]) -> Self {
        let mut columns = Self {
            commands: i32::try_from(batch.len()).expect("a batch is small"),
            ..Self::default()
        };
        for (command, prepared) in (0_i32..).zip(batch) {
            columns.push(command, prepared);
        }
        columns
    }

    fn push(&mut self, command: i32, prepared: &'a Prepared) {
        let append = prepared.append();
        self.incarnation = append.incarnation.map(|incarnation| incarnation.0);
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
        for CounterChange {
            counter: Counter { scope, key },
            added,
            within,
        } in &append.counters
        {
            self.counter_command.push(command);
            self.counter_org.push(owner(scope.reach, org));
            self.counter_scope.push(scope.name);
            self.counter_key.push(key);
            self.counter_added.push(*added);
            self.counter_at_least
                .push(within.as_ref().map(|within| *within.start()));
            self.counter_at_most
                .push(within.as_ref().map(|within| *within.end()));
        }
        if let (Some(record), Some(document)) = (&append.record, &prepared.record) {
            let metadata = &append.metadata;
            self.record_command.push(command);
            self.record_org.push(org);
            self.record_id.push(metadata.command_id.as_uuid());
            self.record_name.push(&record.name);
            self.record_stream_type
                .push(record.stream.map(|stream| stream.stream_type.code()));
            self.record_stream
                .push(record.stream.map(|stream| stream.uuid));
            self.record_actor.push(&metadata.actor);
            self.record_outcome.push(record.outcome.as_str());
            self.record_document.push(document);
        }
        if let Some(keyed) = &append.keyed {
            self.key_command.push(command);
            self.key_org.push(org);
            self.key_hash.push(key_hash(&append.org, &keyed.key));
            self.key_request.push(Uuid::from_bytes(keyed.request_hash));
            self.key_receipt.push(&keyed.receipt);
        }
    }
}
