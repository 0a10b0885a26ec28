//! The size of an event's message in Kafka, computed, so that the limits of topics can be checked before
//! anything is sent.
//!
//! Kafka limits record batches, not messages, so the size of a message here is the size of a batch that
//! holds nothing else.

use event_store::cloudevent::Message;
use event_store::write::append::MAX_EVENT_BYTES;

/// The frame of a record batch (message format version 2), from `baseOffset` to `recordsCount`.
const BATCH_FRAME: usize = 61;
/// The largest frame of a record: its attributes, and seven lengths, deltas and counts as varints.
const RECORD_FRAME: usize = 36;
/// The largest frame of a header: two lengths as varints.
const HEADER_FRAME: usize = 10;
/// A key: the hyphenated text of a UUID.
const KEY: usize = 36;

/// The most bytes of all headers of a message, with their frames.
///
/// All headers are of bounded length, the actor of the metadata included, because the API takes no
/// longer subject. They are some 2 KiB at the most; the rest is room for headers to come.
pub const MAX_HEADERS_BYTES: usize = 8 * 1024;

/// The most bytes of a message: the largest event that the store takes, with the largest headers.
///
/// Every topic must take batches of this size, and the publisher makes none that are larger. So a topic
/// that was checked refuses no message for its size.
pub const MAX_MESSAGE_BYTES: usize =
    BATCH_FRAME + RECORD_FRAME + KEY + MAX_HEADERS_BYTES + MAX_EVENT_BYTES;

/// The bytes of a message, rounded up to the largest frames.
#[must_use]
pub fn bytes(message: &Message) -> usize {
    BATCH_FRAME + RECORD_FRAME + message.key.len() + headers(message) + message.value.len()
}

/// The bytes of a message's headers, rounded up to the largest frames.
#[must_use]
pub fn headers(message: &Message) -> usize {
    let headers = message.headers.iter();
    headers
        .map(|(name, value)| HEADER_FRAME + name.len() + value.len())
        .sum()
}
