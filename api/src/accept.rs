//! Which media type a response is sent in, chosen by the request's `Accept` header.
//!
//! GraphQL over HTTP knows two. They differ in what a status means: with
//! [`MediaType::GraphqlResponse`] the status tells the outcome, with [`MediaType::Json`], which older
//! clients ask for, every well-formed GraphQL response is 200. Quality values are honoured.

use axum::http::{HeaderMap, header};

/// A media type that responses can be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`: the status of a GraphQL response is always 200.
    Json,
    /// `application/graphql-response+json`: the status tells request errors from results.
    GraphqlResponse,
}

impl MediaType {
    /// All media types, the one first that is taken when the client has no preference.
    const BY_PREFERENCE: [Self; 2] = [Self::Json, Self::GraphqlResponse];

    /// The value of the `Content-Type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The part after `application/`.
    const fn subtype(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::GraphqlResponse => "graphql-response+json",
        }
    }
}

/// The media type the client likes best among those we have, [`MediaType::Json`] if it does not say,
/// and nothing if it accepts none of them.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<MediaType> {
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Some(MediaType::Json);
    }
    MediaType::BY_PREFERENCE
        .into_iter()
        .filter_map(|media_type| Some((media_type, rank(media_type, &ranges)?)))
        // `max_by_key` takes the last of equals; the first is the preferred one.
        .rev()
        .max_by_key(|(_, rank)| *rank)
        .map(|(media_type, _)| media_type)
}

/// How well one range of an `Accept` header names a media type; a better name wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Anything,
    Application,
    Exact,
}

/// One element of an `Accept` header.
struct Range<'a> {
    name: &'a str,
    /// The quality in thousandths, 0 to 1,000; 0 means "not this".
    quality: u16,
}

impl Range<'_> {
    fn precision(&self, media_type: MediaType) -> Option<Precision> {
        if self.name == "*/*" {
            return Some(Precision::Anything);
        }
        let (kind, subtype) = self.name.split_once('/')?;
        if !kind.eq_ignore_ascii_case("application") {
            None
        } else if subtype == "*" {
            Some(Precision::Application)
        } else {
            subtype
                .eq_ignore_ascii_case(media_type.subtype())
                .then_some(Precision::Exact)
        }
    }
}

/// The quality the client gives the media type by its most precise range, and that precision: of two
/// types liked equally, the one named beats the one that only falls under a wildcard.
fn rank(media_type: MediaType, ranges: &[Range<'_>]) -> Option<(u16, Precision)> {
    ranges
        .iter()
        .filter_map(|range| Some((range.precision(media_type)?, range.quality)))
        .max()
        .filter(|(_, quality)| *quality > 0)
        .map(|(precision, quality)| (quality, precision))
}

/// The elements of all `Accept` headers. One that is no text counts as one that names nothing.
fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("unreadable").split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(range)
        .collect()
}

fn range(element: &str) -> Range<'_> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1_000, |(_, value)| quality(value.trim()));
    Range { name, quality }
}

/// A quality value in thousandths. One that is not between 0 and 1 with at most three decimals makes
/// its range unacceptable, rather than guessing.
fn quality(text: &str) -> u16 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = format!("{decimals:0<3}");
    if thousandths.len() > 3 || !thousandths.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match (whole, thousandths.parse()) {
        ("0", Ok(thousandths)) => thousandths,
        ("1", Ok(0)) => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        negotiate(&headers)
    }

    #[test]
    fn without_a_preference_json_is_sent() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(MediaType::Json));
        for accept in [
            "*/*",
            "application/*",
            "",
            "application/json",
            "text/html, */*;q=0.1",
        ] {
            assert_eq!(chosen(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn the_most_liked_type_is_sent() {
        for accept in [
            "application/graphql-response+json",
            "Application/GraphQL-Response+JSON; charset=utf-8",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json;q=0.5, application/graphql-response+json; q=0.501",
            "application/graphql-response+json, */*",
            "application/json;q=0, */*",
        ] {
            assert_eq!(chosen(accept), Some(MediaType::GraphqlResponse), "{accept}");
        }
        for accept in [
            "application/graphql-response+json;q=0.9, application/json",
            "application/graphql-response+json, application/json",
            "application/graphql-response+json;q=0.2, application/*",
        ] {
            assert_eq!(chosen(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn what_we_do_not_have_is_not_acceptable() {
        for accept in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "application/json;q=2",
            "application/json;q=0.1234",
            "*/*;q=0",
            "nonsense",
        ] {
            assert_eq!(chosen(accept), None, "{accept}");
        }
    }

    #[test]
    fn several_headers_count_as_one() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "text/html".parse().unwrap());
        headers.append(
            header::ACCEPT,
            "application/graphql-response+json".parse().unwrap(),
        );
        assert_eq!(negotiate(&headers), Some(MediaType::GraphqlResponse));
    }
}
