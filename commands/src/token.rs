//! The consistency token: what a client hands back in order to see its own write.
//!
//! Opaque to clients, and safe in a URL or a header: URL-safe base64 without padding over
//! `1;droplet:<uuid>:<version>;job:<uuid>:<version>`. The leading number is the version of the
//! form, so that a later form is told apart from garbage. A token is a wish to wait, not a
//! permission: whoever reads by it still sees the caller's organization only.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_store::envelope::{StreamId, Version};
use uuid::Uuid;

/// The version of the form that is written, and the only one that is read.
const FORM: &str = "1";
/// The most streams that a token may name, so that nobody can make a query wait for thousands.
const MAX_STREAMS: usize = 16;
/// Longer than any token of [`MAX_STREAMS`] streams.
const MAX_TEXT: usize = 2_048;

/// Which versions of which streams a receipt vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// At least one; the first is that of the aggregate which the command named.
    pub streams: Vec<(StreamId, Version)>,
}

/// A text that is no [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It was not made by this platform, or was changed or cut since.
    #[error(
        "this is not a consistency token: send the `token` of a mutation's answer unchanged, or \
         none at all"
    )]
    Malformed,
    /// It was made by a newer version of the platform.
    #[error(
        "the consistency token was made by a newer version of the platform: ask again when all of \
         it is up to date, or without a token"
    )]
    TooNew,
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = FORM.to_owned();
        for (stream, version) in &self.streams {
            let (kind, id) = (stream.stream_type, stream.uuid.simple());
            plain.push_str(&format!(";{kind}:{id}:{version}"));
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
        if form != FORM {
            let is_number = form.parse::<u32>().is_ok();
            return Err(if is_number {
                InvalidToken::TooNew
            } else {
                InvalidToken::Malformed
            });
        }
        let streams: Option<Vec<_>> = streams.split(';').map(place).collect();
        match streams {
            Some(streams) if streams.len() <= MAX_STREAMS => Ok(Self { streams }),
            Some(_) | None => Err(InvalidToken::Malformed),
        }
    }
}

fn place(text: &str) -> Option<(StreamId, Version)> {
    let mut parts = text.split(':');
    let stream_type = parts.next()?.parse().ok()?;
    let uuid = Uuid::try_parse(parts.next()?).ok()?;
    let version: i64 = parts.next()?.parse().ok()?;
    let complete = parts.next().is_none() && version > 0;
    complete.then_some((StreamId { stream_type, uuid }, Version(version)))
}

#[cfg(test)]
mod tests {
    use domain::stream_type::StreamType;

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
        let place = |_| {
            let stream_type = StreamType::new((next() % 4) as i16);
            let uuid = Uuid::from_u64_pair(next(), next());
            (
                StreamId { stream_type, uuid },
                Version((next() >> 1).max(1) as i64),
            )
        };
        Token {
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
        let too_many = "1".to_owned() + &format!(";job:{uuid}:1").repeat(MAX_STREAMS + 1);
        for bad in [
            String::new(),
            "hello".to_owned(),
            "ü".to_owned(),
            "A".repeat(100_000),
            encoded("1".to_owned()),
            encoded("1;".to_owned()),
            encoded(format!("x;job:{uuid}:1")),
            encoded(format!("1;job:{uuid}")),
            encoded(format!("1;job:{uuid}:0")),
            encoded(format!("1;job:{uuid}:-1")),
            encoded(format!("1;job:{uuid}:1:1")),
            encoded(format!("1;jobs:{uuid}:1")),
            encoded("1;job:me:1".to_owned()),
            encoded(too_many),
            encoded(format!("1;job:{uuid}:1")) + "=",
        ] {
            assert_eq!(bad.parse::<Token>(), Err(InvalidToken::Malformed), "{bad}");
        }
        assert!(
            InvalidToken::Malformed
                .to_string()
                .contains("send the `token`")
        );
    }

    #[test]
    fn a_token_of_a_newer_form_is_told_apart() {
        let newer = URL_SAFE_NO_PAD.encode("2;whatever");
        assert_eq!(newer.parse::<Token>(), Err(InvalidToken::TooNew));
    }
}
