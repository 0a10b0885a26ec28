//! The conversation on one connection: the rules of the protocol, and the running operations.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Message;
use futures_util::{Stream, StreamExt};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, interval_at, sleep, sleep_until};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::operation::{self, Outcome};
use super::outbox::Outbox;
use super::protocol::{self, ClientMessage, Ending};
use crate::admission::rate_limit::REFUSAL_DELAY;
use crate::graph::answer::{Answer, Stage};
use crate::graph::error::{Code, failure};
use crate::graph::request::{RequestInfo, token_taken_for};
use crate::identity::principal::Principal;
use crate::identity::shares::Taken;
use crate::pipeline::{Carries, Executor, Started};
use crate::transport::bearer::{TOKEN_ADVICE, without_scheme};
use crate::transport::endpoint::Endpoint;
use crate::transport::params::Params;

/// The maximum number of bytes that a client may send before its login: a token and some pings.
const MAX_STRANGER_BYTES: usize = 32 * 1024;

/// The maximum number of bytes of a message that is read without points: the end of an operation, or a ping.
const MAX_FREE_BYTES: usize = 1024;

/// The server's side of the protocol on one connection. Dropping it aborts its operations.
pub(super) struct Conversation<E> {
    endpoint: Arc<Endpoint<E>>,
    /// The `Authorization` header of the upgrade request, for clients that can send one.
    authorization: Option<String>,
    traceparent: Option<String>,
    outbox: Outbox,
    login: Login,
    /// The count of the connection as one of its principal, from the login on.
    place: Option<Taken>,
    /// The number of bytes that the client sent before its login.
    stranger_bytes: usize,
    operations: JoinSet<Outcome>,
    running: HashMap<String, Running>,
    /// The time of the client's last message.
    heard: Instant,
}

/// An operation that runs.
struct Running {
    task: AbortHandle,
    kind: Kind,
}

/// The kind of an operation: with one answer or with many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A query or a mutation, which ends by itself within its time limit.
    One,
    /// A subscription.
    Many,
}

/// The state of the login: the client sends its token in `connection_init`.
enum Login {
    Awaited,
    Done(Principal),
}

impl<E: Executor> Conversation<E> {
    /// Creates a conversation that has not begun, and that answers into `outbox`.
    pub(super) fn new(
        endpoint: Arc<Endpoint<E>>,
        authorization: Option<String>,
        traceparent: Option<String>,
        outbox: Outbox,
    ) -> Self {
        Self {
            endpoint,
            authorization,
            traceparent,
            outbox,
            login: Login::Awaited,
            place: None,
            stranger_bytes: 0,
            operations: JoinSet::new(),
            running: HashMap::new(),
            heard: Instant::now(),
        }
    }

    /// Runs the conversation until there is a reason to end the connection.
    pub(super) async fn run(
        mut self,
        incoming: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
        stop: &CancellationToken,
    ) -> Ending {
        match self.talk(incoming, stop).await {
            Err(ending) => ending,
        }
    }

    async fn talk(
        &mut self,
        incoming: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
        stop: &CancellationToken,
    ) -> Result<Infallible, Ending> {
        self.heard = Instant::now();
        let mut init = pin!(sleep(self.endpoint.limits.init));
        let mut expiry = pin!(sleep(Duration::MAX));
        let mut pings = interval_at(
            Instant::now() + self.endpoint.limits.ping_every,
            self.endpoint.limits.ping_every,
        );
        loop {
            let logged_in = matches!(self.login, Login::Done(_));
            tokio::select! {
                () = stop.cancelled() => {
                    self.finish().await?;
                    return Err(Ending::closed(1001, "the server stops: reconnect and resume"));
                }
                () = &mut init, if !logged_in => {
                    return Err(Ending::closed(4408, "Connection initialisation timeout"));
                }
                () = &mut expiry, if logged_in => {
                    return Err(Ending::forbidden("the token expired: reconnect with a new one"));
                }
                () = sleep_until(self.heard + self.endpoint.limits.silence) => {
                    return Err(Ending::closed(4408, "no sign of life: answer pings with pongs"));
                }
                _ = pings.tick(), if logged_in => {
                    // The frame is answered by every client's library, so it finds dead peers. The message
                    // is visible to pages in browsers, so it lets them find a dead server.
                    self.send(Message::Ping(Default::default())).await?;
                    self.send(protocol::ping()).await?;
                }
                Some(ended) = self.operations.join_next_with_id() => self.ended(ended).await?,
                message = incoming.next() => {
                    let Some(message) = message else { return Err(Ending::Gone) };
                    let message = message.map_err(unreadable)?;
                    self.heard = Instant::now();
                    self.hear(message).await?;
                    if !logged_in && let Login::Done(principal) = &self.login {
                        expiry.set(sleep(token_taken_for(principal)));
                    }
                }
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Ending> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Ending::invalid("send text, not binary messages")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Ending::Gone),
        };
        if text.len() > self.endpoint.limits.message_bytes {
            return Err(too_big());
        }
        let Login::Done(principal) = &self.login else {
            self.stranger_bytes = self.stranger_bytes.saturating_add(text.len());
            if self.stranger_bytes > MAX_STRANGER_BYTES {
                return Err(too_big());
            }
            return self.act(&text).await;
        };
        let info = RequestInfo::now(principal.clone(), None);
        if let Err(refused) = self.endpoint.executor.receive(&info, text.len()) {
            if let Some(id) = protocol::subscribed(&text)
                && !self.running.contains_key(&id)
            {
                return self.refuse_slowly(&id, &refused).await;
            }
            // Nothing is read from the client meanwhile.
            sleep(REFUSAL_DELAY).await;
            if text.len() > MAX_FREE_BYTES {
                return Err(Ending::closed(
                    1013,
                    "too few points for a message of this size: wait, and reconnect",
                ));
            }
        }
        self.act(&text).await
    }

    async fn act(&mut self, text: &str) -> Result<(), Ending> {
        match ClientMessage::parse(text)? {
            ClientMessage::Init { authorization } => self.init(authorization).await,
            ClientMessage::Ping { payload } => self.send(protocol::pong(payload.as_ref())).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, params } => self.subscribe(id, params).await,
            ClientMessage::Complete { id } => {
                if let Some(operation) = self.running.remove(&id) {
                    operation.task.abort();
                }
                Ok(())
            }
        }
    }

    async fn init(&mut self, authorization: Option<String>) -> Result<(), Ending> {
        if matches!(self.login, Login::Done(_)) {
            return Err(Ending::closed(4429, "Too many initialisation requests"));
        }
        let Some(authorization) = authorization.or(self.authorization.take()) else {
            return Err(Ending::forbidden(format!(
                "`authorization` is missing in connection_init's payload; {TOKEN_ADVICE}"
            )));
        };
        let token = without_scheme(&authorization).unwrap_or(authorization.trim());
        let principal = self
            .endpoint
            .auth
            .authenticate(token)
            .map_err(|error| Ending::forbidden(format!("{error}; {TOKEN_ADVICE}")))?;
        let taken = self.endpoint.shares.websockets.take(&principal);
        let place = taken.map_err(|exceeded| Ending::too_many(exceeded.to_string()))?;
        tracing::Span::current().record("org.id", principal.org.as_str());
        self.outbox
            .count_for(self.endpoint.send_budget.of(&principal));
        self.login = Login::Done(principal);
        self.place = Some(place);
        self.send(protocol::connection_ack()).await
    }

    async fn subscribe(&mut self, id: String, params: Params) -> Result<(), Ending> {
        let Login::Done(principal) = &self.login else {
            return Err(Ending::closed(4401, "Unauthorized"));
        };
        if self.running.contains_key(&id) {
            return Err(Ending::Closed {
                code: 4409,
                reason: format!("Subscriber for {id} already exists").into(),
            });
        }
        if self.running.len() >= self.endpoint.limits.operations {
            let message = format!(
                "this connection runs {} operations already: complete one first",
                self.endpoint.limits.operations
            );
            return self.refuse(&id, Code::LimitExceeded, &message).await;
        }
        let in_progress = match self.endpoint.shares.requests.take(principal) {
            Ok(in_progress) => in_progress,
            Err(exceeded) => {
                return self
                    .refuse(&id, Code::LimitExceeded, &exceeded.to_string())
                    .await;
            }
        };
        let info = RequestInfo::now(principal.clone(), self.traceparent.clone());
        let span = tracing::info_span!(
            "operation",
            operation.id = %id,
            org.id = info.principal.org.as_str(),
            correlation.id = %info.correlation_id,
        );
        // Started here, so that the parameters of many operations are never in memory together.
        let request = params.into_request(Carries::Everything, info);
        let started = span.in_scope(|| self.endpoint.executor.start(request));
        if let Started::Refused(answer) = &started
            && answer.stage == Stage::RateLimited
        {
            return self.refuse_slowly(&id, answer).await;
        }
        let kind = match &started {
            Started::Refused(_) | Started::One(_) => Kind::One,
            Started::Many(_) => Kind::Many,
        };
        // Subscriptions are counted as such.
        let in_progress = (kind == Kind::One).then_some(in_progress);
        let operation = operation::run(started, id.clone(), self.outbox.clone(), in_progress);
        let task = self.operations.spawn(operation.instrument(span));
        self.running.insert(id, Running { task, kind });
        Ok(())
    }

    /// Ends the subscriptions, and waits until the queries and mutations have been answered. No further
    /// operation is read from the client, which sends it again after the close.
    async fn finish(&mut self) -> Result<(), Ending> {
        let subscriptions = self
            .running
            .extract_if(|_, operation| operation.kind == Kind::Many);
        subscriptions.for_each(|(_, subscription)| subscription.task.abort());
        while let Some(ended) = self.operations.join_next_with_id().await {
            self.ended(ended).await?;
        }
        Ok(())
    }

    /// Reports the end of an operation to the client, unless the client ended the operation.
    async fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) -> Result<(), Ending> {
        let task = match &ended {
            Ok((task, _)) => *task,
            Err(failed) => failed.id(),
        };
        let Some(id) = self
            .running
            .extract_if(|_, operation| operation.task.id() == task)
            .map(|(id, _)| id)
            .next()
        else {
            return Ok(());
        };
        match ended {
            Ok((_, Outcome::Completed)) => self.send(protocol::complete(&id)).await,
            Ok((_, Outcome::Refused(answer))) => self.send(protocol::error(&id, &answer)).await,
            Ok((_, Outcome::Unsendable(ending))) => Err(ending),
            Err(_) => {
                tracing::error!(
                    operation.id = id,
                    "an operation failed because a resolver panicked"
                );
                self.refuse(
                    &id,
                    Code::Internal,
                    "the platform made a mistake: report it",
                )
                .await
            }
        }
    }

    async fn refuse(&mut self, id: &str, code: Code, message: &str) -> Result<(), Ending> {
        let answer = Answer::failed(failure(code, message), None);
        self.send(protocol::error(id, &answer)).await
    }

    /// Refuses an operation for lack of points. Nothing is read from the client meanwhile.
    async fn refuse_slowly(&mut self, id: &str, answer: &Answer) -> Result<(), Ending> {
        sleep(REFUSAL_DELAY).await;
        self.send(protocol::error(id, answer)).await
    }

    /// Puts a message into the queue. While it waits for room, nothing is read from the client, so a client
    /// that floods the server with pings only slows itself.
    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        self.outbox.send(message).await
    }
}

fn too_big() -> Ending {
    Ending::closed(1009, "the message is too big")
}

fn unreadable(error: axum::Error) -> Ending {
    let error = error.into_inner();
    match error.downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => too_big(),
        _ => Ending::closed(1002, "not a WebSocket frame"),
    }
}
