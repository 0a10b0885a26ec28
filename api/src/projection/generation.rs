//! `ProjectionBuild` and `ProjectionFailure`: generations of a read model beside the one that serves.

use async_graphql::{Enum, SimpleObject};
use projections::status::{Building, Failed, Stage};

use crate::graph::scalars::{BigInt, Time};

/// A generation of a read model that is being made.
#[derive(SimpleObject)]
pub(crate) struct ProjectionBuild {
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
    remaining_seconds: Option<f64>,
    /// Who asked for it.
    requested_by: String,
    /// Why.
    reason: String,
    /// When.
    since: Time,
}

/// How far a generation of a read model has come that is being made.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProjectionBuildStage {
    /// It takes in the history from its beginning, or waits until others are made.
    Filling,
    /// The history is in it, and it is compared with the history row by row.
    Comparing,
    /// It was found equal, and takes the place of the one that serves.
    Switching,
}

/// A generation of a read model that was found wrong.
#[derive(SimpleObject)]
pub(crate) struct ProjectionFailure {
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
            remaining_seconds: building.rest.map(|rest| rest.as_secs_f64()),
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
