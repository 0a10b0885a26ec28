//! The GraphQL type `Projection`: the progress of a read model, its state, and the events that it could not
//! apply.

use async_graphql::{Enum, InputObject};
use projections::status::{ConsumerStatus, State};

use super::parked::ParkedStreams;
use crate::graph::connection::PageArguments;
use crate::graph::error::{self, Result};
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;
use crate::graph::scalars::{BigInt, Time};
use crate::identity::roles::Right;

/// The progress of a read model.
pub(crate) struct Projection(pub(crate) ConsumerStatus);

impl Object for Projection {
    const NAME: &'static str = "Projection";
    const DESCRIPTION: &'static str = "The progress of a read model that follows the history.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text(
            "name",
            "The name of the read model, such as `droplets`.",
            |projection| projection.0.name,
        );
        fields.value(
            "generation",
            "The number of the generation that serves. Each rebuild builds the next generation.",
            |projection| projection.0.generation,
        );
        fields.value(
            "version",
            "The version of the code that built this generation.",
            |projection| projection.0.version,
        );
        fields.value(
            "state",
            "The state of the read model.",
            |projection| match projection.0.state {
                State::Following => ProjectionState::Following,
                State::Paused { .. } => ProjectionState::Paused,
                State::OtherVersion { .. } => ProjectionState::OtherVersion,
            },
        );
        fields.value(
            "pause",
            "The pause, with its actor and its reason, if the read model is paused. For admins.",
            |projection| {
                match &projection.0.state {
                    State::Paused { by, reason, since } => Some(ProjectionPause {
                        by: by.clone(),
                        reason: reason.clone(),
                        since: Time(*since),
                    }),
                    State::Following | State::OtherVersion { .. } => None,
                }
            },
        ).needs(Right::Operate);
        fields.value(
            "position",
            "The position up to which the read model contains all events that concern it.",
            |projection| BigInt(projection.0.position.0),
        );
        fields.value(
            "lagEvents",
            "The number of events that the read model has not applied yet.",
            |projection| BigInt(projection.0.lag_events),
        );
        fields.value(
            "lagSeconds",
            "The age of the oldest event that is not applied yet, in seconds; 0 if there is none.",
            |projection| projection.0.lag.as_secs_f64(),
        );
        fields.value(
            "parkedStreams",
            "The number of resources of all organizations that the read model cannot follow, because \
             one of their events is at fault. An operator must investigate.",
            |projection| BigInt(projection.0.parked_streams),
        );
        fields.value(
            "skippedStreams",
            "The number of such resources that an operator has skipped in the read model.",
            |projection| BigInt(projection.0.skipped_streams),
        );
        fields
            .load(
                "parked",
                "The resources of the organization that the read model cannot follow, including skipped \
                 ones, in the order of the events at fault. For admins.",
                |projection| projection.0.name,
                parked,
            )
            .needs(Right::Operate)
            .is_read();
        fields.part(
            "building",
            "The generation that is being built beside the one that serves, if there is one. For \
             admins.",
            |projection| &projection.0.building,
        ).needs(Right::Operate);
        fields.part(
            "failure",
            "The last generation that was built after the one that serves, but was found wrong and so \
             never served. For admins.",
            |projection| &projection.0.failed,
        ).needs(Right::Operate);
    }
}

#[derive(InputObject)]
struct ParkedArguments {
    /// The number of items from the start, 0 to 100.
    first: i32,
}

impl ArgumentStruct for ParkedArguments {}

async fn parked(
    context: Context,
    arguments: ParkedArguments,
    names: Vec<&'static str>,
) -> Result<Vec<ParkedStreams>> {
    let first = PageArguments::first(arguments.first)?;
    let org = &context.request()?.principal.org;
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let operating = &context.services().operating;
        let parked = operating.parked(name, Some(org), Some(i64::from(first)));
        let parked = parked.await.map_err(|failed| error::unavailable(&failed))?;
        all.push(ParkedStreams(parked));
    }
    Ok(all)
}

enums!(ProjectionState);

/// The state of a read model.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum ProjectionState {
    /// The read model follows the history.
    Following,
    /// The read model is stopped: an operator has paused it.
    Paused,
    /// The program that answers does not run the read model, because code of another version built it. A
    /// rebuild replaces it.
    OtherVersion,
}

/// The pause of a read model by an operator.
struct ProjectionPause {
    /// The actor that paused the read model.
    by: String,
    /// The reason for the pause.
    reason: String,
    /// The time at which the pause began.
    since: Time,
}

impl Object for ProjectionPause {
    const NAME: &'static str = "ProjectionPause";
    const DESCRIPTION: &'static str = "The pause of a read model by an operator.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("by", "The actor that paused the read model.", |pause| {
            &pause.by
        });
        fields.text("reason", "The reason for the pause.", |pause| &pause.reason);
        fields.value("since", "The time at which the pause began.", |pause| {
            pause.since
        });
    }
}
