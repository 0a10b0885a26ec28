//! The field of the root of subscriptions about jobs.

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::ids::{DropletId, JobId};
use domain::name::JobKind;
use domain::stream_type::StreamType;
use futures_util::{Stream, StreamExt, future};
use projections::changes::Change;
use projections::jobs::row::JobRow;
use projections::model::LiveRow;

use super::Job;
use super::status::JobStatus;
use crate::graph::filter::{read, read_all};
use crate::graph::following::{cursor, follow};
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Needs;
use crate::history::Event;
use crate::identity::roles::Right;

/// Subscriptions to jobs.
#[derive(Debug, Default)]
pub(crate) struct JobSubscriptions;

#[Subscription]
impl JobSubscriptions {
    /// Sends the changes of jobs. Filters apply to the job as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn job_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the only job to follow.")] id: Option<ID>,
        #[graphql(desc = "The id of the droplet that the jobs concern.")] droplet: Option<ID>,
        #[graphql(desc = "The kinds of the jobs to include.")] kinds: Option<Vec<String>>,
        #[graphql(desc = "The statuses of the jobs to include.")] statuses: Option<Vec<JobStatus>>,
        #[graphql(
            desc = "The cursor to continue after, or a mutation's `consistencyToken` to begin after its write."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<JobChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_as(&id)).transpose();
        let droplet = droplet.map(|id| GlobalId::parse_as(&id)).transpose();
        let wanted = WantedJobs {
            id: read("id", id)?,
            droplet: read("droplet", droplet)?,
            kinds: read_all("kinds", kinds, JobKind::parse)?.unwrap_or_default(),
            statuses: statuses.unwrap_or_default(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let job = change.map(|change| wanted.take(change)).transpose();
            future::ready(job)
        }))
    }
}

/// A change of a job.
#[derive(SimpleObject)]
pub(crate) struct JobChange {
    /// The cursor of the change. A subscription `after` this cursor continues without loss or repetition.
    cursor: String,
    /// The event of the change.
    event: Event,
    /// The job as of this event, regardless of later events. Null if the platform cannot read the job's
    /// history.
    job: Option<Job>,
}

impl JobChange {
    /// Returns the change with the job that is its node.
    pub(crate) fn new(change: Change, job: Option<Job>) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            job,
        }
    }
}

/// The filter of a subscription to jobs.
struct WantedJobs {
    id: Option<JobId>,
    droplet: Option<DropletId>,
    kinds: Vec<JobKind>,
    statuses: Vec<JobStatus>,
}

impl WantedJobs {
    /// Returns the change if it matches. A job whose history cannot be read matches any droplet, kinds and
    /// statuses.
    fn take(&self, change: Change) -> Option<JobChange> {
        let stream = change.event.event.stream;
        if stream.stream_type != StreamType::JOB
            || self.id.is_some_and(|id| id.as_uuid() != stream.uuid)
        {
            return None;
        }
        let row = change.node.as_ref().and_then(LiveRow::row::<JobRow>);
        let is_wanted = row.as_ref().is_none_or(|row| {
            (self.droplet.is_none() || self.droplet == row.droplet_id)
                && (self.kinds.is_empty() || self.kinds.contains(&row.kind))
                && (self.statuses.is_empty() || self.statuses.contains(&row.status.into()))
        });
        is_wanted.then(|| JobChange::new(change, row.map(Job)))
    }
}
