//! Lists of resources, and reads of one resource by its id: the same fields for all resources.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaInputValue, Registry};
use async_graphql::{ID, InputObject, InputType};
use projections::list::Listed;

use crate::graph::connection::{Connection, PageArguments, Paged};
use crate::graph::error::{self, Result};
use crate::graph::execute::arguments::{ArgumentStruct, Arguments, argument, invalid};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::resource::Resource;
use crate::graph::{consistency, points};
use crate::identity::roles::Right;

/// The filter of a resource's lists.
pub(crate) type FilterOf<R> = <<R as Resource>::Model as Listed>::Filter;

/// Declares the queries for a resource: one by its id, and a list.
pub(crate) fn queries<R: Resource, Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let by_id = format!(
        "The {} with this id, deleted or not; null if there is none.",
        R::NOUN
    );
    let found = fields.read(R::NOUN, &by_id, find::<R>);
    found
        .needs(Right::Query)
        .costs(points::READ)
        .shows(R::SHOWN_BY);
    let list_of = format!(
        "The {} of the organization. Deleted ones are omitted unless the filter asks for them.",
        R::NOUNS
    );
    let page = fields.read(R::NOUNS, &list_of, list::<R>);
    page.needs(Right::Query)
        .costs(points::READ)
        .shows(R::SHOWN_BY);
}

/// The arguments of a read by id.
#[derive(InputObject)]
struct ById {
    /// The id of the resource.
    id: ID,
    /// The `consistencyToken` of a mutation, whose write the answer shows.
    consistent_with: Option<String>,
}

impl ArgumentStruct for ById {}

/// Returns the resource with this id in its current state, or `None` if the organization of the request does
/// not have it.
async fn find<R: Resource>(context: Context, arguments: ById) -> Result<Option<R>> {
    let id: R::Id = GlobalId::parse_as(&arguments.id).map_err(InvalidId::into_error)?;
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    reader
        .row::<R::Model>(org, id)
        .await
        .map_err(error::read_failed)
}

/// The arguments of a list.
pub(crate) struct ListArguments<Filter, Order> {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
    pub(crate) page: PageArguments,
    pub(crate) consistent_with: Option<String>,
}

/// The arguments of every page.
#[derive(InputObject)]
struct OfPage {
    /// The number of items from the start, 0 to 100.
    first: Option<i32>,
    /// The cursor after which the items start.
    after: Option<String>,
    /// The number of items from the end, 0 to 100.
    last: Option<i32>,
    /// The cursor before which the items end.
    before: Option<String>,
    /// The `consistencyToken` of a mutation, whose write the answer shows.
    consistent_with: Option<String>,
}

impl ArgumentStruct for OfPage {}

/// The order of a list that has only one.
#[derive(Default)]
pub(crate) struct OneOrder;

/// The order of a list, if clients may choose it.
pub(crate) trait OrderArgument: Default + Send + Sync + 'static {
    /// Describes the argument.
    fn describe(registry: &mut Registry) -> Option<MetaInputValue>;

    /// Reads the argument.
    fn of(context: &Context) -> Result<Self>;
}

impl OrderArgument for OneOrder {
    fn describe(_: &mut Registry) -> Option<MetaInputValue> {
        None
    }

    fn of(_: &Context) -> Result<Self> {
        Ok(Self)
    }
}

impl<T: InputType + Default + 'static> OrderArgument for Option<T> {
    fn describe(registry: &mut Registry) -> Option<MetaInputValue> {
        let description = "The order of the list; newest first if omitted.";
        Some(argument::<Self>(registry, "orderBy", description))
    }

    fn of(context: &Context) -> Result<Self> {
        let order = context.arguments().get("orderBy").cloned();
        InputType::parse(order).map_err(|error| invalid::<Self>(context, error))
    }
}

impl<Filter, Order> Arguments for ListArguments<Filter, Order>
where
    Filter: InputType + Default + 'static,
    Order: OrderArgument,
{
    fn describe(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
        let description = "The filter; what it lets through by default if omitted.";
        let filter = argument::<Option<Filter>>(registry, "filter", description);
        let order = Order::describe(registry);
        let own = [Some(filter), order].into_iter().flatten();
        let own = own.map(|argument| (argument.name.clone(), argument));
        own.chain(<OfPage as Arguments>::describe(registry))
            .collect()
    }

    fn of(context: &Context) -> Result<Self> {
        let filter = context.arguments().get("filter").cloned();
        let filter: Option<Filter> =
            InputType::parse(filter).map_err(|error| invalid::<Option<Filter>>(context, error))?;
        let order = Order::of(context)?;
        let of_page = <OfPage as Arguments>::of(context)?;
        Ok(Self {
            filter: filter.unwrap_or_default(),
            order,
            page: PageArguments {
                first: of_page.first,
                after: of_page.after,
                last: of_page.last,
                before: of_page.before,
            },
            consistent_with: of_page.consistent_with,
        })
    }
}

async fn list<R: Resource>(
    context: Context,
    arguments: ListArguments<R::Filter, Option<R::Order>>,
) -> Result<Connection<R>> {
    let (order, direction) = arguments.order.unwrap_or_default().into();
    let page = arguments.page.page(order, direction.into())?;
    let filter = arguments.filter.try_into()?;
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let slice = reader.page::<R::Model>(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    Ok(Connection::of(slice, |row| row, Arc::new(filter)))
}

impl<R: Resource> Paged for R {
    type Extra = Arc<FilterOf<R>>;

    const ITEMS: &'static str = R::NOUNS;

    fn extra(fields: &mut Fields<'_, Connection<Self>>) {
        fields
            .load(
                "totalCount",
                "The number of objects on all pages of this filter. The platform counts the objects for \
                 each request of this field: select it only if needed.",
                |connection| Arc::clone(&connection.extra),
                totals::<R>,
            )
            .costs(points::COUNT);
    }
}

/// Counts the objects of each filter.
async fn totals<R: Resource>(
    context: Context,
    (): (),
    filters: Vec<Arc<FilterOf<R>>>,
) -> Result<Vec<i64>> {
    let org = &context.request()?.principal.org;
    let mut totals = Vec::with_capacity(filters.len());
    for filter in filters {
        let total = context.services().reader.total::<R::Model>(org, &filter);
        totals.push(total.await.map_err(error::read_failed)?);
    }
    Ok(totals)
}
