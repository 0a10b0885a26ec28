//! The receipt of an accepted command.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::stream_type::StreamType;
use event_store::envelope::{StreamId, Version};
use event_store::incarnation::IncarnationId;
use serde::Deserialize;
use serde::de::Error;
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
    /// receipt: for each stream the code of its type, its id in base64, and the version. Types of streams are stored as
    /// codes, so that an older program reads the receipt of a newer one.
    ///
    /// The incarnation is not stored: the key commits with the events, and goes back with them. So a receipt that is
    /// found in an incarnation is true in it.
    pub(crate) fn to_text(&self) -> String {
        let place = |(stream, version): &(StreamId, Version)| {
            let id = URL_SAFE_NO_PAD.encode(stream.uuid);
            format!("{}:{id}:{version}", stream.stream_type.code())
        };
        let places: Vec<String> = self.streams.iter().map(place).collect();
        places.join(";")
    }

    /// Reads a receipt that was found in this incarnation of the log. Earlier programs stored a list of JSON.
    ///
    /// # Errors
    /// When the text is no receipt.
    pub(crate) fn of_text(
        text: &str,
        incarnation: IncarnationId,
    ) -> Result<Self, serde_json::Error> {
        let places: Vec<Place> = if text.starts_with('[') {
            serde_json::from_str(text)?
        } else {
            let places: Option<_> = text.split(';').map(Place::of_text).collect();
            places.ok_or_else(|| serde_json::Error::custom("the text is no receipt"))?
        };
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

/// A stream of a receipt.
#[derive(Debug, Deserialize)]
struct Place {
    /// The code of the stream's type.
    stream_type: i16,
    stream: Uuid,
    version: Version,
}

impl Place {
    fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let stream_type = parts.next()?.parse().ok()?;
        let stream = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let version = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            stream_type,
            stream: Uuid::from_slice(&stream).ok()?,
            version: Version(version),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{DropletId, JobId};

    use super::*;

    const INCARNATION: IncarnationId = IncarnationId(Uuid::from_u128(9));

    fn receipt() -> Receipt {
        Receipt {
            incarnation: INCARNATION,
            streams: vec![
                (DropletId::new(Uuid::from_u128(7)).into(), Version(3)),
                (JobId::new(Uuid::from_u128(8)).into(), Version(1)),
            ],
        }
    }

    #[test]
    fn a_receipt_survives_storage_and_its_form_is_known() {
        let text = receipt().to_text();
        // Stored receipts depend on this form.
        assert_eq!(
            text,
            "0:AAAAAAAAAAAAAAAAAAAABw:3;1:AAAAAAAAAAAAAAAAAAAACA:1"
        );
        let read = Receipt::of_text(&text, INCARNATION).expect("it decodes");
        assert_eq!(read, receipt());
        assert_eq!(read.subject(), DropletId::new(Uuid::from_u128(7)).into());
    }

    #[test]
    fn a_receipt_of_an_earlier_program_is_read() {
        let json = r#"[{"stream_type":0,"stream":"00000000-0000-0000-0000-000000000007","version":3},{"stream_type":1,"stream":"00000000-0000-0000-0000-000000000008","version":1}]"#;
        let read = Receipt::of_text(json, INCARNATION).expect("it decodes");
        assert_eq!(read, receipt());
    }

    #[test]
    fn a_receipt_of_a_newer_program_is_read_with_the_types_that_only_that_one_knows() {
        let text = "7:AAAAAAAAAAAAAAAAAAAAAA:3";
        let read = Receipt::of_text(text, INCARNATION).expect("it decodes");
        assert_eq!(read.subject().stream_type, StreamType::new(7));
        assert_eq!(read.to_text(), text);
    }

    #[test]
    fn a_receipt_without_streams_is_none() {
        for text in ["[]", "", "0:AAAA:1", "0:AAAAAAAAAAAAAAAAAAAABw:3:4"] {
            assert!(Receipt::of_text(text, INCARNATION).is_err(), "{text}");
        }
    }
}
