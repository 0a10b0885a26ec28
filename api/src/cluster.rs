//! Clusters: queries, mutations and subscriptions.

mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod status;
mod subscriptions;

use domain::ids::ClusterId;
use projections::clusters::Clusters;
pub(crate) use projections::clusters::row::ClusterRow;
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::model::Rows;

use self::filter::{ClusterFilter, ClusterOrder};
use crate::graph::execute::object::Fields;
use crate::graph::resource::Resource;
use crate::graph::resource_list::query_by_name;

impl Resource for ClusterRow {
    type Id = ClusterId;
    type Model = Clusters;
    type Filter = ClusterFilter;
    type Order = ClusterOrder;

    const NOUN: &'static str = "cluster";
    const NOUNS: &'static str = "clusters";
    const SHOWN_BY: AnyReadModel = &Rows(Clusters);

    fn id(&self) -> ClusterId {
        self.id
    }

    fn state(fields: &mut Fields<'_, Self>) {
        object::state(fields);
    }

    fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
        query_by_name::<Self, _>(fields, "clusterByName");
    }

    fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
        mutations::mutations(fields);
    }

    fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
        subscriptions::subscriptions(fields);
    }

    fn counts(fields: &mut Fields<'_, OrgCounts>) {
        counts::counts(fields);
    }
}
