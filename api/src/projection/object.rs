//! `Projection`: how far a read model is, what it does, and what it could not apply.

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

/// How far a read model is.
pub(crate) struct Projection(pub(crate) ConsumerStatus);

/// How far a read model follows the history.
#[Object]
impl Projection {
    /// Its name, such as `droplets`.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// Which of its generations of tables serves: each rebuild makes the next one.
    async fn generation(&self) -> i32 {
        self.0.generation
    }

    /// The version of the code that made this generation.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What it does.
    async fn state(&self) -> ProjectionState {
        match self.0.state {
            State::Following => ProjectionState::Following,
            State::Paused { .. } => ProjectionState::Paused,
            State::OtherVersion { .. } => ProjectionState::OtherVersion,
        }
    }

    /// Who paused it and why, if it is paused. For admins.
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

    /// Everything up to this position that concerns it is in it.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position.0)
    }

    /// How many events it has not taken in yet.
    async fn lag_events(&self) -> BigInt {
        BigInt(self.0.lag_events)
    }

    /// How old the oldest of them is, in seconds; 0 when there is none.
    async fn lag_seconds(&self) -> f64 {
        self.0.lag.as_secs_f64()
    }

    /// How many resources of all organizations it cannot follow any more, because one of their
    /// events is at fault. An operator must look.
    async fn parked_streams(&self) -> BigInt {
        BigInt(self.0.parked_streams)
    }

    /// How many such resources an operator has given up in it.
    async fn skipped_streams(&self) -> BigInt {
        BigInt(self.0.skipped_streams)
    }

    /// The resources of the organization that it cannot follow any more, also those that were given up,
    /// in the order of the events at fault. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn parked(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: i32,
    ) -> Result<ParkedStreams> {
        let first = PageArguments::first(first)?;
        let org = &RequestInfo::of(context)?.principal.org;
        let operating = &context.data::<Services>()?.operating;
        let parked = operating.parked(self.0.name, Some(org), Some(i64::from(first)));
        let parked = parked.await.map_err(|failed| error::unavailable(&failed))?;
        Ok(parked.into())
    }

    /// The generation that is being made beside the one that serves, if there is one. For admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn building(&self) -> Option<ProjectionBuild> {
        self.0.building.clone().map(ProjectionBuild::from)
    }

    /// The last generation that was made after the one that serves, was found wrong, and so never served. For
    /// admins.
    #[graphql(guard = "Needs(Right::Operate)")]
    async fn failure(&self) -> Option<ProjectionFailure> {
        self.0.failed.clone().map(ProjectionFailure::from)
    }
}

/// What a read model does.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum ProjectionState {
    /// It follows the history.
    Following,
    /// Nothing: an operator has stopped it.
    Paused,
    /// Nothing in the program that answers: code of another version made it. A rebuild replaces it.
    OtherVersion,
}

/// Who stopped a read model, and why.
#[derive(SimpleObject)]
struct ProjectionPause {
    /// Who.
    by: String,
    /// Why.
    reason: String,
    /// Since when it stands still.
    since: Time,
}
