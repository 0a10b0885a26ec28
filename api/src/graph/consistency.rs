//! Lets clients read their own writes: a later request sends the token of a mutation.
//!
//! A query field takes the token as the argument `consistentWith`, a whole request as a header, and a
//! subscription as its argument `after`. A request with a token waits until the read models of its fields
//! show the write. The request fails if that takes too long; it never shows an older state.

use commands::token::Token;
use domain::ids::OrgId;
use projections::consistency::{NotShown, Write};
use projections::page::LogCursor;
use projections::reader::Reader;

use crate::graph::error::{self, Code, Error, Result, failure};
use crate::graph::execute::context::Context;

/// Waits until read models show the writes of the field's argument and of the request's header. They are those of
/// the field and of all below it.
///
/// # Errors
/// `BAD_USER_INPUT` for a token that is not one of the organization. `NOT_YET_CONSISTENT` at the timeout.
/// `STREAM_PARKED` if a read model could not apply the write. `LIMIT_EXCEEDED` if too many of the caller's fields or
/// of its organization's wait.
pub(crate) async fn wait(context: &Context, consistent_with: Option<String>) -> Result<()> {
    let request = context.request()?;
    let argument = consistent_with.map(|text| text.parse::<Token>());
    let argument = argument.transpose().map_err(|invalid| {
        let message = format!("`consistentWith`: {invalid}");
        failure(Code::BadUserInput, message)
    })?;
    let tokens = argument.iter().chain(&request.consistent_with);
    let writes: Vec<_> = tokens.flat_map(writes).collect();
    if writes.is_empty() {
        return Ok(());
    }
    let _waiting = context.begin_wait()?;
    let consistency = &context.services().consistency;
    let models = context.shown_models();
    let shown = consistency.shown(&request.principal.org, &writes, &models);
    shown.await.map_err(not_shown)
}

/// Waits like [`wait`], then returns the reader of queries and the organization of the request.
///
/// # Errors
/// The errors of [`wait`].
pub(crate) async fn reader(
    context: &Context,
    consistent_with: Option<String>,
) -> Result<(&Reader, &OrgId)> {
    wait(context, consistent_with).await?;
    Ok((
        &context.services().reader,
        &context.request()?.principal.org,
    ))
}

/// Returns the place of the last event of a write, after waiting until the event has one.
///
/// # Errors
/// The errors of [`wait`].
pub(crate) async fn position(context: &Context, token: &Token) -> Result<LogCursor> {
    let _waiting = context.begin_wait()?;
    let org = &context.request()?.principal.org;
    let writes: Vec<_> = writes(token).collect();
    let position = context.services().consistency.position(org, &writes);
    position.await.map_err(not_shown)
}

fn writes(token: &Token) -> impl Iterator<Item = Write> {
    let versions = token.streams.iter();
    versions.map(|(stream, version)| Write {
        incarnation: token.incarnation,
        stream: *stream,
        version: *version,
    })
}

fn not_shown(why: NotShown) -> Error {
    match why {
        NotShown::NotYet { lag_events } => {
            let message = "the write that the token names cannot be read yet: ask again in a moment, \
                           or without the token for an older state";
            failure(Code::NotYetConsistent, message).with("lagEvents", lag_events)
        }
        NotShown::UnknownStream => {
            let message = "the token names something that the organization does not have: send the \
                           `consistencyToken` of a mutation of this organization on this platform";
            failure(Code::BadUserInput, message)
        }
        NotShown::Parked => {
            let message = "the platform could not show the write that the token names, though it is recorded: \
                           tell its operator, and ask without the token for an older state";
            failure(Code::StreamParked, message)
        }
        NotShown::Lost(lost) => {
            let message = format!(
                "the write that the token names is lost ({lost}): read the present state without the token"
            );
            failure(Code::BadUserInput, message)
        }
        NotShown::TooMany => failure(Code::LimitExceeded, why.to_string()),
        NotShown::Stopping => failure(
            Code::Unavailable,
            "the process is stopping: send the request again",
        ),
        NotShown::Unknown(cause) => error::read_failed(cause),
    }
}
