//! What a transport knows of a request, and puts into it before it is executed.
//!
//! Time and ids enter the program here: every resolver of one request sees the same time.

use std::time::Duration;

use async_graphql::Context;
use chrono::{DateTime, Utc};
use commands::token::Token;
use domain::ids::CorrelationId;
use uuid::Uuid;

use crate::graph::error::{Code, failure};
use crate::identity::principal::Principal;
use crate::identity::tokens::LEEWAY_SECONDS;

/// What every request carries as data: without it, every field but introspection is refused.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Who asks.
    pub principal: Principal,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// Shared by everything that the request sets in motion.
    pub correlation_id: CorrelationId,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// What all of it must show, if it says so.
    pub consistent_with: Option<Token>,
}

impl RequestInfo {
    /// Describes a request that comes in now.
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

    /// The data of the request that this field is resolved for.
    pub(crate) fn of<'request>(
        context: &Context<'request>,
    ) -> async_graphql::Result<&'request Self> {
        context
            .data_opt()
            .ok_or_else(|| failure(Code::Unauthenticated, "send a token with the request"))
    }
}

/// How long from now the principal's token is still taken.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: the clock tells when a token ends"
)]
pub(crate) fn token_taken_for(principal: &Principal) -> Duration {
    let end = principal.expires_at + Duration::from_secs(LEEWAY_SECONDS);
    (end - Utc::now()).to_std().unwrap_or_default()
}

/// A new id of any kind; later ones sort after earlier ones.
#[expect(clippy::disallowed_methods, reason = "the edge: here ids are made")]
pub(crate) fn new_id<Id: From<Uuid>>() -> Id {
    Id::from(Uuid::now_v7())
}
