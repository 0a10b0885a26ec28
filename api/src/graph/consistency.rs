//! Lets clients read their own writes: a later request sends the token of a mutation.
//!
//! A query field takes the token as the argument `consistentWith`, a whole request as a header, and a
//! subscription as its argument `after`. A request with a token waits until the read models of its fields
//! show the write. The request fails if that takes too long; it never shows an older state.

use async_graphql::{Context, Error, ErrorExtensions, Result};
use commands::token::Token;
use domain::ids::OrgId;
use projections::consistency::{NotShown, ReadModels};
use projections::page::Position;
use projections::reader::Reader;

use crate::graph::error::{self, Code, failure};
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

/// Waits until these read models show the writes of the field's argument and of the request's header.
///
/// # Errors
/// `BAD_USER_INPUT` for a token that is not one of the organization. `NOT_YET_CONSISTENT` at the timeout.
pub(crate) async fn wait(
    context: &Context<'_>,
    consistent_with: Option<String>,
    by: ReadModels<'_>,
) -> Result<()> {
    let request = RequestInfo::of(context)?;
    let argument = consistent_with.map(|text| text.parse::<Token>());
    let argument = argument.transpose().map_err(|invalid| {
        let message = format!("`consistentWith`: {invalid}");
        failure(Code::BadUserInput, message)
    })?;
    let tokens = argument.iter().chain(&request.consistent_with);
    let streams: Vec<_> = tokens.flat_map(|token| &token.streams).copied().collect();
    if streams.is_empty() {
        return Ok(());
    }
    let consistency = &context.data::<Services>()?.consistency;
    let shown = consistency.shown(&request.principal.org, &streams, by);
    shown.await.map_err(not_shown)
}

/// Waits like [`wait`], then returns the reader of queries and the organization of the request.
///
/// # Errors
/// The errors of [`wait`].
pub(crate) async fn reader<'request>(
    context: &Context<'request>,
    consistent_with: Option<String>,
    by: ReadModels<'_>,
) -> Result<(&'request Reader, &'request OrgId)> {
    wait(context, consistent_with, by).await?;
    let reader = &context.data::<Services>()?.reader;
    Ok((reader, &RequestInfo::of(context)?.principal.org))
}

/// Returns the position of the last event of a write, after waiting until the event has one.
///
/// # Errors
/// The errors of [`wait`].
pub(crate) async fn position(context: &Context<'_>, token: &Token) -> Result<Position> {
    let org = &RequestInfo::of(context)?.principal.org;
    let consistency = &context.data::<Services>()?.consistency;
    let position = consistency.position(org, &token.streams).await;
    position.map_err(not_shown)
}

fn not_shown(why: NotShown) -> Error {
    match why {
        NotShown::NotYet { lag_events } => {
            let message = "the write that the token names cannot be read yet: ask again in a moment, \
                           or without the token for an older state";
            failure(Code::NotYetConsistent, message)
                .extend_with(|_, extensions| extensions.set("lagEvents", lag_events))
        }
        NotShown::UnknownStream => {
            let message = "the token names something that the organization does not have: send the \
                           `consistencyToken` of a mutation of this organization on this platform";
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
