//! Reads the token in an authorization of the scheme `Bearer`.

use axum::http::{HeaderMap, header};

/// The advice for a client without a token; a part of every rejection for lack of a token.
pub(crate) const TOKEN_ADVICE: &str = "get a token with `clustergenie token`";

/// Returns the token of an `Authorization: Bearer` header, if there is one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    without_scheme(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// Returns the token in the value of an authorization, if its scheme is `Bearer`.
pub(crate) fn without_scheme(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
