//! What the folder of a resource gives to the schema.

use std::sync::Arc;

use async_graphql::{Context, ObjectType, Result, SubscriptionType};
use projections::counts::query::OrgCounts;
use projections::model::{LiveRow, StreamRow};

use crate::graph::connection::Listed;
use crate::graph::global_id::ResourceId;

/// A kind of object that has a global id and a history of its own; every one is in [`crate::registry`].
pub(crate) trait Resource: Listed + From<Arc<Self::Row>> {
    /// Its typed id.
    type Id: ResourceId;
    /// The row that it is made of.
    type Row: StreamRow;
    /// Its fields of the root of queries.
    type Queries: ObjectType + Default;
    /// Its fields of the root of mutations.
    type Mutations: ObjectType + Default;
    /// Its fields of the root of subscriptions.
    type Subscriptions: SubscriptionType + Default;
    /// Its fields of `Counts`.
    type Counts: ObjectType + From<Arc<OrgCounts>>;

    /// The object with this id as it is now, if the organization of the request has it.
    ///
    /// # Errors
    /// When the read models cannot be read, or do not show in time what the request must show.
    fn find(
        context: &Context<'_>,
        id: Self::Id,
        consistent_with: Option<String>,
    ) -> impl Future<Output = Result<Option<Self>>> + Send;
}

/// An object of any resource, made of the row that a change carries.
pub(crate) trait OfRow: Sized {
    /// The object; none for a row that is no resource of this program.
    fn of_row(row: &LiveRow) -> Option<Self>;
}
