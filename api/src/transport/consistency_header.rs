//! The header `X-Consistency-Token`: what every field of a request must show.

use axum::http::{HeaderMap, HeaderName};
use commands::token::Token;

/// The header with a token for every field of a request.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-consistency-token");

/// The token in a request's headers, if there is one.
///
/// # Errors
/// A sentence for the client, when it is not one token.
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
