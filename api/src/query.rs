//! The root of queries: one field a question, no logic.

use std::sync::Arc;

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, Error, ID, Lookahead, Object, Result};
use domain::catalogue;
use domain::ids::{DropletId, JobId, OrgId};
use projections::consistency::ReadModels;
use projections::droplets::{self, Droplets};
use projections::jobs::{self, Jobs};
use projections::model::Rows;
use projections::page::{ByPosition, Direction};
use projections::reader::Reader;
use projections::registry::COUNTS;
use projections::{activity, history};

use crate::consistency;
use crate::error::{self, Code, failure};
use crate::filters::activity::ActivityFilter;
use crate::filters::droplets::{DropletFilter, DropletOrder};
use crate::filters::events::EventFilter;
use crate::filters::jobs::{JobFilter, JobOrder};
use crate::gate::Charged;
use crate::global_id::{GlobalId, InvalidId};
use crate::paging::{PageArguments, connection};
use crate::request::RequestInfo;
use crate::roles::{Needs, Right};
use crate::services::Services;
use crate::types::activity::Activity;
use crate::types::catalogue::Catalogue;
use crate::types::counts::Counts;
use crate::types::droplet::Droplet;
use crate::types::event::Event;
use crate::types::job::Job;
use crate::types::node::Node;
use crate::types::platform::Platform;
use crate::types::rate_limit::RateLimit;
use crate::types::totals::{DropletTotal, JobTotal};

/// The root of queries.
#[derive(Debug, Default)]
pub struct Query;

/// What may be asked of the platform. Everything is the organization's that the token names. Lists
/// are Relay connections: give `first` or `last`, and the cursor of an edge to go on from there.
/// Whoever gives the `token` of a mutation as `consistentWith`, or for all fields in the header
/// `X-Consistency-Token`, sees what it wrote, or after a few seconds the code `NOT_YET_CONSISTENT`.
#[Object]
impl Query {
    /// Whatever has this id; null if there is nothing. A token goes into the header.
    // Relay's compiler takes no `node` that has another argument than `id`.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of a droplet or a job.")] id: ID,
    ) -> Result<Option<Node>> {
        Ok(match GlobalId::parse(&id).map_err(bad_id)? {
            GlobalId::Droplet(id) => droplet(context, id, None).await?.map(Node::Droplet),
            GlobalId::Job(id) => job(context, id, None).await?.map(Node::Job),
        })
    }

    /// The droplet with this id, deleted or not; null if there is none.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet's id.")] id: ID,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Option<Droplet>> {
        let id = GlobalId::parse_droplet(&id).map_err(bad_id)?;
        droplet(context, id, consistent_with).await
    }

    /// The organization's droplets, without deleted ones unless the filter asks for them.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn droplets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which ones; all if left out.")] filter: Option<DropletFilter>,
        #[graphql(desc = "In which order; the newest first if left out.")] order_by: Option<
            DropletOrder,
        >,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Connection<String, Droplet, DropletTotal>> {
        let order = order_by.unwrap_or_default();
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(order.field.into(), order.direction.into())?;
        let filter = droplets::query::DropletFilter::try_from(filter.unwrap_or_default())?;
        let (reader, org) = scope(context, consistent_with, &[&Rows(Droplets)]).await?;
        let slice = reader.droplets(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(slice, Droplet::from, DropletTotal(filter)))
    }

    /// The job with this id; null if there is none.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The job's id.")] id: ID,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Option<Job>> {
        let id = GlobalId::parse_job(&id).map_err(bad_id)?;
        job(context, id, consistent_with).await
    }

    /// The organization's jobs.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which ones; all if left out.")] filter: Option<JobFilter>,
        #[graphql(desc = "In which order; the newest first if left out.")] order_by: Option<
            JobOrder,
        >,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Connection<String, Job, JobTotal>> {
        let order = order_by.unwrap_or_default();
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(order.field.into(), order.direction.into())?;
        let filter = jobs::query::JobFilter::try_from(filter.unwrap_or_default())?;
        let selected = context.look_ahead();
        let droplet = [
            selected.field("nodes").field("droplet"),
            selected.field("edges").field("node").field("droplet"),
        ];
        let (reader, org) = scope(context, consistent_with, models_of_jobs(&droplet)).await?;
        let slice = reader.jobs(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(slice, Job::from, JobTotal(filter)))
    }

    /// What happened, for people: a line an event, the newest first.
    #[graphql(guard = "Needs(Right::Query)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn activity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which lines; all if left out.")] filter: Option<ActivityFilter>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Connection<String, Activity>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(ByPosition, Direction::Descending)?;
        let filter = filter.unwrap_or_default().try_into()?;
        let (reader, org) = scope(context, consistent_with, &[&activity::Activity]).await?;
        let slice = reader.activity(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(slice, Activity::from, EmptyFields))
    }

    /// The organization's whole history, in the order of the log, the oldest first. Not every role
    /// may read it.
    #[graphql(guard = "Needs(Right::History)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of the field"
    )]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events; all if left out.")] filter: Option<EventFilter>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Connection<String, Event>> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let page = arguments.page(ByPosition, Direction::Ascending)?;
        let filter = history::HistoryFilter::try_from(filter.unwrap_or_default())?;
        let (reader, org) = scope(context, consistent_with, &[]).await?;
        let slice = reader.history(org, &filter, &page).await;
        let slice = slice.map_err(error::read_failed)?;
        Ok(connection(
            slice,
            |event| Event(Arc::new(event)),
            EmptyFields,
        ))
    }

    /// How many droplets and jobs the organization has.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A mutation's token: the answer shows what it wrote.")]
        consistent_with: Option<String>,
    ) -> Result<Counts> {
        let (reader, org) = scope(context, consistent_with, &[&COUNTS]).await?;
        let counts = reader.counts(org).await.map_err(error::read_failed)?;
        Ok(Counts(counts))
    }

    /// What can be ordered.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn catalogue(&self) -> Catalogue {
        Catalogue(catalogue::Catalogue::current())
    }

    /// How the platform itself is doing.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn platform(&self) -> Platform {
        Platform
    }

    /// What this request costs, and what whoever asks may still spend.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn rate_limit(&self, context: &Context<'_>) -> Option<RateLimit> {
        Charged::of(context).map(RateLimit)
    }
}

/// Who answers, and what bounds the answer, as soon as the read models show what the client asks for.
async fn scope<'request>(
    context: &Context<'request>,
    consistent_with: Option<String>,
    by: ReadModels<'_>,
) -> Result<(&'request Reader, &'request OrgId)> {
    consistency::wait(context, consistent_with, by).await?;
    let reader = &context.data::<Services>()?.reader;
    Ok((reader, &RequestInfo::of(context)?.principal.org))
}

async fn droplet(
    context: &Context<'_>,
    id: DropletId,
    consistent_with: Option<String>,
) -> Result<Option<Droplet>> {
    let (reader, org) = scope(context, consistent_with, &[&Rows(Droplets)]).await?;
    let row = reader.droplet(org, id).await.map_err(error::read_failed)?;
    Ok(row.map(Droplet::from))
}

async fn job(
    context: &Context<'_>,
    id: JobId,
    consistent_with: Option<String>,
) -> Result<Option<Job>> {
    let droplet = [context.look_ahead().field("droplet")];
    let (reader, org) = scope(context, consistent_with, models_of_jobs(&droplet)).await?;
    let row = reader.job(org, id).await.map_err(error::read_failed)?;
    Ok(row.map(Job::from))
}

/// What shows jobs, whose droplet may be selected at these places.
fn models_of_jobs(droplet: &[Lookahead<'_>]) -> ReadModels<'static> {
    if droplet.iter().any(Lookahead::exists) {
        &[&Rows(Jobs), &Rows(Droplets)]
    } else {
        &[&Rows(Jobs)]
    }
}

fn bad_id(error: InvalidId) -> Error {
    failure(Code::BadUserInput, error.to_string())
}
