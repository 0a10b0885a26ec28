//! The common part of all subscriptions: their start, their organization and their end.

use std::time::Duration;

use async_graphql::InputObject;
use commands::token::Token;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use projections::changes::{FollowError, Followed, Selection};
use projections::page::{LogCursor, log_position};

use crate::graph::consistency;
use crate::graph::error::{self, Code, Error, Result, failure};
use crate::graph::execute::context::Context;
use crate::graph::request::token_taken_for;

/// The interval of bookmarks.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(10);

/// The arguments that all subscriptions share.
#[derive(Debug, InputObject)]
pub(crate) struct Following {
    /// The cursor to continue after, or a mutation's `consistencyToken` to begin after its write.
    after: Option<String>,
    /// True to get a bookmark when nothing else came for 10 s: a message with a newer cursor and no event.
    #[graphql(default)]
    bookmarks: bool,
}

/// The delay between the end of a token and the end of its subscription. Transports end the subscription
/// earlier, each in its own way, and tell the client how to continue. The delay limits a subscription that
/// its transport fails to end.
const AFTER_TRANSPORTS: Duration = Duration::from_secs(1);

/// Returns what `take` takes of the selected changes of the request's organization, and of bookmarks if they are
/// wanted, until its token ends. The stream begins after a cursor, after the token of a mutation, or now. Without
/// `after`, a request that must show a write begins after that write.
///
/// Changes that are not selected or taken lead to bookmarks too, so that a client resumes after them.
///
/// # Errors
/// When `after` is neither a cursor of a position nor the token of a write. When the write has no position
/// before the timeout.
pub(crate) async fn follow<Item: Send + 'static>(
    context: &Context,
    arguments: &Following,
    selection: Selection,
    take: impl Fn(Followed) -> Option<Item> + Send + 'static,
) -> Result<BoxStream<'static, Result<Item>>> {
    let request = context.request()?;
    let after = match (&arguments.after, &request.consistent_with) {
        (Some(after), _) => Some(position(context, after).await?),
        (None, Some(token)) => Some(consistency::position(context, token).await?),
        (None, None) => None,
    };
    let bookmarks = arguments.bookmarks.then_some(BOOKMARK_INTERVAL);
    let changes = &context.services().changes;
    let changes = changes.follow(
        request.principal.org.clone(),
        selection,
        after,
        bookmarks,
        take,
    );
    let changes = changes.map(|change| change.map_err(ended));
    let end = token_taken_for(&request.principal) + AFTER_TRANSPORTS;
    Ok(until(changes, end).boxed())
}

async fn position(context: &Context, after: &str) -> Result<LogCursor> {
    if let Ok(cursor) = log_position(after) {
        return Ok(cursor);
    }
    let token: Token = after.parse().map_err(|_| invalid_cursor())?;
    consistency::position(context, &token).await
}

fn invalid_cursor() -> Error {
    let message = "`after` is neither a cursor of a subscription or of `events`, nor the \
                   `consistencyToken` of a mutation: send one that was received, unchanged";
    failure(Code::InvalidCursor, message)
}

/// Returns the stream until its first error, or until the end of the token, which is an error too.
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
        FollowError::BeyondHead { .. } | FollowError::Lost(_) => {
            failure(Code::InvalidCursor, error.to_string())
        }
        FollowError::OtherIncarnation => failure(Code::Unavailable, error.to_string()),
        FollowError::Store(_) => error::unavailable(&error),
        FollowError::Stopping => failure(Code::Unavailable, error.to_string()),
    }
}
