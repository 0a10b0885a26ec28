//! Lists of resources, and reads of resources by id: the same code for all resources.

use std::borrow::Cow;
use std::collections::HashMap;

use async_graphql::{Context, Object, Result, TypeName};
use projections::list::{Columns, Listed as ListedModel};
use uuid::Uuid;

use crate::graph::batch::ReadById;
use crate::graph::connection::{Listed, PageArguments, Paged, connection};
use crate::graph::order::OrderDirection;
use crate::graph::request::RequestInfo;
use crate::graph::resource::Resource;
use crate::graph::services::Services;
use crate::graph::{consistency, error};

/// The filter of a resource's lists.
pub(crate) type FilterOf<R> = <<R as Resource>::Model as ListedModel>::Filter;
/// The order of a resource's lists.
pub(crate) type OrderOf<R> = <<R as Resource>::Model as ListedModel>::Order;

/// Returns a page of a resource.
///
/// # Errors
/// For an invalid page, cursor or token. When the read models cannot be read, or do not show in time the
/// writes that the request must show.
pub(crate) async fn list<R: Resource>(
    context: &Context<'_>,
    filter: FilterOf<R>,
    (order, direction): (OrderOf<R>, OrderDirection),
    page: PageArguments,
    consistent_with: Option<String>,
) -> Result<Paged<R>> {
    let page = page.page(order, direction.into())?;
    let selected = context.look_ahead();
    let nodes = [
        selected.field("nodes"),
        selected.field("edges").field("node"),
    ];
    let by = R::read_models(&nodes);
    let (reader, org) = consistency::reader(context, consistent_with, &by).await?;
    let slice = reader.page::<R::Model>(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    Ok(connection(slice, R::from, TotalCount::<R::Model>(filter)))
}

/// Returns the resource that a mutation wrote, as of its last committed event, or `None` if it wrote none.
///
/// # Errors
/// When the event store cannot be read.
pub(crate) async fn written<R: Resource>(
    context: &Context<'_>,
    id: Option<Uuid>,
) -> Result<Option<R>> {
    let Some(id) = id else {
        return Ok(None);
    };
    let org = &RequestInfo::of(context)?.principal.org;
    let reader = &context.data::<Services>()?.reader;
    let row = reader.live_state::<R::Model>(org, R::Id::from(id).into());
    Ok(row.await.map_err(error::read_failed)?.map(R::from))
}

impl<R: Resource> Listed for R {
    type Fields = TotalCount<R::Model>;
    const PAGE: &'static str = R::PAGE;
    const ITEM: &'static str = R::ITEM;
}

/// The number of rows that match a filter.
pub(crate) struct TotalCount<M: ListedModel>(M::Filter);

impl<M: ListedModel<Filter: 'static>> TypeName for TotalCount<M> {
    /// Returns a name that is not in the schema: the field belongs to each page type.
    fn type_name() -> Cow<'static, str> {
        format!("TotalCount_{}", M::NAME).into()
    }
}

/// The fields of a resource's page besides its items.
#[Object(name_type)]
impl<M: ListedModel<Filter: 'static>> TotalCount<M> {
    /// The number of objects on all pages of this filter. The platform counts the objects for each request
    /// of this field: select it only if needed.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let total = reader.total::<M>(org, &self.0).await;
        total.map_err(error::read_failed)
    }
}

impl<R: Resource> ReadById for R {
    type Id = R::Id;

    async fn read(context: &Context<'_>, ids: Vec<R::Id>) -> Result<HashMap<R::Id, Self>> {
        let (reader, org) = consistency::reader(context, None, &R::read_models(&[])).await?;
        let streams: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
        // An object can be named before its read model contains it.
        let rows = reader
            .rows_or_live_state::<R::Model>(org, &streams, Columns::All)
            .await;
        let rows = rows.map_err(error::read_failed)?;
        let objects = rows
            .into_iter()
            .map(|(id, row)| (id.into(), Self::from(row)));
        Ok(objects.collect())
    }
}
