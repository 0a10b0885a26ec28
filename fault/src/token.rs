//! The contents of a consistency token. Clients must not read them, but this check of the platform may.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A version of a stream in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) stream: Uuid,
    pub(crate) version: i64,
}

/// The versions in a token, that of the command's aggregate first; `None` if it is no token.
pub(crate) fn places(token: &str) -> Option<Vec<Place>> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = plain.split(';');
    match parts.next()? {
        "2" => {}
        // The incarnation of the log.
        "3" => drop(parts.next()?.parse::<Uuid>().ok()?),
        _ => return None,
    }
    let place = |text: &str| {
        let mut fields = text.split(':').skip(1);
        Some(Place {
            stream: fields.next()?.parse().ok()?,
            version: fields.next()?.parse().ok()?,
        })
    };
    parts.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_streams() {
        let stream = Uuid::from_u128(7);
        for form in ["2".to_owned(), format!("3;{}", Uuid::from_u128(9).simple())] {
            let token = URL_SAFE_NO_PAD.encode(format!("{form};0:{}:3", stream.simple()));
            assert_eq!(places(&token), Some(vec![Place { stream, version: 3 }]));
        }
        assert_eq!(places("hello"), None);
    }
}
