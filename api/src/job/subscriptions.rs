//! The field of the root of subscriptions about jobs.

use async_graphql::{ID, InputObject};
use domain::name::JobKind;
use futures_util::stream::BoxStream;

use super::JobRow;
use super::status::JobStatus;
use crate::graph::error::Result;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::filter::{allows, read, read_some};
use crate::graph::following::Following;
use crate::graph::global_id::GlobalId;
use crate::history::change::{ResourceChange, changes_of};
use crate::identity::roles::Right;

/// Declares the subscription to jobs.
pub(super) fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let changed = fields.stream(
        "jobChanged",
        "Sends the changes of jobs. Filters apply to the job as of each event.",
        job_changed,
    );
    changed.needs(Right::Subscribe);
}

#[derive(InputObject)]
struct JobChangedArguments {
    /// The id of the only job to follow.
    id: Option<ID>,
    /// The id of the droplet that the jobs concern.
    droplet: Option<ID>,
    /// The kinds of the jobs to include; all if omitted, and none if empty.
    kinds: Option<Vec<String>>,
    /// The statuses of the jobs to include; all if omitted, and none if empty.
    statuses: Option<Vec<JobStatus>>,
    #[graphql(flatten)]
    following: Following,
}

impl ArgumentStruct for JobChangedArguments {}

async fn job_changed(
    context: Context,
    wanted: JobChangedArguments,
) -> Result<BoxStream<'static, Result<ResourceChange<JobRow>>>> {
    let id = wanted.id.map(|id| GlobalId::parse_as(&id)).transpose();
    let droplet = wanted.droplet.map(|id| GlobalId::parse_as(&id)).transpose();
    let (id, droplet) = (read("id", id)?, read("droplet", droplet)?);
    let kinds = read_some("kinds", wanted.kinds, JobKind::parse)?;
    let statuses = wanted.statuses;
    let is_wanted = move |job: &JobRow| {
        (droplet.is_none() || droplet == job.droplet_id)
            && allows(kinds.as_deref(), &job.kind)
            && allows(statuses.as_deref(), &job.status.into())
    };
    changes_of(&context, &wanted.following, id, is_wanted).await
}
