//! The receipt of an accepted command.

use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::IncarnationId;
use serde::de::Error;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::token::Token;

/// The streams that a command wrote, and the versions that they have since: committed, durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The incarnation of the log in which the streams have these versions.
    pub incarnation: IncarnationId,
    /// The streams and their versions, at least one. The first is the stream of the aggregate that the
    /// command named.
    pub streams: Vec<(StreamId, Version)>,
}

impl Receipt {
    /// Returns the token with which a query waits until it shows what was written.
    #[must_use]
    pub fn token(&self) -> Token {
        Token {
            incarnation: Some(self.incarnation),
            streams: self.streams.clone(),
        }
    }

    /// Returns the receipt as it is stored with the idempotency key, so that a command that is sent again has the same
    /// receipt. Types of streams are stored as codes, so that an older program reads the receipt of a newer one.
    ///
    /// The incarnation is not stored: the key commits with the events, and goes back with them. So a receipt that is
    /// found in an incarnation is true in it.
    pub(crate) fn to_json(&self) -> String {
        let place = |(stream, version): &(StreamId, Version)| Place {
            stream_type: stream.stream_type.code(),
            stream: stream.uuid,
            version: *version,
        };
        let places: Vec<Place> = self.streams.iter().map(place).collect();
        serde_json::to_string(&places).expect("a receipt is made of texts and numbers")
    }

    /// Reads a receipt that was found in this incarnation of the log.
    ///
    /// # Errors
    /// When the text is no receipt.
    pub(crate) fn of_json(
        json: &str,
        incarnation: IncarnationId,
    ) -> Result<Self, serde_json::Error> {
        let places: Vec<Place> = serde_json::from_str(json)?;
        if places.is_empty() {
            return Err(serde_json::Error::custom(
                "a receipt names at least one stream",
            ));
        }
        let stream = |place: Place| {
            let stream = StreamId {
                stream_type: StreamType::new(place.stream_type),
                uuid: place.stream,
            };
            (stream, place.version)
        };
        Ok(Self {
            incarnation,
            streams: places.into_iter().map(stream).collect(),
        })
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

#[cfg(test)]
mod tests {
    use domain::ids::{DropletId, JobId};

    use super::*;

    const INCARNATION: IncarnationId = IncarnationId(Uuid::from_u128(9));

    #[test]
    fn a_receipt_survives_storage_and_its_form_is_known() {
        let receipt = Receipt {
            incarnation: INCARNATION,
            streams: vec![
                (DropletId::new(Uuid::from_u128(7)).into(), Version(3)),
                (JobId::new(Uuid::from_u128(8)).into(), Version(1)),
            ],
        };
        let json = receipt.to_json();
        // Stored receipts depend on this form.
        assert_eq!(
            json,
            r#"[{"stream_type":0,"stream":"00000000-0000-0000-0000-000000000007","version":3},{"stream_type":1,"stream":"00000000-0000-0000-0000-000000000008","version":1}]"#
        );
        let read = Receipt::of_json(&json, INCARNATION).expect("it decodes");
        assert_eq!(read, receipt);
        assert_eq!(read.subject(), DropletId::new(Uuid::from_u128(7)).into());
    }

    #[test]
    fn a_receipt_of_a_newer_program_is_read_with_the_types_that_only_that_one_knows() {
        let json = format!(
            r#"[{{"stream_type":7,"stream":"{}","version":3}}]"#,
            Uuid::nil()
        );
        let read = Receipt::of_json(&json, INCARNATION).expect("it decodes");
        assert_eq!(read.subject().stream_type, StreamType::new(7));
        assert_eq!(read.to_json(), json);
    }

    #[test]
    fn a_receipt_without_streams_is_none() {
        assert!(Receipt::of_json("[]", INCARNATION).is_err());
    }
}
