//! An operation of a connection: a task that sends each result as soon as it is ready.

use async_graphql::{Executor, Request, ServerError};
use futures_util::StreamExt;

use super::outbox::Outbox;
use super::protocol::{self, Ending};
use crate::graph::execution::{Execution, Stage};

/// The outcome of an operation. The conversation reports it to the client, since only the conversation
/// knows whether the client still wants it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There are no more results.
    Completed,
    /// The operation never began: the document, its variables or its arguments are wrong.
    Refused(Vec<ServerError>),
    /// The whole connection must end.
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
        // Waits while the queue is full, which makes the source of the results wait too. The writer ends
        // the connection, and this task with it, at its timeout.
        if let Err(ending) = outbox.send(protocol::next(&id, response)).await {
            return Outcome::Unsendable(ending);
        }
    }
    Outcome::Completed
}
