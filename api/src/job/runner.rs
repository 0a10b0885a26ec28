//! `Runner`.

use async_graphql::Enum;

/// Who does a job.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::job::Runner")]
pub(crate) enum Runner {
    /// The platform itself.
    Platform,
    /// An agent outside, which reports what it does.
    Agent,
}
