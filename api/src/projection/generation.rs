//! The GraphQL types `ProjectionBuild` and `ProjectionFailure`: generations of a read model beside the one
//! that serves.

use async_graphql::{Enum, SimpleObject};
use projections::status::{Building, Failed, Stage};

use crate::graph::scalars::{BigInt, Time};

/// A generation of a read model that is being built.
#[derive(SimpleObject)]
pub(crate) struct ProjectionBuild {
    /// The number of the generation.
    generation: i32,
    /// The version of the code that builds the generation.
    version: i32,
    /// The stage of the build.
    stage: ProjectionBuildStage,
    /// The share of the history that the generation contains, from 0 to 1.
    share: f64,
    /// The time in seconds until the generation contains the whole history, at the speed so far. The
    /// comparison takes about as long again.
    remaining_seconds: Option<f64>,
    /// The actor that requested the build.
    requested_by: String,
    /// The reason for the build.
    reason: String,
    /// The time of the build's request.
    since: Time,
}

/// The stage of a generation of a read model that is being built.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProjectionBuildStage {
    /// The history is being applied from its beginning, or the build waits for other builds.
    Filling,
    /// The generation contains the history, and is compared with it row by row.
    Comparing,
    /// The comparison found no difference, and the generation replaces the one that serves.
    Switching,
}

/// A generation of a read model that was found wrong.
#[derive(SimpleObject)]
pub(crate) struct ProjectionFailure {
    /// The number of the generation.
    generation: i32,
    /// The version of the code that built the generation.
    version: i32,
    /// The actor that requested the build.
    requested_by: String,
    /// The reason for the build.
    reason: String,
    /// The time at which the generation was found wrong.
    at: Time,
    /// The number of rows that differ from the history. `clustergenie projections --json` shows the first
    /// of these rows, which may belong to any organization.
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
