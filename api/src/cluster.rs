//! Clusters: queries, mutations and subscriptions.

mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod payload;
mod queries;
mod status;
mod subscriptions;

pub(crate) use object::Cluster;

use async_graphql::Lookahead;
use domain::ids::ClusterId;
use projections::clusters::Clusters;
use projections::consistency::AnyReadModel;
use projections::model::Rows;

use self::counts::ClusterCounts;
use self::mutations::ClusterMutations;
use self::queries::ClusterQueries;
use self::subscriptions::ClusterSubscriptions;
use crate::graph::resource::Resource;

impl Resource for Cluster {
    type Id = ClusterId;
    type Model = Clusters;
    type Queries = ClusterQueries;
    type Mutations = ClusterMutations;
    type Subscriptions = ClusterSubscriptions;
    type Counts = ClusterCounts;

    const PAGE: &'static str = "A page of clusters.";
    const ITEM: &'static str = "A cluster in a page.";

    fn read_models(_: &[Lookahead<'_>]) -> Vec<AnyReadModel> {
        vec![&Rows(Clusters)]
    }
}
