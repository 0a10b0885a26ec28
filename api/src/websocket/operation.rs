//! One operation of a connection: a task that sends its results, each when it is there.

use async_graphql::{Executor, Request, ServerError};
use axum::extract::ws::Message;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::protocol;
use crate::execution::{Execution, Stage};

/// How an operation ended. The conversation tells the client, since only it knows whether the client
/// still wants to hear of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There are no more results.
    Completed,
    /// It never began: the document, its variables or its arguments are wrong.
    Refused(Vec<ServerError>),
}

/// Runs the operation, which the client knows by this id.
pub(super) async fn run<E: Executor>(
    executor: E,
    id: String,
    request: Request,
    execution: Execution,
    out: mpsc::Sender<Message>,
) -> Outcome {
    let mut responses = executor.execute_stream(request, None);
    while let Some(response) = responses.next().await {
        if execution.stage() != Stage::Executing {
            return Outcome::Refused(response.errors);
        }
        // Waits while the queue is full, and with it the source of the results. The writer ends the
        // connection, and this task with it, if that takes too long.
        if out.send(protocol::next(&id, response)).await.is_err() {
            break;
        }
    }
    Outcome::Completed
}
