//! One operation of a connection: a task that sends its results, each when it is there.

use async_graphql::{Executor, Request, ServerError};
use futures_util::StreamExt;

use super::outbox::Outbox;
use super::protocol::{self, Ending};
use crate::graph::execution::{Execution, Stage};

/// How an operation ended. The conversation tells the client, since only it knows whether the client
/// still wants to hear of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There are no more results.
    Completed,
    /// It never began: the document, its variables or its arguments are wrong.
    Refused(Vec<ServerError>),
    /// The whole connection is to end.
    Unsendable(Ending),
}

/// Runs the operation, which the client knows by this id.
pub(super) async fn run<E: Executor>(
    executor: E,
    id: String,
    request: Request,
    execution: Execution,
    outbox: Outbox,
) -> Outcome {
    let mut responses = executor.execute_stream(request, None);
    while let Some(response) = responses.next().await {
        if execution.stage() != Stage::Executing {
            return Outcome::Refused(response.errors);
        }
        // Waits while the queue is full, and with it the source of the results. The writer ends the
        // connection, and this task with it, if that takes too long.
        if let Err(ending) = outbox.send(protocol::next(&id, response)).await {
            return Outcome::Unsendable(ending);
        }
    }
    Outcome::Completed
}
