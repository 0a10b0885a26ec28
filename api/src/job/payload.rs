//! The GraphQL type `JobPayload`: the result of mutations about jobs.

use async_graphql::{Context, MergedObject, Object, Result};
use domain::ids::JobId;
use projections::jobs::Jobs;
use uuid::Uuid;

use super::Job;
use crate::graph::error;
use crate::graph::payload::Outcome;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

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
        let Some(id) = self.0 else {
            return Ok(None);
        };
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let row = reader.live_state::<Jobs>(org, JobId::new(id).into()).await;
        Ok(row.map_err(error::read_failed)?.map(Job::from))
    }
}
