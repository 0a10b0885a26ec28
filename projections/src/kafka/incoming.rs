//! A message of Kafka, read as an event or as the reason why it is none.

use std::collections::HashMap;

use event_store::cloudevent::{self, Received};
use event_store::envelope::Shard;
use event_store::error::CodecError;
use rdkafka::message::{BorrowedMessage, Headers, Message};

use super::group::Group;

/// A message of one of our shards.
pub(super) struct Incoming {
    /// The shard of the message's partition.
    pub(super) shard: Shard,
    /// The offset of the message in the partition.
    pub(super) offset: i64,
    /// The event, if the message holds one of that shard.
    pub(super) received: Result<Received, CodecError>,
}

impl Incoming {
    /// Reads a message; `None` when it is of no topic or partition of ours.
    pub(super) fn of(message: &BorrowedMessage<'_>, group: &Group) -> Option<Self> {
        let shard = group.shard(message.topic(), message.partition())?;
        let headers: HashMap<&str, &str> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .filter_map(|header| Some((header.key, std::str::from_utf8(header.value?).ok()?)))
            .collect();
        let received = match message.payload().map(std::str::from_utf8) {
            Some(Ok(value)) => cloudevent::decode(shard, &headers, value),
            _ => Err(CodecError::Message("the message has no text".to_owned())),
        };
        let received = received.and_then(|received| {
            if received.event.event.stream.shard() == shard {
                Ok(received)
            } else {
                Err(CodecError::Message(
                    "it is in the wrong partition".to_owned(),
                ))
            }
        });
        let offset = message.offset();
        Some(Self {
            shard,
            offset,
            received,
        })
    }
}
