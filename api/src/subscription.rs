//! The root of subscriptions: what changes, as it changes, from wherever a client left off.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, Result, Subscription as Root};
use domain::ids::{DropletId, JobId};
use domain::name::JobKind;
use domain::stream_type::StreamType;
use domain::tag::Tag;
use futures_util::{Stream, StreamExt, future};
use projections::changes::Change;
use projections::droplets::row::DropletRow;
use projections::jobs::row::JobRow;
use projections::model::LiveRow;

use crate::filters::{read, read_all, read_types};
use crate::following::follow;
use crate::global_id::GlobalId;
use crate::roles::{Needs, Right};
use crate::types::change::{DropletChange, EventChange, JobChange};
use crate::types::droplet::Droplet;
use crate::types::droplet_status::DropletStatus;
use crate::types::job::Job;
use crate::types::job_status::JobStatus;

/// The root of subscriptions.
#[derive(Debug, Default)]
pub struct Subscription;

/// What happens, as it happens, in the order of the history, each event once. Every payload carries
/// a cursor; a subscription `after` it goes on from there without loss or repetition, even from
/// another server. Without `after`, a subscription begins with what happens next. It ends with the
/// code `UNAUTHENTICATED` when its token does.
#[Root]
impl Subscription {
    /// What happens to droplets. Filters look at the droplet as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn droplet_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only the droplet with this id.")] id: Option<ID>,
        #[graphql(desc = "Only when the droplet has one of these statuses.")] status: Option<
            Vec<DropletStatus>,
        >,
        #[graphql(desc = "Only when the droplet carries all of these tags.")] tag: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's token to begin right after it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<DropletChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_droplet(&id)).transpose();
        let wanted = WantedDroplets {
            id: read("id", id)?,
            statuses: status.unwrap_or_default(),
            tags: read_all("tag", tag, Tag::parse)?.into_iter().collect(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let droplet = change.map(|change| wanted.take(change)).transpose();
            future::ready(droplet)
        }))
    }

    /// What happens to jobs. Filters look at the job as of each event.
    #[graphql(guard = "Needs(Right::Subscribe)")]
    async fn job_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only the job with this id.")] id: Option<ID>,
        #[graphql(desc = "Only jobs that concern the droplet with this id.")] droplet: Option<ID>,
        #[graphql(desc = "Only jobs of one of these kinds.")] kind: Option<Vec<String>>,
        #[graphql(desc = "Only when the job has one of these statuses.")] status: Option<
            Vec<JobStatus>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's token to begin right after it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<JobChange>> + use<>> {
        let id = id.map(|id| GlobalId::parse_job(&id)).transpose();
        let droplet = droplet.map(|id| GlobalId::parse_droplet(&id)).transpose();
        let wanted = WantedJobs {
            id: read("id", id)?,
            droplet: read("droplet", droplet)?,
            kinds: read_all("kind", kind, JobKind::parse)?,
            statuses: status.unwrap_or_default(),
        };
        let changes = follow(context, after.as_deref()).await?;
        Ok(changes.filter_map(move |change| {
            let job = change.map(|change| wanted.take(change)).transpose();
            future::ready(job)
        }))
    }

    /// Everything that happens. Not every role may follow it.
    #[graphql(guard = "Needs(Right::History)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only events of these types, such as `droplet_activated`.")] types: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "The cursor from which to go on, or a mutation's token to begin right after it."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<EventChange>> + use<>> {
        let types = read_types("types", types)?;
        let changes = follow(context, after.as_deref()).await?;
        let is_wanted = move |change: &Change| {
            types.is_empty() || types.contains(&change.event.event.event_type)
        };
        Ok(changes.filter_map(move |change| {
            let change = change.map(|change| is_wanted(&change).then(|| change.into()));
            future::ready(change.transpose())
        }))
    }
}

/// Which droplets a subscription is about.
struct WantedDroplets {
    id: Option<DropletId>,
    statuses: Vec<DropletStatus>,
    tags: BTreeSet<Tag>,
}

impl WantedDroplets {
    /// The change, if it is wanted. A droplet whose history cannot be read may be the wanted one.
    fn take(&self, change: Change) -> Option<DropletChange> {
        let stream = change.event.event.stream;
        if stream.stream_type != StreamType::DROPLET
            || self.id.is_some_and(|id| id.as_uuid() != stream.uuid)
        {
            return None;
        }
        let row = change.node.as_ref().and_then(LiveRow::row::<DropletRow>);
        let is_wanted = row.as_ref().is_none_or(|row| {
            (self.statuses.is_empty() || self.statuses.contains(&row.status.into()))
                && self.tags.is_subset(&row.tags)
        });
        is_wanted.then(|| DropletChange::new(change, row.map(Droplet)))
    }
}

/// Which jobs a subscription is about.
struct WantedJobs {
    id: Option<JobId>,
    droplet: Option<DropletId>,
    kinds: Vec<JobKind>,
    statuses: Vec<JobStatus>,
}

impl WantedJobs {
    /// The change, if it is wanted. A job whose history cannot be read may be the wanted one.
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
