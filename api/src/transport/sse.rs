//! GraphQL over server-sent events: the protocol `graphql-sse` in its mode of distinct connections.
//!
//! A request that accepts `text/event-stream` is one operation of any type. Each result is an event `next`,
//! and the end is an event `complete`. Errors of the document are sent by a `next` too, since browsers hide
//! the body of a rejected event stream. A status rejects only a malformed request (no token, no JSON, a
//! mutation by GET), or a request without enough points. While there are no events, a comment keeps the
//! connection alive.
//!
//! A stream without `complete` was cut off: the client reconnects and resumes. So subscriptions end when
//! the server stops. Nothing is buffered: the next result is polled when the previous one is written. When
//! the client disconnects, or reads nothing until the timeout ([`crate::transport::server`]), its operation
//! is dropped with the stream.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{self, IntoResponse};
use futures_util::stream::{self, BoxStream, Peekable};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::graph::answer::Answer;
use crate::graph::error::{Code, failure};
use crate::identity::shares::Taken;
use crate::pipeline::Started;
use crate::transport::send_budget::Account;

/// The interval of comments while there is no event.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// The comment that keeps the connection alive.
const COMMENT: &[u8] = b":\n\n";

/// The last event. Its data is empty but present: browsers do not deliver an event without data.
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// The header that asks proxies of a widespread kind to pass every event on at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The context of an operation's events.
pub(crate) struct Events {
    /// The account that counts events until they are read.
    pub(crate) account: Account,
    /// The count of the request as one in progress, until its last event.
    pub(crate) in_progress: Taken,
    /// The time for which the token is accepted. Then the stream ends, after an error that says so.
    pub(crate) token_taken_for: Duration,
    /// The token that ends a subscription's stream when it is cancelled, without `complete`.
    pub(crate) stop: CancellationToken,
}

impl Events {
    /// Returns the response with the events of an operation.
    pub(crate) fn answer(self, started: Started) -> response::Response {
        // A query or a mutation that runs may finish, like every other request.
        let may_be_cut = matches!(started, Started::Many(_));
        let answers = match started {
            Started::Refused(answer) => stream::iter([answer]).boxed(),
            Started::One(answer) => stream::once(answer).boxed(),
            Started::Many(answers) => answers,
        };
        let operation = Operation {
            answers: AssertUnwindSafe(answers).catch_unwind().boxed().peekable(),
            account: self.account,
            _in_progress: self.in_progress,
            has_answer: false,
            may_be_cut,
            end: Instant::now() + self.token_taken_for,
            stop: self.stop,
        };
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (BUFFERING, "no"),
        ];
        let events = Body::from_stream(operation.events(Span::current()));
        (headers, events).into_response()
    }
}

/// An operation that runs while its events are polled.
struct Operation {
    answers: Peekable<BoxStream<'static, Result<Answer, Box<dyn Any + Send>>>>,
    account: Account,
    _in_progress: Taken,
    has_answer: bool,
    /// True if the operation may be ended before its first answer.
    may_be_cut: bool,
    /// The time from which the token is rejected.
    end: Instant,
    stop: CancellationToken,
}

/// The next step of an operation.
enum Step {
    /// No event yet.
    Silence,
    /// An answer, possibly followed by more.
    Answer(Answer),
    /// An error, and the end.
    Failure(Answer),
    Completed,
    /// The end of the stream, without an event.
    CutOff,
}

impl Operation {
    /// Returns the events, polled within the span of the request.
    fn events(self, span: Span) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(Some(self), move |operation| {
            async {
                let mut operation = operation?;
                let (event, operation) = match operation.step().await {
                    Step::Silence => (Bytes::from_static(COMMENT), Some(operation)),
                    Step::Answer(answer) => operation.answer(answer),
                    Step::Failure(answer) => (operation.last(&answer), None),
                    Step::Completed => (Bytes::from_static(COMPLETE), None),
                    Step::CutOff => return None,
                };
                Some((Ok(event), operation))
            }
            .instrument(span.clone())
        })
    }

    async fn step(&mut self) -> Step {
        // An operation that has sent its last answer is completed, not cut off.
        if self.has_answer
            && let Some(None) = Pin::new(&mut self.answers).peek().now_or_never()
        {
            return Step::Completed;
        }
        let may_be_cut = self.may_be_cut || self.has_answer;
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if may_be_cut => Step::CutOff,
            () = sleep_until(self.end), if may_be_cut => {
                let advice = "the token has expired: subscribe again with a new one, after the last \
                              cursor";
                Step::Failure(failed(Code::Unauthenticated, advice))
            }
            answer = self.answers.next() => match answer {
                Some(Ok(answer)) => {
                    self.has_answer = true;
                    Step::Answer(answer)
                }
                Some(Err(_)) => {
                    tracing::error!("an operation failed because a resolver panicked");
                    let advice = "the platform made a mistake: report it with the header x-request-id";
                    Step::Failure(failed(Code::Internal, advice))
                }
                None => Step::Completed,
            },
            () = sleep(KEEP_ALIVE) => Step::Silence,
        }
    }

    /// Returns the event that carries an answer, and the rest of the operation, if the send budget has room.
    /// Otherwise returns the events that end the stream.
    fn answer(self, answer: Answer) -> (Bytes, Option<Self>) {
        let event = next(&answer);
        match self.account.hold(event.len()) {
            Ok(held) => (held.bytes(event), Some(self)),
            Err(full) => {
                let advice = format!("{full}; then subscribe again after the last cursor");
                (self.last(&failed(Code::LimitExceeded, &advice)), None)
            }
        }
    }

    /// Returns the event that carries an error, and the end.
    fn last(&self, answer: &Answer) -> Bytes {
        let mut events = next(answer);
        events.extend_from_slice(COMPLETE);
        events.into()
    }
}

/// Returns the event that carries an answer. The JSON has no line breaks, so it is one line.
fn next(answer: &Answer) -> Vec<u8> {
    [b"event: next\ndata: ", answer.body.as_slice(), b"\n\n"].concat()
}

fn failed(code: Code, message: &str) -> Answer {
    Answer::failed(failure(code, message), None)
}
