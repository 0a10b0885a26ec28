//! Droplets: queries, mutations and subscriptions.

mod address;
mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod payload;
mod provisioner;
mod queries;
mod status;
mod subscriptions;

pub(crate) use object::Droplet;

use async_graphql::Lookahead;
use domain::ids::DropletId;
use projections::consistency::AnyReadModel;
use projections::droplets::Droplets;
use projections::model::Rows;

use self::counts::DropletCounts;
use self::mutations::DropletMutations;
use self::queries::DropletQueries;
use self::subscriptions::DropletSubscriptions;
use crate::cluster::Cluster;
use crate::graph::resource::{Resource, read_models_of};

impl Resource for Droplet {
    type Id = DropletId;
    type Model = Droplets;
    type Queries = DropletQueries;
    type Mutations = DropletMutations;
    type Subscriptions = DropletSubscriptions;
    type Counts = DropletCounts;

    const PAGE: &'static str = "A page of droplets.";
    const ITEM: &'static str = "A droplet in a page.";

    fn read_models(selected: &[Lookahead<'_>]) -> Vec<AnyReadModel> {
        let mut models: Vec<AnyReadModel> = vec![&Rows(Droplets)];
        models.extend(read_models_of::<Cluster>(selected, "cluster"));
        models
    }
}
