//! The data that a transport adds to a request before its execution.
//!
//! Time and ids enter the program here: every resolver of one request sees the same time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use commands::context;
use commands::token::Token;
use domain::ids::CorrelationId;
use uuid::Uuid;

use crate::identity::principal::Principal;
use crate::identity::tokens::LEEWAY_SECONDS;

/// The data that every request carries. Without it, every field except introspection is rejected.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The sender of the request.
    pub principal: Principal,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The id that all effects of the request share.
    pub correlation_id: CorrelationId,
    /// The time of the request.
    pub received_at: DateTime<Utc>,
    /// The token of the writes that the whole request must show, if it sends one.
    pub consistent_with: Option<Token>,
}

impl RequestInfo {
    /// Describes a request that arrives now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: here the time of a request enters the program"
    )]
    pub fn now(principal: Principal, traceparent: Option<String>) -> Self {
        Self {
            principal,
            traceparent,
            correlation_id: new_id(),
            received_at: Utc::now(),
            consistent_with: None,
        }
    }

    /// Returns the context of a command of this request, at the time of the request and without a key.
    pub(crate) fn of_command(&self) -> context::Context {
        context::Context {
            org: self.principal.org.clone(),
            actor: self.principal.subject.clone(),
            credential: self.principal.credential.clone(),
            command_id: new_id(),
            correlation_id: self.correlation_id,
            causation_id: None,
            traceparent: self.traceparent.clone(),
            source: context::RequestSource::Api,
            occurred_at: self.received_at,
            idempotency_key: None,
        }
    }
}

/// The points that a request was charged.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// The points of its operation.
    pub(crate) cost: usize,
    /// The maximum number of points of the caller.
    pub(crate) limit: u32,
    /// The points that are left after the charge.
    pub(crate) remaining: u32,
    /// The time at which all points will be refilled.
    pub(crate) full_at: DateTime<Utc>,
}

/// Returns the time from now for which the principal's token is accepted.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: the clock tells when a token ends"
)]
pub(crate) fn token_taken_for(principal: &Principal) -> Duration {
    // The leeway is taken from now, because no time may be later than the last expiry.
    let now = Utc::now() - Duration::from_secs(LEEWAY_SECONDS);
    (principal.expires_at - now).to_std().unwrap_or_default()
}

/// Returns a new id of any kind; later ids sort after earlier ones.
#[expect(clippy::disallowed_methods, reason = "the edge: here ids are made")]
pub(crate) fn new_id<Id: From<Uuid>>() -> Id {
    Id::from(Uuid::now_v7())
}
