//! The GraphQL type `Platform`: the state of the platform itself.

use crate::graph::error::{self, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::points;
use crate::graph::readiness::{Part, PartState};
use crate::graph::scalars::BigInt;
use crate::projection::Projection;

/// The state of the platform.
pub(crate) struct Platform;

impl Object for Platform {
    const NAME: &'static str = "Platform";
    const DESCRIPTION: &'static str = "The state of the platform itself.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text(
            "version",
            "The version of the program that answers the request.",
            |_| env!("CARGO_PKG_VERSION"),
        );
        fields
            .read(
                "position",
                "The last position of the history, over all organizations; `\"0\"` before the first event.",
                position,
            )
            .is_read();
        fields
            .read(
                "projections",
                "The progress of each read model.",
                projections,
            )
            .costs(points::COUNT);
        fields.read(
            "parts",
            "The state of each part of the process that answers the request.",
            parts,
        );
    }
}

async fn position(context: Context, (): ()) -> Result<BigInt> {
    let org = &context.request()?.principal.org;
    let head = context.services().reader.head(org).await;
    let head = head.map_err(error::read_failed)?;
    Ok(BigInt(head.0))
}

async fn projections(context: Context, (): ()) -> Result<Vec<Projection>> {
    let org = &context.request()?.principal.org;
    let statuses = context.services().reader.projections(org).await;
    let statuses = statuses.map_err(error::read_failed)?;
    Ok(statuses.into_iter().map(Projection).collect())
}

async fn parts(context: Context, (): ()) -> Result<Vec<Part>> {
    Ok(context.services().readiness.parts())
}

impl Object for Part {
    const NAME: &'static str = "PlatformPart";
    const DESCRIPTION: &'static str = "A part of the process that answers the request.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("name", "The name of the part.", |part| part.name);
        fields.value(
            "ready",
            "True if the part works, or does nothing because somebody wanted that.",
            |part| !matches!(part.state, PartState::NotReady(_)),
        );
        fields.optional_text(
            "reason",
            "The reason why the part does nothing, if it does nothing.",
            |part| match &part.state {
                PartState::Ready => None,
                PartState::Idle(reason) | PartState::NotReady(reason) => Some(reason),
            },
        );
    }
}
