//! `Projection`: how far a read model is, what it does, and what it could not apply.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use projections::status::{Building, ConsumerStatus, Failed, Stage, State};

use crate::error;
use crate::global_id::GlobalId;
use crate::paging::PageArguments;
use crate::request::RequestInfo;
use crate::roles::{Needs, Right};
use crate::scalars::{BigInt, Time};
use crate::services::Services;

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

    /// How many droplets and jobs of all organizations it cannot follow any more, because one of their
    /// events is at fault. An operator must look.
    async fn parked_streams(&self) -> BigInt {
        BigInt(self.0.parked_streams)
    }

    /// How many such droplets and jobs an operator has given up in it.
    async fn skipped_streams(&self) -> BigInt {
        BigInt(self.0.skipped_streams)
    }

    /// The droplets and jobs of the organization that it cannot follow any more, also those that were given up,
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
        let nodes = parked.into_iter().map(|parked| ParkedStream {
            id: GlobalId::of_stream(parked.stream_type, parked.stream_id),
            event_type: parked.event_type,
            version: BigInt(parked.version),
            position: BigInt(parked.position),
            error: parked.error,
            attempts: parked.attempts,
            first_at: Time(parked.first_at),
            last_at: Time(parked.last_at),
            waiting: BigInt(parked.waiting),
            skipped_by: parked.skipped_by,
            skipped_because: parked.skipped_because,
            skipped_at: parked.skipped_at.map(Time),
        });
        Ok(ParkedStreams {
            nodes: nodes.collect(),
        })
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
    /// Nothing, as far as the program that answers is concerned: code of another version made it, and its place
    /// is taken as soon as it was made anew.
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

/// A generation of a read model that is being made.
#[derive(SimpleObject)]
struct ProjectionBuild {
    /// Its number.
    generation: i32,
    /// The version of the code that makes it.
    version: i32,
    /// How far it has come.
    stage: ProjectionBuildStage,
    /// How much of the history is in it, from 0 to 1.
    share: f64,
    /// In how many seconds it is filled, if it goes on as it went so far. To compare it takes about as
    /// long again.
    rest_seconds: Option<f64>,
    /// Who asked for it.
    requested_by: String,
    /// Why.
    reason: String,
    /// When.
    since: Time,
}

/// How far a generation of a read model has come that is being made.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum ProjectionBuildStage {
    /// It takes in the history from its beginning, or waits until others are made.
    Filling,
    /// The history is in it, and it is compared with the history row by row.
    Comparing,
    /// It was found equal, and takes the place of the one that serves.
    Switching,
}

/// A generation of a read model that was found wrong.
#[derive(SimpleObject)]
struct ProjectionFailure {
    /// Its number.
    generation: i32,
    /// The version of the code that made it.
    version: i32,
    /// Who asked for it.
    requested_by: String,
    /// Why.
    reason: String,
    /// When it was found wrong.
    at: Time,
    /// How many of its rows are not what the history says. `clustergenie projections --json` shows the first
    /// ones, which may be of any organization.
    differences: BigInt,
}

/// Droplets and jobs that a read model cannot follow any more.
#[derive(SimpleObject)]
struct ParkedStreams {
    /// The droplets and jobs.
    nodes: Vec<ParkedStream>,
}

/// A droplet or a job that a read model cannot follow any more, because it could not take in one of its events.
/// Later events of it wait behind that one.
#[derive(SimpleObject)]
struct ParkedStream {
    /// The id of the droplet or the job.
    id: ID,
    /// The type of the event at fault.
    event_type: String,
    /// The version of the droplet or the job that this event made.
    version: BigInt,
    /// Where the event stands in the history.
    position: BigInt,
    /// Why it could not be taken in.
    error: String,
    /// How often it was tried.
    attempts: i32,
    /// When it was tried first.
    first_at: Time,
    /// When it was tried last.
    last_at: Time,
    /// How many later events wait behind it.
    waiting: BigInt,
    /// Who gave it up in this read model, if somebody did.
    skipped_by: Option<String>,
    /// Why.
    skipped_because: Option<String>,
    /// When.
    skipped_at: Option<Time>,
}

impl From<Building> for ProjectionBuild {
    fn from(building: Building) -> Self {
        Self {
            generation: building.generation,
            version: building.version,
            stage: match building.stage {
                Stage::Filling => ProjectionBuildStage::Filling,
                Stage::Comparing => ProjectionBuildStage::Comparing,
                Stage::Switching => ProjectionBuildStage::Switching,
            },
            share: building.share,
            rest_seconds: building.rest.map(|rest| rest.as_secs_f64()),
            requested_by: building.requested_by,
            reason: building.reason,
            since: Time(building.since),
        }
    }
}

impl From<Failed> for ProjectionFailure {
    fn from(failed: Failed) -> Self {
        Self {
            generation: failed.generation,
            version: failed.version,
            requested_by: failed.requested_by,
            reason: failed.reason,
            at: Time(failed.at),
            differences: BigInt(i64::try_from(failed.differences).unwrap_or(i64::MAX)),
        }
    }
}
