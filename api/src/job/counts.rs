//! The fields of `Counts` about jobs.

use domain::job::JobStatus;
use projections::counts::query::OrgCounts;
use projections::jobs;

use super::JobRow;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::status_count::StatusCount;

/// Declares the fields of `Counts` about jobs.
pub(super) fn counts(fields: &mut Fields<'_, OrgCounts>) {
    fields.value(
        "jobsByStatus",
        "The number of jobs in each status. Each status occurs once.",
        |counts| {
            let count = |status: JobStatus| counts.of(jobs::counted::BY_STATUS, status.as_str());
            StatusCount::<JobRow, super::status::JobStatus>::each(JobStatus::ALL, count)
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

/// The number of jobs of a kind.
struct JobKindCount {
    /// The kind.
    kind: String,
    /// The number of jobs of this kind.
    count: i64,
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
