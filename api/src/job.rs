//! Jobs: queries, mutations and subscriptions.

mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod payload;
mod queries;
mod runner;
mod status;
mod subscriptions;

pub(crate) use object::Job;

use async_graphql::Lookahead;
use domain::ids::JobId;
use projections::consistency::AnyReadModel;
use projections::jobs::Jobs;
use projections::model::Rows;

use self::counts::JobCounts;
use self::mutations::JobMutations;
use self::queries::JobQueries;
use self::subscriptions::JobSubscriptions;
use crate::droplet::Droplet;
use crate::graph::resource::{Resource, read_models_of};

impl Resource for Job {
    type Id = JobId;
    type Model = Jobs;
    type Queries = JobQueries;
    type Mutations = JobMutations;
    type Subscriptions = JobSubscriptions;
    type Counts = JobCounts;

    const PAGE: &'static str = "A page of jobs.";
    const ITEM: &'static str = "A job in a page.";

    fn read_models(selected: &[Lookahead<'_>]) -> Vec<AnyReadModel> {
        let mut models: Vec<AnyReadModel> = vec![&Rows(Jobs)];
        models.extend(read_models_of::<Droplet>(selected, "droplet"));
        models
    }
}
