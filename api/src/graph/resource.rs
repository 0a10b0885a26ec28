//! The trait by which the folder of a resource adds to the schema.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::InputType;
use futures_util::future::BoxFuture;
use projections::consistency::AnyReadModel;
use projections::counts::query::OrgCounts;
use projections::list::Listed;
use projections::model::{LiveRow, StreamRow};
use uuid::Uuid;

use crate::graph::error::{self, Error, Result};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::Write;
use crate::graph::execute::types::Types;
use crate::graph::global_id::ResourceId;
use crate::graph::order::OrderDirection;
use crate::graph::snapshot::Snapshot;

/// A kind of object that has a global id and its own history: the row of its read model.
/// [`crate::registry`] lists all resources.
pub(crate) trait Resource: Object + StreamRow + Send + Sync + 'static {
    /// The typed id of the resource.
    type Id: ResourceId + Copy + Ord + Hash + Send + Sync + 'static;
    /// The read model that holds the rows of the resource.
    type Model: Listed<Row = Self, Filter: 'static>;
    /// The filter of lists, as clients give it.
    type Filter: InputType + Default + TryInto<<Self::Model as Listed>::Filter, Error = Error>;
    /// The order of lists, as clients give it.
    type Order: InputType + Default + Into<(<Self::Model as Listed>::Order, OrderDirection)>;

    /// The noun for one resource, as in names of fields.
    const NOUN: &'static str;
    /// The noun for several resources.
    const NOUNS: &'static str;
    /// True if resources of this kind are deleted; others only end.
    const IS_DELETED: bool = true;
    /// The projection that writes the read model.
    const SHOWN_BY: AnyReadModel;

    /// Returns the id of the resource.
    fn id(&self) -> Self::Id;

    /// Declares the fields that are part of the row, without the id.
    fn state(fields: &mut Fields<'_, Self>);

    /// Declares queries besides those by id and for lists.
    fn queries<Root: Send + Sync + 'static>(_fields: &mut Fields<'_, Root>) {}

    /// Declares the mutations.
    fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>);

    /// Declares the subscriptions.
    fn subscriptions<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>);

    /// Declares the fields of `Counts`.
    fn counts(fields: &mut Fields<'_, OrgCounts>);
}

/// Returns the resources with these ids that the organization of the request has, or `None` for others, in
/// the order of the ids. One statement reads all of them.
///
/// # Errors
/// When the read models cannot be read.
pub(crate) async fn by_ids<R: Resource>(
    context: Context,
    (): (),
    ids: Vec<Option<R::Id>>,
) -> Result<Vec<Option<R>>> {
    let org = &context.request()?.principal.org;
    let mut streams: Vec<_> = ids.iter().copied().flatten().collect();
    streams.sort_unstable();
    streams.dedup();
    if streams.is_empty() {
        return Ok(ids.iter().map(|_| None).collect());
    }
    let streams: Vec<_> = streams.into_iter().map(Into::into).collect();
    // An object can be named before its read model contains it.
    let reader = &context.services().reader;
    let rows = reader
        .rows_or_live_state::<R::Model>(org, &streams, &context.columns())
        .await;
    let rows = rows.map_err(error::read_failed)?;
    let found = ids.into_iter().map(|id| rows.get(&id?.uuid()).cloned());
    Ok(found.collect())
}

/// The functions of a resource whose type is not known.
pub struct ResourceKind {
    /// The name of the type in the schema.
    pub(crate) name: &'static str,
    /// Adds the type to the schema.
    pub(crate) describe: fn(&mut Types),
    /// Adds the type of its earlier states to the schema, and returns its name.
    pub(crate) describe_snapshot: fn(&mut Types) -> String,
    /// Returns the resources with these ids, as [`by_ids`] does.
    pub(crate) find: FindAny,
    /// Returns the row of a change as an earlier state, if it is one of this resource.
    pub(crate) snapshot: fn(&LiveRow) -> Option<Box<dyn Write>>,
    /// The projection that writes the read model.
    pub(crate) shown_by: AnyReadModel,
}

type FindAny = fn(Context, Vec<Uuid>) -> BoxFuture<'static, Result<HashMap<Uuid, Box<dyn Write>>>>;

impl ResourceKind {
    /// Returns the functions of a resource.
    pub(crate) fn of<R: Resource>() -> Self {
        Self {
            name: R::NAME,
            describe: Types::describe_object::<R>,
            describe_snapshot: |types| types.describe::<Snapshot<R>>(),
            find: |context, ids| {
                Box::pin(async move {
                    let typed = ids.iter().map(|id| Some(R::Id::from(*id))).collect();
                    let found = by_ids::<R>(context, (), typed).await?;
                    let found = ids.into_iter().zip(found).filter_map(|(id, row)| {
                        let row: Box<dyn Write> = Box::new(row?);
                        Some((id, row))
                    });
                    Ok(found.collect())
                })
            },
            snapshot: |row| {
                let row: Arc<R> = row.row()?;
                Some(Box::new(Snapshot(row)))
            },
            shown_by: R::SHOWN_BY,
        }
    }
}
