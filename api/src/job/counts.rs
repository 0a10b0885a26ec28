//! The fields of `Counts` about jobs.

use domain::job;
use projections::counts::query::OrgCounts;
use projections::jobs;

use super::status::JobStatus;
use crate::graph::execute::object::{Fields, Object};

/// Declares the fields of `Counts` about jobs.
pub(super) fn counts(fields: &mut Fields<'_, OrgCounts>) {
    fields.value(
        "jobsByStatus",
        "The number of jobs in each status. Each status occurs once.",
        |counts| {
            let count = |status: job::JobStatus| JobStatusCount {
                status: status.into(),
                count: counts.of(jobs::counted::BY_STATUS, status.as_str()),
            };
            job::JobStatus::ALL
                .into_iter()
                .map(count)
                .collect::<Vec<_>>()
        },
    );
    fields.value(
        "jobsByKind",
        "The number of jobs of each kind. Kinds without any are omitted.",
        |counts| {
            let found = counts.by(jobs::counted::BY_KIND);
            let found = found.map(|(kind, count)| JobKindCount {
                kind: kind.to_owned(),
                count,
            });
            found.collect::<Vec<_>>()
        },
    );
}

/// The number of jobs in a status.
struct JobStatusCount {
    /// The status.
    status: JobStatus,
    /// The number of jobs in this status.
    count: i64,
}

/// The number of jobs of a kind.
struct JobKindCount {
    /// The kind.
    kind: String,
    /// The number of jobs of this kind.
    count: i64,
}

impl Object for JobStatusCount {
    const NAME: &'static str = "JobStatusCount";
    const DESCRIPTION: &'static str = "The number of jobs in a status.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("status", "The status.", |count| count.status);
        fields.value("count", "The number of jobs in this status.", |count| {
            count.count
        });
    }
}

impl Object for JobKindCount {
    const NAME: &'static str = "JobKindCount";
    const DESCRIPTION: &'static str = "The number of jobs of a kind.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("kind", "The kind.", |count| &count.kind);
        fields.value("count", "The number of jobs of this kind.", |count| {
            count.count
        });
    }
}
