//! An operation of a connection: a task that sends each answer as soon as it is ready.

use futures_util::StreamExt;
use futures_util::stream;

use super::outbox::Outbox;
use super::protocol::{self, Ending};
use crate::graph::answer::{Answer, Stage};
use crate::identity::shares::Taken;
use crate::pipeline::Started;

/// The outcome of an operation. The conversation reports it to the client, since only the conversation
/// knows whether the client still wants it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There are no more answers.
    Completed,
    /// The operation never began: the document, its variables or its arguments are wrong.
    Refused(Answer),
    /// The whole connection must end.
    Unsendable(Ending),
}

/// Runs the started operation, which the client knows by this id, and which counts as a request in progress if it is
/// no subscription.
pub(super) async fn run(
    started: Started,
    id: String,
    outbox: Outbox,
    _in_progress: Option<Taken>,
) -> Outcome {
    let mut answers = match started {
        Started::Refused(answer) => return Outcome::Refused(answer),
        Started::One(answer) => stream::once(answer).boxed(),
        Started::Many(answers) => answers,
    };
    while let Some(answer) = answers.next().await {
        if answer.stage != Stage::Executed {
            return Outcome::Refused(answer);
        }
        // Waits while the queue is full, which makes the source of the answers wait too. The writer ends
        // the connection, and this task with it, at its timeout.
        if let Err(ending) = outbox.send(protocol::next(&id, &answer)).await {
            return Outcome::Unsendable(ending);
        }
    }
    Outcome::Completed
}
