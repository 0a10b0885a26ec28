//! Chooses the form of a response by the `Accept` header of the request: one response in a media type, or a
//! stream of events.
//!
//! GraphQL over HTTP knows two media types, which differ in the meaning of a status. With
//! [`MediaType::GraphqlResponse`] the status gives the outcome. With [`MediaType::Json`], which older
//! clients request, every well-formed GraphQL response is 200. Quality values are honoured.

use axum::http::{HeaderMap, header};

/// A media type of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`: the status of a GraphQL response is always 200.
    Json,
    /// `application/graphql-response+json`: the status distinguishes request errors from results.
    GraphqlResponse,
}

/// The form of the response to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A single response.
    Response(MediaType),
    /// Server-sent events: each result as soon as it is ready, and the end.
    Events,
}

impl MediaType {
    /// Returns the value of the `Content-Type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

impl Delivery {
    /// All forms, with the default for a client without a preference first.
    const BY_PREFERENCE: [Self; 3] = [
        Self::Response(MediaType::Json),
        Self::Response(MediaType::GraphqlResponse),
        Self::Events,
    ];

    /// Returns the name by which a client requests the form.
    const fn media_type(self) -> &'static str {
        match self {
            Self::Response(MediaType::Json) => "application/json",
            Self::Response(MediaType::GraphqlResponse) => "application/graphql-response+json",
            Self::Events => "text/event-stream",
        }
    }
}

/// Returns the form that the client prefers, or [`MediaType::Json`] if the client does not say. Returns
/// `None` if the client accepts none of the forms.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<Delivery> {
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Some(Delivery::Response(MediaType::Json));
    }
    Delivery::BY_PREFERENCE
        .into_iter()
        .filter_map(|delivery| Some((delivery, rank(delivery, &ranges)?)))
        // `max_by_key` takes the last of equals; the first is the preferred one.
        .rev()
        .max_by_key(|(_, rank)| *rank)
        .map(|(delivery, _)| delivery)
}

/// The precision with which a range of an `Accept` header names a media type; a more precise range wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Anything,
    Application,
    Exact,
}

/// An element of an `Accept` header.
struct Range<'a> {
    name: &'a str,
    /// The quality in thousandths, 0 to 1,000; 0 means "not acceptable".
    quality: u16,
}

impl Range<'_> {
    fn precision(&self, delivery: Delivery) -> Option<Precision> {
        if self.name.eq_ignore_ascii_case(delivery.media_type()) {
            return Some(Precision::Exact);
        }
        // A stream of events is only for clients that name it: others could not read it.
        if delivery == Delivery::Events {
            return None;
        }
        if self.name == "*/*" {
            return Some(Precision::Anything);
        }
        self.name
            .eq_ignore_ascii_case("application/*")
            .then_some(Precision::Application)
    }
}

/// Returns the quality of the form by its most precise range, and that precision. Of two types with the
/// same quality, a named type beats a type that only matches a wildcard.
fn rank(delivery: Delivery, ranges: &[Range<'_>]) -> Option<(u16, Precision)> {
    ranges
        .iter()
        .filter_map(|range| Some((range.precision(delivery)?, range.quality)))
        .max()
        .filter(|(_, quality)| *quality > 0)
        .map(|(precision, quality)| (quality, precision))
}

/// Returns the elements of all `Accept` headers. A header that is not text counts as an element that names
/// nothing.
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

/// Returns a quality value in thousandths. A value that is not between 0 and 1 with at most three decimals
/// makes its range unacceptable, instead of a guess.
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

    const JSON: Option<Delivery> = Some(Delivery::Response(MediaType::Json));
    const GRAPHQL: Option<Delivery> = Some(Delivery::Response(MediaType::GraphqlResponse));

    fn chosen(accept: &str) -> Option<Delivery> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        negotiate(&headers)
    }

    #[test]
    fn without_a_preference_json_is_sent() {
        assert_eq!(negotiate(&HeaderMap::new()), JSON);
        for accept in [
            "*/*",
            "application/*",
            "",
            "application/json",
            "text/html, */*;q=0.1",
        ] {
            assert_eq!(chosen(accept), JSON, "{accept}");
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
            assert_eq!(chosen(accept), GRAPHQL, "{accept}");
        }
        for accept in [
            "application/graphql-response+json;q=0.9, application/json",
            "application/graphql-response+json, application/json",
            "application/graphql-response+json;q=0.2, application/*",
        ] {
            assert_eq!(chosen(accept), JSON, "{accept}");
        }
    }

    #[test]
    fn events_are_sent_to_who_names_them() {
        for accept in [
            "text/event-stream",
            "Text/Event-Stream; charset=utf-8",
            "text/event-stream, application/json;q=0.9",
            "text/event-stream, */*",
        ] {
            assert_eq!(chosen(accept), Some(Delivery::Events), "{accept}");
        }
        assert_eq!(chosen("text/event-stream, application/json"), JSON);
        assert_eq!(chosen("text/event-stream;q=0.1, */*"), JSON);
        assert_eq!(chosen("text/*"), None);
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
        assert_eq!(negotiate(&headers), GRAPHQL);
    }
}
