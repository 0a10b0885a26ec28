//! The GraphQL type `JobPayload`: the result of mutations about jobs.

use async_graphql::{Context, MergedObject, Object, Result};
use uuid::Uuid;

use super::Job;
use crate::graph::payload::Outcome;
use crate::graph::resource_list::written;

/// The result of a mutation about a job.
#[derive(MergedObject)]
pub(crate) struct JobPayload(WrittenJob, Outcome);

impl From<Outcome> for JobPayload {
    fn from(outcome: Outcome) -> Self {
        Self(WrittenJob(outcome.subject()), outcome)
    }
}

/// The job that a mutation wrote, if any.
struct WrittenJob(Option<Uuid>);

#[Object]
impl WrittenJob {
    /// The job after this mutation or a later one, which always includes the write. Null if the mutation
    /// was rejected.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>> {
        written(context, self.0).await
    }
}
