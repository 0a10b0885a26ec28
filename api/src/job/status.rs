//! `JobStatus`.

use async_graphql::Enum;

/// What a job is doing.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "domain::job::JobStatus")]
pub(crate) enum JobStatus {
    /// Waits for its runner.
    Submitted,
    /// Is being done.
    Running,
    /// Is done. An end.
    Succeeded,
    /// Could not be done. An end.
    Failed,
    /// Is no longer to be done. An end.
    Cancelled,
}
