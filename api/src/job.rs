//! Jobs: what can be read of them, done to them, and followed.

mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod page;
mod payload;
mod queries;
mod runner;
mod status;
mod subscriptions;

pub(crate) use object::Job;

use async_graphql::{Context, Lookahead, Result};
use domain::ids::JobId;
use projections::consistency::ReadModels;
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use projections::jobs::row::JobRow;
use projections::model::Rows;

use self::counts::JobCounts;
use self::mutations::JobMutations;
use self::queries::JobQueries;
use self::subscriptions::JobSubscriptions;
use crate::graph::resource::Resource;
use crate::graph::{consistency, error};

impl Resource for Job {
    type Row = JobRow;
    type Id = JobId;
    type Queries = JobQueries;
    type Mutations = JobMutations;
    type Subscriptions = JobSubscriptions;
    type Counts = JobCounts;

    async fn find(
        context: &Context<'_>,
        id: JobId,
        consistent_with: Option<String>,
    ) -> Result<Option<Self>> {
        let droplet = [context.look_ahead().field("droplet")];
        let by = read_models(&droplet);
        let (reader, org) = consistency::reader(context, consistent_with, by).await?;
        let row = reader.job(org, id).await.map_err(error::read_failed)?;
        Ok(row.map(Self::from))
    }
}

/// The read models that show jobs, whose droplet may be selected at these places.
fn read_models(droplet: &[Lookahead<'_>]) -> ReadModels<'static> {
    if droplet.iter().any(Lookahead::exists) {
        &[&Rows(Jobs), &Rows(Droplets)]
    } else {
        &[&Rows(Jobs)]
    }
}
