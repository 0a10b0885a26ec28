//! The receipt of an accepted command.

use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::token::Token;

/// The streams that a command wrote, and the versions that they have since: committed, durably.
///
/// The receipt is stored with the idempotency key, so that a command that is sent again has the same
/// receipt. Types of streams are stored as codes, so that an older program reads the receipt of a newer
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Place>", try_from = "Vec<Place>")]
pub struct Receipt {
    /// The streams and their versions, at least one. The first is the stream of the aggregate that the
    /// command named.
    pub streams: Vec<(StreamId, Version)>,
}

impl Receipt {
    /// Returns the token with which a query waits until it shows what was written.
    #[must_use]
    pub fn token(&self) -> Token {
        Token {
            streams: self.streams.clone(),
        }
    }

    /// Returns the stream of the aggregate that the command named.
    #[must_use]
    pub fn subject(&self) -> StreamId {
        self.streams
            .first()
            .map(|(stream, _)| *stream)
            .expect("a receipt names at least one stream")
    }
}

/// A stream of a receipt, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// The code of the stream's type.
    stream_type: i16,
    stream: Uuid,
    version: Version,
}

impl From<Receipt> for Vec<Place> {
    fn from(receipt: Receipt) -> Self {
        let place = |(stream, version): (StreamId, Version)| Place {
            stream_type: stream.stream_type.code(),
            stream: stream.uuid,
            version,
        };
        receipt.streams.into_iter().map(place).collect()
    }
}

impl TryFrom<Vec<Place>> for Receipt {
    type Error = &'static str;

    fn try_from(places: Vec<Place>) -> Result<Self, Self::Error> {
        if places.is_empty() {
            return Err("a receipt names at least one stream");
        }
        let stream = |place: Place| {
            let stream = StreamId {
                stream_type: StreamType::new(place.stream_type),
                uuid: place.stream,
            };
            (stream, place.version)
        };
        Ok(Self {
            streams: places.into_iter().map(stream).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{DropletId, JobId};

    use super::*;

    #[test]
    fn a_receipt_survives_storage_and_its_form_is_known() {
        let receipt = Receipt {
            streams: vec![
                (DropletId::new(Uuid::from_u128(7)).into(), Version(3)),
                (JobId::new(Uuid::from_u128(8)).into(), Version(1)),
            ],
        };
        let json = serde_json::to_string(&receipt).expect("it serialises");
        // Stored receipts depend on this form.
        assert_eq!(
            json,
            r#"[{"stream_type":0,"stream":"00000000-0000-0000-0000-000000000007","version":3},{"stream_type":1,"stream":"00000000-0000-0000-0000-000000000008","version":1}]"#
        );
        let read: Receipt = serde_json::from_str(&json).expect("it decodes");
        assert_eq!(read, receipt);
        assert_eq!(read.subject(), DropletId::new(Uuid::from_u128(7)).into());
    }

    #[test]
    fn a_receipt_of_a_newer_program_is_read_with_the_types_that_only_that_one_knows() {
        let json = format!(
            r#"[{{"stream_type":7,"stream":"{}","version":3}}]"#,
            Uuid::nil()
        );
        let read: Receipt = serde_json::from_str(&json).expect("it decodes");
        assert_eq!(read.subject().stream_type, StreamType::new(7));
        assert_eq!(serde_json::to_string(&read).expect("it serialises"), json);
    }

    #[test]
    fn a_receipt_without_streams_is_none() {
        assert!(serde_json::from_str::<Receipt>("[]").is_err());
    }
}
