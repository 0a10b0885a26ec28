//! Lists of resources, and reads of one resource by its id: the same fields for all resources.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaInputValue, Registry};
use async_graphql::{ID, InputObject, InputType};
use projections::list::{Listed, Named};
use uuid::Uuid;

use crate::graph::connection::{Connection, PageArguments, Paged};
use crate::graph::error::{self, Result};
use crate::graph::execute::arguments::{ArgumentStruct, Arguments, argument, argument_of};
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
        "The {} with this id{}; null if there is none.",
        R::NOUN,
        if R::IS_DELETED {
            ", deleted or not"
        } else {
            ""
        },
    );
    let found = fields.read(R::NOUN, &by_id, find::<R>);
    found.needs(Right::Query).is_read().shows(R::SHOWN_BY);
    let list_of = format!(
        "The {} of the organization.{}",
        R::NOUNS,
        if R::IS_DELETED {
            " Deleted ones are omitted unless the filter asks for them."
        } else {
            ""
        },
    );
    let page = fields.read(R::NOUNS, &list_of, list::<R>);
    page.needs(Right::Query).is_read().shows(R::SHOWN_BY);
    R::queries(fields);
}

/// Declares the query for a living resource by its name.
pub(crate) fn query_by_name<R, Root>(fields: &mut Fields<'_, Root>, field: &'static str)
where
    R: Resource<Model: Named>,
    Root: Send + Sync + 'static,
{
    let description = format!(
        "The {} that lives and has exactly this name; null if there is none.",
        R::NOUN
    );
    let found = fields.read(field, &description, find_by_name::<R>);
    found.needs(Right::Query).is_read().shows(R::SHOWN_BY);
}

/// The arguments of a read by name.
#[derive(InputObject)]
struct ByName {
    /// The name of the resource.
    name: String,
    /// The `consistencyToken` of a mutation, whose write the answer shows.
    consistent_with: Option<String>,
}

impl ArgumentStruct for ByName {}

async fn find_by_name<R: Resource<Model: Named>>(
    context: Context,
    arguments: ByName,
) -> Result<Option<R>> {
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let columns = context.columns();
    let found = reader.living_by_name::<R::Model>(org, &arguments.name, &columns);
    found.await.map_err(error::read_failed)
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
        .row::<R::Model>(org, id, &context.columns())
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

/// The arguments of a list of one object, which shows the writes that the object shows.
pub(crate) struct NestedArguments<Filter, Order>(ListArguments<Filter, Order>);

impl<Filter, Order> Arguments for NestedArguments<Filter, Order>
where
    Filter: InputType + Default + 'static,
    Order: OrderArgument,
{
    fn describe(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
        let mut arguments = ListArguments::<Filter, Order>::describe(registry);
        arguments.shift_remove("consistentWith");
        arguments
    }

    fn of(context: &Context) -> Result<Self> {
        ListArguments::of(context).map(Self)
    }
}

/// The arguments of every list.
#[derive(InputObject)]
struct OfList {
    #[graphql(flatten)]
    page: PageArguments,
    /// The `consistencyToken` of a mutation, whose write the answer shows.
    consistent_with: Option<String>,
}

impl ArgumentStruct for OfList {}

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
        argument_of(context, "orderBy")
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
        own.chain(<OfList as Arguments>::describe(registry))
            .collect()
    }

    fn of(context: &Context) -> Result<Self> {
        let filter: Option<Filter> = argument_of(context, "filter")?;
        let order = Order::of(context)?;
        let OfList {
            page,
            consistent_with,
        } = Arguments::of(context)?;
        Ok(Self {
            filter: filter.unwrap_or_default(),
            order,
            page,
            consistent_with,
        })
    }
}

async fn list<R: Resource>(
    context: Context,
    arguments: ListArguments<R::Filter, Option<R::Order>>,
) -> Result<Connection<R>> {
    let (order, direction) = arguments.order.unwrap_or_default().into();
    let page = arguments.page.page(&context, order, direction.into())?;
    let filter = Arc::new(arguments.filter.try_into()?);
    let (reader, org) = consistency::reader(&context, arguments.consistent_with).await?;
    let slice = reader.page::<R::Model>(org, &filter, &page).await;
    let slice = slice.map_err(error::read_failed)?;
    let extra = Counted {
        filter,
        parent: None,
    };
    Ok(Connection { slice, extra })
}

/// Returns a page for each parent: of the resources whose column names the parent. One statement reads the
/// pages of all parents.
///
/// # Errors
/// For an invalid page, filter or cursor. When the read models cannot be read.
pub(crate) async fn nested<R: Resource>(
    context: Context,
    arguments: NestedArguments<R::Filter, Option<R::Order>>,
    column: &'static str,
    parents: Vec<Uuid>,
) -> Result<Vec<Connection<R>>> {
    let NestedArguments(arguments) = arguments;
    let (order, direction) = arguments.order.unwrap_or_default().into();
    let page = arguments.page.page(&context, order, direction.into())?;
    let filter = Arc::new(arguments.filter.try_into()?);
    let org = &context.request()?.principal.org;
    let reader = &context.services().reader;
    let slices = reader.pages_by::<R::Model>(org, column, &parents, &filter, &page);
    let slices = slices
        .await
        .map_err(error::read_failed)?
        .into_iter()
        .zip(parents);
    let connections = slices.map(|(slice, parent)| {
        let extra = Counted {
            filter: Arc::clone(&filter),
            parent: Some((column, parent)),
        };
        Connection { slice, extra }
    });
    Ok(connections.collect())
}

/// The rows that a page's `totalCount` counts.
pub(crate) struct Counted<R: Resource> {
    filter: Arc<FilterOf<R>>,
    /// The column that names the parent of the list, and its id.
    parent: Option<(&'static str, Uuid)>,
}

impl<R: Resource> Clone for Counted<R> {
    fn clone(&self) -> Self {
        Self {
            filter: Arc::clone(&self.filter),
            parent: self.parent,
        }
    }
}

impl<R: Resource> Paged for R {
    type Extra = Counted<R>;

    const ITEMS: &'static str = R::NOUNS;

    fn extra(fields: &mut Fields<'_, Connection<Self>>) {
        fields
            .load(
                "totalCount",
                "The number of objects on all pages of this filter. The platform counts the objects for \
                 each request of this field: select it only if needed.",
                |connection| connection.extra.clone(),
                totals::<R>,
            )
            .costs(points::COUNT);
    }
}

/// Counts the rows of each list. All lists of one field have the same filter, and one statement counts those
/// of all parents.
async fn totals<R: Resource>(context: Context, (): (), lists: Vec<Counted<R>>) -> Result<Vec<i64>> {
    let org = &context.request()?.principal.org;
    let reader = &context.services().reader;
    let Some(Counted { filter, parent }) = lists.first() else {
        return Ok(Vec::new());
    };
    let totals = match parent {
        None => reader
            .total::<R::Model>(org, filter)
            .await
            .map(|total| vec![total]),
        Some((column, _)) => {
            let parents = lists.iter().filter_map(|list| list.parent);
            let parents: Vec<_> = parents.map(|(_, id)| id).collect();
            reader
                .totals_by::<R::Model>(org, column, &parents, filter)
                .await
        }
    };
    totals.map_err(error::read_failed)
}
