//! The GraphQL type `Projection`: the progress of a read model, its state, and the events that it could not
//! apply.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use projections::status::{ConsumerStatus, State};

use super::generation::{ProjectionBuild, ProjectionFailure};
use super::parked::ParkedStreams;
use crate::graph::connection::PageArguments;
use crate::graph::error;
use crate::graph::guard::Needs;
use crate::graph::request::RequestInfo;
use crate::graph::scalars::{BigInt, Time};
use crate::graph::services::Services;
use crate::identity::roles::Right;

/// The progress of a read model.
pub(crate) struct Projection(pub(crate) ConsumerStatus);

/// The progress of a read model that follows the history.
#[Object]
impl Projection {
    /// The name of the read model, such as `droplets`.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// The number of the generation that serves. Each rebuild builds the next generation.
    async fn generation(&self) -> i32 {
        self.0.generation
    }

    /// The version of the code that built this generation.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The state of the read model.
    async fn state(&self) -> ProjectionState {
        match self.0.state {
            State::Following => ProjectionState::Following,
            State::Paused { .. } => ProjectionState::Paused,
            State::OtherVersion { .. } => ProjectionState::OtherVersion,
        }
    }

    /// The pause, with its actor and its reason, if the read model is paused. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn pause(&self) -> Option<ProjectionPause> {
        match &self.0.state {
            State::Paused { by, reason, since } => Some(ProjectionPause {
                by: by.clone(),
                reason: reason.clone(),
                since: Time(*since),
            }),
            State::Following | State::OtherVersion { .. } => None,
        }
    }

    /// The position up to which the read model contains all events that concern it.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// The number of events that the read model has not applied yet.
    async fn lag_events(&self) -> BigInt {
        BigInt(self.0.lag_events)
    }

    /// The age of the oldest event that is not applied yet, in seconds; 0 if there is none.
    async fn lag_seconds(&self) -> f64 {
        self.0.lag.as_secs_f64()
    }

    /// The number of resources of all organizations that the read model cannot follow, because one of their
    /// events is at fault. An operator must investigate.
    async fn parked_streams(&self) -> BigInt {
        BigInt(self.0.parked_streams)
    }

    /// The number of such resources that an operator has skipped in the read model.
    async fn skipped_streams(&self) -> BigInt {
        BigInt(self.0.skipped_streams)
    }

    /// The resources of the organization that the read model cannot follow, including skipped ones, in the
    /// order of the events at fault. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn parked(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The number of items from the start, 1 to 100.")] first: i32,
    ) -> Result<ParkedStreams> {
        let first = PageArguments::first(first)?;
        let org = &RequestInfo::of(context)?.principal.org;
        let operating = &context.data::<Services>()?.operating;
        let parked = operating.parked(self.0.name, Some(org), Some(i64::from(first)));
        let parked = parked.await.map_err(|failed| error::unavailable(&failed))?;
        Ok(parked.into())
    }

    /// The generation that is being built beside the one that serves, if there is one. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn building(&self) -> Option<ProjectionBuild> {
        self.0.building.clone().map(ProjectionBuild::from)
    }

    /// The last generation that was built after the one that serves, but was found wrong and so never
    /// served. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn failure(&self) -> Option<ProjectionFailure> {
        self.0.failed.clone().map(ProjectionFailure::from)
    }
}

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
#[derive(SimpleObject)]
struct ProjectionPause {
    /// The actor that paused the read model.
    by: String,
    /// The reason for the pause.
    reason: String,
    /// The time at which the pause began.
    since: Time,
}
