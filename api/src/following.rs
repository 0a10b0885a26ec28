//! What every subscription shares: where it begins, whose changes it carries, when it ends.

use std::time::Duration;

use async_graphql::{Context, Error, Result};
use futures_util::{Stream, StreamExt, stream};
use projections::{
    changes::{Change, FollowError},
    page::{Key, Sort},
};

use crate::{
    error::{self, Code, failure},
    request::RequestInfo,
    services::Services,
};

/// The changes of the request's organization after a cursor, or from now on, until its token ends.
///
/// # Errors
/// When `after` is no cursor of a position.
pub(crate) fn follow(
    context: &Context<'_>,
    after: Option<&str>,
) -> Result<impl Stream<Item = Result<Change>> + Send + use<>> {
    let request = RequestInfo::of(context)?;
    let after = match after.map(|cursor| Key::from_cursor(cursor, Sort::Position)) {
        None => None,
        Some(Ok(Key::Position(position))) => Some(position),
        Some(Ok(_) | Err(_)) => {
            let message = "`after` is not a cursor of a subscription or of `events`: send one that \
                           was received, unchanged";
            return Err(failure(Code::InvalidCursor, message));
        }
    };
    let changes = &context.data::<Services>()?.changes;
    let changes = changes.follow(request.principal.org.clone(), after);
    let changes = changes.map(|change| change.map_err(ended));
    Ok(until(changes, request.time_left()))
}

/// The stream until its first error, or until the token ends, which is an error too.
fn until<Item: Send>(
    changes: impl Stream<Item = Result<Item>> + Send,
    time_left: Duration,
) -> impl Stream<Item = Result<Item>> + Send {
    let running = Some((Box::pin(changes), Box::pin(tokio::time::sleep(time_left))));
    stream::unfold(running, async |running| {
        let (mut changes, mut end) = running?;
        tokio::select! {
            biased;
            () = &mut end => Some((Err(expired()), None)),
            change = changes.next() => match change? {
                Ok(change) => Some((Ok(change), Some((changes, end)))),
                Err(error) => Some((Err(error), None)),
            },
        }
    })
}

fn expired() -> Error {
    let message = "the token has expired: subscribe again with a new one, after the last cursor";
    failure(Code::Unauthenticated, message)
}

fn ended(error: FollowError) -> Error {
    match &error {
        FollowError::BeyondHead { .. } => failure(Code::InvalidCursor, error.to_string()),
        FollowError::Store(_) => error::unavailable(&error),
        FollowError::Stopping => failure(Code::Unavailable, error.to_string()),
    }
}
