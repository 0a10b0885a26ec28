//! The GraphQL enum `JobStatus`.

use async_graphql::Enum;

use crate::graph::execute::output::enums;

/// The status of a job.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::job::JobStatus")]
pub(crate) enum JobStatus {
    /// The job waits for its runner.
    Submitted,
    /// The job is running.
    Running,
    /// The job succeeded. A final status.
    Succeeded,
    /// The job failed. A final status.
    Failed,
    /// The job was cancelled. A final status.
    Cancelled,
}

enums!(JobStatus);
