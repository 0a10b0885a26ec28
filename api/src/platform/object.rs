//! The GraphQL type `Platform`: the state of the platform itself.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use crate::graph::error;
use crate::graph::readiness::{Part, PartState};
use crate::graph::scalars::BigInt;
use crate::graph::services::Services;
use crate::projection::Projection;

/// The state of the platform.
pub(crate) struct Platform;

/// The state of the platform itself.
#[Object]
impl Platform {
    /// The version of the program that answers the request.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The last position of the history, over all organizations; `"0"` before the first event.
    async fn position(&self, context: &Context<'_>) -> Result<BigInt> {
        let reader = &context.data::<Services>()?.reader;
        let head = reader.head().await.map_err(error::read_failed)?;
        Ok(BigInt(head.0))
    }

    /// The progress of each read model.
    async fn projections(&self, context: &Context<'_>) -> Result<Vec<Projection>> {
        let reader = &context.data::<Services>()?.reader;
        let statuses = reader.projections().await.map_err(error::read_failed)?;
        Ok(statuses.into_iter().map(Projection).collect())
    }

    /// The state of each part of the process that answers the request.
    async fn parts(&self, context: &Context<'_>) -> Result<Vec<PlatformPart>> {
        let readiness = Arc::clone(&context.data::<Services>()?.readiness);
        Ok(readiness
            .parts()
            .into_iter()
            .map(PlatformPart::from)
            .collect())
    }
}

/// A part of the process that answers the request.
#[derive(SimpleObject)]
struct PlatformPart {
    /// The name of the part.
    name: &'static str,
    /// True if the part works, or does nothing because somebody wanted that.
    ready: bool,
    /// The reason why the part does nothing, if it does nothing.
    reason: Option<String>,
}

impl From<Part> for PlatformPart {
    fn from(part: Part) -> Self {
        let (ready, reason) = match part.state {
            PartState::Ready => (true, None),
            PartState::Idle(reason) => (true, Some(reason)),
            PartState::NotReady(reason) => (false, Some(reason)),
        };
        Self {
            name: part.name,
            ready,
            reason,
        }
    }
}
