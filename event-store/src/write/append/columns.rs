//! A batch of commands as the parameters of the append statement.

use domain::counter::Counter;
use domain::ids::EventId;
use domain::unique_name::UniqueName;
use uuid::Uuid;

use super::Prepared;
use super::prepared::owner;
use crate::envelope::{Shard, Version};
use crate::write::counter::CounterChange;

/// The batch as the columns that the statement unnests.
#[derive(Default)]
pub(super) struct Columns<'a> {
    /// The incarnation that all commands of the batch were decided in.
    pub(super) incarnation: Option<Uuid>,
    pub(super) entry_command: Vec<i32>,
    pub(super) entry_stream: Vec<Uuid>,
    pub(super) entry_type: Vec<String>,
    pub(super) entry_org: Vec<&'a str>,
    pub(super) entry_expected: Vec<i64>,
    pub(super) entry_added: Vec<i64>,
    pub(super) event_stream: Vec<Uuid>,
    pub(super) event_version: Vec<i64>,
    pub(super) event_shard: Vec<i16>,
    pub(super) event_id: Vec<Uuid>,
    pub(super) event_org: Vec<&'a str>,
    pub(super) event_type: Vec<&'static str>,
    pub(super) event_schema_version: Vec<i32>,
    pub(super) event_data: Vec<&'a str>,
    pub(super) event_metadata: Vec<&'a str>,
    pub(super) name_command: Vec<i32>,
    pub(super) name_org: Vec<&'a str>,
    pub(super) name_scope: Vec<&'static str>,
    pub(super) name_key: Vec<&'a str>,
    pub(super) name_held_by: Vec<Option<Uuid>>,
    pub(super) name_taken_by: Vec<Option<Uuid>>,
    pub(super) key_command: Vec<i32>,
    pub(super) key_org: Vec<&'a str>,
    pub(super) key_key: Vec<&'a str>,
    pub(super) key_hash: Vec<&'a [u8]>,
    pub(super) key_receipt: Vec<&'a str>,
    pub(super) record_command: Vec<i32>,
    pub(super) record_org: Vec<&'a str>,
    pub(super) record_id: Vec<Uuid>,
    pub(super) record_name: Vec<&'a str>,
    pub(super) record_stream_type: Vec<Option<i16>>,
    pub(super) record_stream: Vec<Option<Uuid>>,
    pub(super) record_actor: Vec<&'a str>,
    pub(super) record_outcome: Vec<&'static str>,
    pub(super) record_document: Vec<&'a str>,
    pub(super) counter_command: Vec<i32>,
    pub(super) counter_org: Vec<&'a str>,
    pub(super) counter_scope: Vec<&'static str>,
    pub(super) counter_key: Vec<&'a str>,
    pub(super) counter_added: Vec<i64>,
    pub(super) counter_at_least: Vec<Option<i64>>,
    pub(super) counter_at_most: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &[&'a Prepared]) -> Self {
        let mut columns = Self::default();
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
            self.key_key.push(&keyed.key);
            self.key_hash.push(&keyed.request_hash);
            self.key_receipt.push(&keyed.receipt);
        }
    }
}
