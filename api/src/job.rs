//! Jobs: queries, mutations and subscriptions.

mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod runner;
mod status;
mod subscriptions;

use domain::ids::JobId;
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::jobs::Jobs;
pub(crate) use projections::jobs::row::JobRow;
use projections::model::Rows;

use self::filter::{JobFilter, JobOrder};
use crate::graph::execute::object::Fields;
use crate::graph::resource::Resource;

impl Resource for JobRow {
    type Id = JobId;
    type Model = Jobs;
    type Filter = JobFilter;
    type Order = JobOrder;

    const NOUN: &'static str = "job";
    const NOUNS: &'static str = "jobs";
    const IS_DELETED: bool = false;
    const SHOWN_BY: AnyReadModel = &Rows(Jobs);

    fn id(&self) -> JobId {
        self.id
    }

    fn state(fields: &mut Fields<'_, Self>) {
        object::state(fields);
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
