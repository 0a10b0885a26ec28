//! The consistency token, which a client sends back in order to see its own write.
//!
//! The token is opaque to clients, and safe in a URL or a header. It is URL-safe base64 without padding
//! over `3;<incarnation>;0:<uuid>:<version>;1:<uuid>:<version>`, each stream with the code of its type. The leading
//! number is the version of the form, so that a later form differs from garbage. Form 2 has no incarnation: it
//! belongs to the first one of the log, and is still read. Codes are passed on
//! even if this program does not know them. An older program reads the token of a newer one, and waits for
//! what its own read models make of it. A token is a request to wait, not a permission: its holder still
//! sees the caller's organization only.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::stream_type::StreamType;
use event_store::envelope::{Shard, StreamId, Version};
use event_store::incarnation::IncarnationId;
use uuid::Uuid;

/// The version of the form that is written.
const FORM: u32 = 3;
/// The version of the form without an incarnation.
const WITHOUT_INCARNATION: u32 = 2;

/// The most streams that a token may name, and that a command may write. So no client can make a query wait
/// for thousands, and every accepted command has a token.
pub const MAX_STREAMS: usize = 64;

/// The longest text that is read as a token, in bytes: longer than any token of [`MAX_STREAMS`] streams.
const MAX_TEXT: usize = 8_192;

/// The versions of streams that a command has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The incarnation of the log in which the streams have these versions; `None` in tokens of programs that knew
    /// none, which belong to the first.
    pub incarnation: Option<IncarnationId>,
    /// The streams and their versions, at least one. The first is the stream of the aggregate that the
    /// command named.
    pub streams: Vec<(StreamId, Version)>,
}

/// A text that is no [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// The text was not made by this platform, or was changed or cut since.
    #[error(
        "this is not a consistency token: send the `consistencyToken` of a mutation's answer unchanged, or \
         none at all"
    )]
    Malformed,
    /// The token was made by a newer version of the platform.
    #[error(
        "the consistency token was made by a newer version of the platform: ask again when all of \
         it is up to date, or without a token"
    )]
    TooNew,
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = match self.incarnation {
            Some(IncarnationId(id)) => format!("{FORM};{}", id.simple()),
            None => WITHOUT_INCARNATION.to_string(),
        };
        for (stream, version) in &self.streams {
            let (code, id) = (stream.stream_type.code(), stream.uuid.simple());
            plain.push_str(&format!(";{code}:{id}:{version}"));
        }
        formatter.write_str(&URL_SAFE_NO_PAD.encode(plain))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        if text.len() > MAX_TEXT {
            return Err(InvalidToken::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| InvalidToken::Malformed)?;
        let plain = std::str::from_utf8(&bytes).map_err(|_| InvalidToken::Malformed)?;
        let (form, streams) = plain.split_once(';').ok_or(InvalidToken::Malformed)?;
        let (incarnation, streams) = match form.parse::<u32>() {
            Ok(FORM) => {
                let (id, streams) = streams.split_once(';').ok_or(InvalidToken::Malformed)?;
                let id = Uuid::try_parse(id).map_err(|_| InvalidToken::Malformed)?;
                (Some(IncarnationId(id)), streams)
            }
            Ok(WITHOUT_INCARNATION) => (None, streams),
            Ok(newer) if newer > FORM => return Err(InvalidToken::TooNew),
            Ok(_) | Err(_) => return Err(InvalidToken::Malformed),
        };
        let streams: Option<Vec<_>> = streams.split(';').map(place).collect();
        match streams {
            Some(streams) if streams.len() <= MAX_STREAMS => Ok(Self {
                incarnation,
                streams,
            }),
            Some(_) | None => Err(InvalidToken::Malformed),
        }
    }
}

fn place(text: &str) -> Option<(StreamId, Version)> {
    let mut parts = text.split(':');
    let code: i16 = parts.next()?.parse().ok()?;
    let stream_type = StreamType::new(code);
    let uuid = Uuid::try_parse(parts.next()?).ok()?;
    let version: i64 = parts.next()?.parse().ok()?;
    let is_possible = (0..=Shard::MAX_TYPE_CODE).contains(&code) && version > 0;
    let is_complete = parts.next().is_none();
    (is_possible && is_complete).then_some((StreamId { stream_type, uuid }, Version(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pseudo-random sequence, the same in every run.
    fn numbers() -> impl Iterator<Item = u64> {
        std::iter::successors(Some(0x9e37_79b9_7f4a_7c15_u64), |n| {
            let n = n ^ (n << 13);
            let n = n ^ (n >> 7);
            Some(n ^ (n << 17))
        })
    }

    fn some_token(numbers: &mut impl Iterator<Item = u64>) -> Token {
        let mut next = || numbers.next().expect("the sequence does not end");
        let streams = 1 + next() % MAX_STREAMS as u64;
        let incarnation =
            (next() % 4 > 0).then(|| IncarnationId(Uuid::from_u64_pair(next(), next())));
        let place = |_| {
            let stream_type = StreamType::new((next() % 4_096) as i16);
            let uuid = Uuid::from_u64_pair(next(), next());
            (
                StreamId { stream_type, uuid },
                Version((next() >> 1).max(1) as i64),
            )
        };
        Token {
            incarnation,
            streams: (0..streams).map(place).collect(),
        }
    }

    #[test]
    fn every_token_is_read_as_it_was_written() {
        let mut numbers = numbers();
        for _ in 0..1_000 {
            let token = some_token(&mut numbers);
            let text = token.to_string();
            let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            assert!(text.chars().all(safe) && text.len() <= MAX_TEXT, "{text}");
            assert_eq!(text.parse(), Ok(token));
        }
    }

    #[test]
    fn a_token_that_was_cut_or_changed_is_never_taken_for_the_same() {
        let mut numbers = numbers();
        for _ in 0..200 {
            let token = some_token(&mut numbers);
            let text = token.to_string();
            for end in 0..text.len() {
                assert_ne!(text[..end].parse(), Ok(token.clone()), "{}", &text[..end]);
            }
            let at = numbers.next().expect("the sequence does not end") as usize % text.len();
            let mut changed = text.into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("it stays ASCII");
            assert_ne!(changed.parse(), Ok(token));
        }
    }

    #[test]
    fn garbage_is_refused_with_a_sentence_that_says_what_to_do() {
        let uuid = Uuid::nil().simple();
        let encoded = |plain: String| URL_SAFE_NO_PAD.encode(plain);
        let too_many = "2".to_owned() + &format!(";1:{uuid}:1").repeat(MAX_STREAMS + 1);
        for bad in [
            String::new(),
            "hello".to_owned(),
            "ü".to_owned(),
            "A".repeat(100_000),
            encoded("2".to_owned()),
            encoded("2;".to_owned()),
            encoded(format!("x;1:{uuid}:1")),
            encoded(format!("1;1:{uuid}:1")),
            encoded(format!("2;1:{uuid}")),
            encoded(format!("2;1:{uuid}:0")),
            encoded(format!("2;1:{uuid}:-1")),
            encoded(format!("2;1:{uuid}:1:1")),
            encoded(format!("2;job:{uuid}:1")),
            encoded(format!("2;-1:{uuid}:1")),
            encoded(format!("2;4096:{uuid}:1")),
            encoded("2;1:me:1".to_owned()),
            encoded(format!("3;1:{uuid}:1")),
            encoded(format!("3;me;1:{uuid}:1")),
            encoded(format!("3;{uuid};")),
            encoded(format!("3;{uuid}")),
            encoded(format!("2;{uuid};1:{uuid}:1")),
            encoded(too_many),
            encoded(format!("2;1:{uuid}:1")) + "=",
        ] {
            assert_eq!(bad.parse::<Token>(), Err(InvalidToken::Malformed), "{bad}");
        }
        assert!(
            InvalidToken::Malformed
                .to_string()
                .contains("send the `consistencyToken`")
        );
    }

    #[test]
    fn a_token_of_a_newer_program_is_read_with_the_types_that_only_that_one_knows() {
        let text = URL_SAFE_NO_PAD.encode(format!("2;7:{}:3", Uuid::nil().simple()));
        let token: Token = text.parse().expect("is a token");
        let stream = StreamId {
            stream_type: StreamType::new(7),
            uuid: Uuid::nil(),
        };
        assert_eq!(token.streams, [(stream, Version(3))]);
        assert_eq!(token.to_string(), text);
    }

    #[test]
    fn the_forms_are_known() {
        let id = Uuid::from_u128(9).simple();
        let streams = format!("0:{}:3", Uuid::from_u128(7).simple());
        let of = |plain: String| -> Token {
            let text = URL_SAFE_NO_PAD.encode(plain);
            let token: Token = text.parse().expect("is a token");
            assert_eq!(token.to_string(), text);
            token
        };
        let now = of(format!("3;{id};{streams}"));
        assert_eq!(now.incarnation, Some(IncarnationId(Uuid::from_u128(9))));
        let before = of(format!("2;{streams}"));
        assert_eq!((before.incarnation, before.streams), (None, now.streams));
    }

    #[test]
    fn a_token_of_a_newer_form_is_told_apart() {
        let newer = URL_SAFE_NO_PAD.encode("4;whatever");
        assert_eq!(newer.parse::<Token>(), Err(InvalidToken::TooNew));
    }
}
