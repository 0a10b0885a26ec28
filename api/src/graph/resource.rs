//! The trait by which the folder of a resource adds to the schema.

use std::hash::Hash;
use std::sync::Arc;

use async_graphql::{Context, Lookahead, ObjectType, OutputType, Result, SubscriptionType};
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::list::{Columns, Listed};
use projections::model::{LiveRow, Model};

use crate::graph::global_id::ResourceId;
use crate::graph::{consistency, error};

/// The type of row from which a resource is built.
pub(crate) type RowOf<R> = <<R as Resource>::Model as Model>::Row;

/// A kind of object that has a global id and its own history. [`crate::registry`] lists all of them.
pub(crate) trait Resource:
    OutputType + Clone + From<RowOf<Self>> + From<Arc<RowOf<Self>>> + Send + Sync + 'static
{
    /// The typed id of the resource.
    type Id: ResourceId + Copy + Ord + Hash + Send + Sync + 'static;
    /// The read model that holds the rows of the resource.
    type Model: Listed<Filter: 'static>;
    /// The resource's fields of the root of queries.
    type Queries: ObjectType + Default;
    /// The resource's fields of the root of mutations.
    type Mutations: ObjectType + Default;
    /// The resource's fields of the root of subscriptions.
    type Subscriptions: SubscriptionType + Default;
    /// The resource's fields of `Counts`.
    type Counts: ObjectType + From<Arc<OrgCounts>>;

    /// The description of a page of objects.
    const PAGE: &'static str;
    /// The description of an object in a page.
    const ITEM: &'static str;

    /// Returns the read models that show objects with these selected fields, nested objects included.
    fn read_models(selected: &[Lookahead<'_>]) -> Vec<AnyReadModel>;

    /// Returns the object with this id in its current state, or `None` if the organization of the request
    /// does not have it.
    ///
    /// # Errors
    /// When the read models cannot be read, or do not show in time the writes that the request must show.
    fn find(
        context: &Context<'_>,
        id: Self::Id,
        consistent_with: Option<String>,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        async move {
            let by = Self::read_models(&[context.look_ahead()]);
            let (reader, org) = consistency::reader(context, consistent_with, &by).await?;
            let row = reader.row::<Self::Model>(org, id, Columns::All).await;
            Ok(row.map_err(error::read_failed)?.map(Self::from))
        }
    }
}

/// Returns the read models that show the objects which are selected as this field, if any are.
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

/// An object of any resource, built from the row of a change.
pub(crate) trait OfRow: Sized {
    /// Returns the object, or `None` for a row that is not a resource of this program.
    fn of_row(row: &LiveRow) -> Option<Self>;
}
