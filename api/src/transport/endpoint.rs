//! The components of the GraphQL endpoint, the same for all transports.

use std::time::Duration;

use crate::admission::limits::MAX_BODY_BYTES;
use crate::identity::shares::Shares;
use crate::identity::tokens::Auth;
use crate::transport::cors::Origin;
use crate::transport::send_budget::SendBudget;

/// The components of the GraphQL endpoint.
pub struct Endpoint<E> {
    /// Runs requests.
    pub executor: E,
    /// Checks tokens.
    pub auth: Auth,
    /// The limits of a WebSocket.
    pub limits: WebSocketLimits,
    /// The origins of the web pages that may use the endpoint from a browser.
    pub origins: Vec<Origin>,
    /// The budget of bytes that principals have not read yet.
    pub send_budget: SendBudget,
    /// The shares of principals and organizations.
    pub shares: Shares,
}

/// The limits of a WebSocket, in time and in space.
#[derive(Debug, Clone, Copy)]
pub struct WebSocketLimits {
    /// The timeout of a client's `connection_init`.
    pub init: Duration,
    /// The interval between the pings to a client.
    pub ping_every: Duration,
    /// The time without any message of the client, even a pong, after which the client counts as dead.
    pub silence: Duration,
    /// The timeout of a client for reading the messages that are sent.
    pub write: Duration,
    /// The timeout of the last messages and the closing handshake.
    pub closing: Duration,
    /// The maximum number of operations that run at once.
    pub operations: usize,
    /// The maximum number of messages that wait to be sent.
    pub queue: usize,
    /// The maximum number of bytes of a client's message.
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
