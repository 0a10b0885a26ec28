//! GraphQL over a WebSocket: the protocol `graphql-transport-ws`, strictly.
//!
//! A single task owns all parts of a connection. The conversation reads, decides and owns the tasks of the
//! operations, and a writer beside it sends from a bounded queue. When either ends, the whole connection
//! ends. Nothing is buffered without bound: an operation that finds the queue full waits. A client that
//! does not read for [`WebSocketLimits::write`] is closed, and may reconnect and resume. The same applies
//! if its principal leaves too much unread on all its connections together
//! ([`crate::transport::send_budget`]). The module must never send anything after the close frame, nor
//! `complete` after the client's own.

mod conversation;
mod operation;
mod outbox;
mod protocol;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::conversation::Conversation;
use self::outbox::Queued;
use self::protocol::Ending;
use crate::pipeline::Executor;
use crate::transport::endpoint::{Endpoint, WebSocketLimits};
use crate::transport::server::{Connections, PlaceOfAddress};
use crate::transport::traceparent::traceparent;

/// The only subprotocol that is supported.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The bytes of the buffer for reading. Every connection keeps its buffer, and clears the free part of it before each
/// attempt to read. A longer message takes more room until it is handled.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// Upgrades the connection if the client supports our subprotocol; otherwise rejects it with 400. The connection keeps
/// the place of its client's address, if it has one.
pub(crate) fn upgrade<E: Executor>(
    upgrade: WebSocketUpgrade,
    headers: &HeaderMap,
    endpoint: Arc<Endpoint<E>>,
    connections: &Connections,
    place: Option<PlaceOfAddress>,
) -> Response {
    let limits = endpoint.limits;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        // The conversation rejects messages over the limit with a reason; this bounds the bytes that are
        // read.
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(limits.message_bytes.saturating_mul(2))
        .max_frame_size(limits.message_bytes.saturating_mul(2));
    if upgrade.selected_protocol().is_none() {
        let advice = format!("connect with the WebSocket subprotocol {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, advice).into_response();
    }
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let (outbox, queue) = outbox::new(limits.queue, endpoint.send_budget.of_strangers());
    let authorization = authorization.map(str::to_owned);
    let conversation = Conversation::new(endpoint, authorization, traceparent(headers), outbox);
    let tracked = connections.track();
    let span = tracing::info_span!(parent: tracing::Span::current(), "websocket", org.id = tracing::field::Empty);
    // axum runs the callback in a task of its own. The server tracks the task, signals it to close, and
    // ends it if it does not.
    upgrade.on_upgrade(move |socket| async move {
        let _place = place;
        let serving = serve(socket, conversation, queue, limits, tracked.stop());
        // In a box, because each future that a future is handed to would have room for it twice.
        tracked.run(Box::pin(serving.instrument(span))).await;
    })
}

/// Serves one connection until either side ends it.
async fn serve<E: Executor>(
    socket: WebSocket,
    conversation: Conversation<E>,
    queue: mpsc::Receiver<Box<Queued>>,
    limits: WebSocketLimits,
    stop: CancellationToken,
) {
    let _open = Open::count();
    let (mut sink, mut stream) = socket.split();
    let ending = {
        let mut writer = pin!(write(&mut sink, queue, limits.write));
        tokio::select! {
            // When this arm is taken, the conversation and all senders of the queue are dropped, so the
            // writer ends after the remaining messages.
            ending = conversation.run(&mut stream, &stop) => {
                match timeout(limits.closing, writer).await {
                    Ok(Err(lost)) => lost,
                    Ok(Ok(())) | Err(_) => ending,
                }
            }
            written = &mut writer => written.err().unwrap_or(Ending::Gone),
        }
    };
    tracing::debug!(reason = %ending, "a WebSocket ends");
    metrics::counter!("clustergenie_websocket_endings_total", "code" => ending.code().to_string())
        .increment(1);
    let closing = async {
        let sent = match ending.close_frame() {
            Some(frame) => sink.send(Message::Close(Some(frame))).await,
            None => sink.close().await,
        };
        // Reading on until the client has closed: closing a socket with unread input would reset the
        // connection, and the client might never see why.
        while sent.is_ok() && matches!(stream.next().await, Some(Ok(_))) {}
    };
    if timeout(limits.closing, closing).await.is_err() {
        tracing::debug!("a client did not close its WebSocket in time");
    }
}

/// Sends the messages in the queue until all senders are dropped.
///
/// # Errors
/// When the client did not read before the timeout, or is disconnected.
async fn write(
    sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin),
    mut queue: mpsc::Receiver<Box<Queued>>,
    time_limit: Duration,
) -> Result<(), Ending> {
    while let Some(first) = queue.recv().await {
        let sending = async {
            // They count as unread until they are written.
            let mut unread = vec![first.held];
            sink.feed(first.message).await?;
            // No more than were waiting: a client that reads steadily finishes in time.
            for _ in 0..queue.len() {
                let Ok(next) = queue.try_recv() else { break };
                unread.push(next.held);
                sink.feed(next.message).await?;
            }
            sink.flush().await
        };
        match timeout(time_limit, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Ending::Gone),
            Err(_) => return Err(Ending::slow_consumer()),
        }
    }
    Ok(())
}

/// Counts a connection as open while the value exists.
struct Open(metrics::Gauge);

impl Open {
    fn count() -> Self {
        let gauge = metrics::gauge!("clustergenie_websocket_connections");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
