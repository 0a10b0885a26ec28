//! What the folder of a resource gives to the schema.

use std::hash::Hash;
use std::sync::Arc;

use async_graphql::{Context, Lookahead, ObjectType, OutputType, Result, SubscriptionType};
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::list::Listed;
use projections::model::{LiveRow, Model};

use crate::graph::global_id::ResourceId;
use crate::graph::{consistency, error};

/// The row that a resource is made of.
pub(crate) type RowOf<R> = <<R as Resource>::Model as Model>::Row;

/// A kind of object that has a global id and a history of its own; every one is in [`crate::registry`].
pub(crate) trait Resource:
    OutputType + Clone + From<RowOf<Self>> + From<Arc<RowOf<Self>>> + Send + Sync + 'static
{
    /// Its typed id.
    type Id: ResourceId + Copy + Ord + Hash + Send + Sync + 'static;
    /// The read model whose rows it is made of.
    type Model: Listed<Filter: 'static>;
    /// Its fields of the root of queries.
    type Queries: ObjectType + Default;
    /// Its fields of the root of mutations.
    type Mutations: ObjectType + Default;
    /// Its fields of the root of subscriptions.
    type Subscriptions: SubscriptionType + Default;
    /// Its fields of `Counts`.
    type Counts: ObjectType + From<Arc<OrgCounts>>;

    /// The description of a page of them.
    const PAGE: &'static str;
    /// The description of one of them in a page.
    const ITEM: &'static str;

    /// The read models that show objects of which these fields are selected, nested objects included.
    fn read_models(selected: &[Lookahead<'_>]) -> Vec<AnyReadModel>;

    /// The object with this id as it is now, if the organization of the request has it.
    ///
    /// # Errors
    /// When the read models cannot be read, or do not show in time what the request must show.
    fn find(
        context: &Context<'_>,
        id: Self::Id,
        consistent_with: Option<String>,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        async move {
            let by = Self::read_models(&[context.look_ahead()]);
            let (reader, org) = consistency::reader(context, consistent_with, &by).await?;
            let row = reader.row::<Self::Model>(org, id).await;
            Ok(row.map_err(error::read_failed)?.map(Self::from))
        }
    }
}

/// The read models that show objects which are selected as this field, if it is selected.
pub(crate) fn read_models_of<R: Resource>(
    selected: &[Lookahead<'_>],
    field: &str,
) -> Vec<AnyReadModel> {
    let nested: Vec<_> = selected.iter().map(|object| object.field(field)).collect();
    if nested.iter().any(Lookahead::exists) {
        R::read_models(&nested)
    } else {
        Vec::new()
    }
}

/// An object of any resource, made of the row that a change carries.
pub(crate) trait OfRow: Sized {
    /// The object; none for a row that is no resource of this program.
    fn of_row(row: &LiveRow) -> Option<Self>;
}
