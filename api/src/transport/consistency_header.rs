//! The header `X-Consistency-Token`: the writes that every field of a request must show.

use axum::http::{HeaderMap, HeaderName};
use commands::token::Token;

/// The name of the header with a token for every field of a request.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-consistency-token");

/// Returns the token in a request's headers, if there is one.
///
/// # Errors
/// When the header is not one token. The error is a sentence for the client.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<Token>, String> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(format!("`{HEADER}` is given twice: send the last token"));
    }
    let token = value.to_str().unwrap_or_default().parse::<Token>();
    token
        .map(Some)
        .map_err(|invalid| format!("`{HEADER}`: {invalid}"))
}
