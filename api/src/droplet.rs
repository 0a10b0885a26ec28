//! Droplets: queries, mutations and subscriptions.

mod address;
mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod provisioner;
mod status;
mod subscriptions;

use domain::ids::DropletId;
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::droplets::Droplets;
pub(crate) use projections::droplets::row::DropletRow;
use projections::model::Rows;

use self::filter::{DropletFilter, DropletOrder};
use crate::graph::execute::object::Fields;
use crate::graph::resource::Resource;
use crate::graph::resource_list::query_by_name;

impl Resource for DropletRow {
    type Id = DropletId;
    type Model = Droplets;
    type Filter = DropletFilter;
    type Order = DropletOrder;

    const NOUN: &'static str = "droplet";
    const NOUNS: &'static str = "droplets";
    const SHOWN_BY: AnyReadModel = &Rows(Droplets);

    fn id(&self) -> DropletId {
        self.id
    }

    fn state(fields: &mut Fields<'_, Self>) {
        object::state(fields);
    }

    fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
        query_by_name::<Self, _>(fields, "dropletByName");
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
