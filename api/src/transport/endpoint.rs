//! What the GraphQL endpoint is made of, the same for all transports.

use std::time::Duration;

use crate::admission::limits::MAX_BODY_BYTES;
use crate::identity::tokens::Auth;
use crate::transport::cors::Origin;
use crate::transport::send_budget::SendBudget;

/// What the GraphQL endpoint runs on.
///
/// The executor's schema must have the extension [`crate::graph::execution::TrackExecution`].
#[derive(Clone)]
pub struct Endpoint<E> {
    /// Runs documents.
    pub executor: E,
    /// Checks tokens.
    pub auth: Auth,
    /// What a WebSocket may take.
    pub limits: WebSocketLimits,
    /// Whose web pages may use it from a browser.
    pub origins: Vec<Origin>,
    /// What principals have not read yet.
    pub send_budget: SendBudget,
}

/// What a WebSocket may take, in time and in space.
#[derive(Debug, Clone, Copy)]
pub struct WebSocketLimits {
    /// How long a client may take until its `connection_init`.
    pub init: Duration,
    /// How often a client is pinged.
    pub ping_every: Duration,
    /// How long a client may say nothing, not even a pong, until it counts as dead.
    pub silence: Duration,
    /// How long a client may take until it read what is sent.
    pub write: Duration,
    /// How long the last messages and the closing handshake may take.
    pub closing: Duration,
    /// How many operations may run at once.
    pub operations: usize,
    /// How many messages may wait to be sent.
    pub queue: usize,
    /// The most bytes of a client's message.
    pub message_bytes: usize,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(3),
            ping_every: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            write: Duration::from_secs(10),
            closing: Duration::from_secs(2),
            operations: 50,
            queue: 64,
            message_bytes: MAX_BODY_BYTES,
        }
    }
}
