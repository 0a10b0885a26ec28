//! The GraphQL types `ProjectionBuild` and `ProjectionFailure`: generations of a read model beside the one
//! that serves.

use async_graphql::Enum;
use projections::status::{Building, Failed};

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;
use crate::graph::scalars::{BigInt, Time};

/// The stage of a generation of a read model that is being built.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "projections::status::Stage")]
enum ProjectionBuildStage {
    /// The history is being applied from its beginning, or the build waits for other builds.
    Filling,
    /// The generation contains the history, and is compared with it row by row.
    Comparing,
    /// The comparison found no difference, and the generation replaces the one that serves.
    Switching,
}

impl Object for Building {
    const NAME: &'static str = "ProjectionBuild";
    const DESCRIPTION: &'static str = "A generation of a read model that is being built.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("generation", "The number of the generation.", |build| {
            build.generation
        });
        fields.value(
            "version",
            "The version of the code that builds the generation.",
            |build| build.version,
        );
        fields.value("stage", "The stage of the build.", |build| {
            ProjectionBuildStage::from(build.stage)
        });
        fields.value(
            "share",
            "The share of the history that the generation contains, from 0 to 1.",
            |build| build.share,
        );
        fields.value(
            "remainingSeconds",
            "The time in seconds until the generation contains the whole history, at the speed so \
             far. The comparison takes about as long again.",
            |build| build.rest.map(|rest| rest.as_secs_f64()),
        );
        fields.text(
            "requestedBy",
            "The actor that requested the build.",
            |build| &build.requested_by,
        );
        fields.text("reason", "The reason for the build.", |build| &build.reason);
        fields.value("since", "The time of the build's request.", |build| {
            Time(build.since)
        });
    }
}

impl Object for Failed {
    const NAME: &'static str = "ProjectionFailure";
    const DESCRIPTION: &'static str = "A generation of a read model that was found wrong.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("generation", "The number of the generation.", |failure| {
            failure.generation
        });
        fields.value(
            "version",
            "The version of the code that built the generation.",
            |failure| failure.version,
        );
        fields.text(
            "requestedBy",
            "The actor that requested the build.",
            |failure| &failure.requested_by,
        );
        fields.text("reason", "The reason for the build.", |failure| {
            &failure.reason
        });
        fields.value(
            "at",
            "The time at which the generation was found wrong.",
            |failure| Time(failure.at),
        );
        fields.value(
            "differences",
            "The number of rows that differ from the history. `clustergenie projections --json` shows \
             the first of these rows, which may belong to any organization.",
            |failure| BigInt(i64::try_from(failure.differences).unwrap_or(i64::MAX)),
        );
    }
}

enums!(ProjectionBuildStage);
