//! The GraphQL interface `Node`: every object that has a global id.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{ID, InputObject};
use projections::history::StreamId;
use uuid::Uuid;

use crate::graph::connection::MAX_PAGE;
use crate::graph::consistency;
use crate::graph::error::{Code, Result, failure};
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::field_meta::FieldMeta;
use crate::graph::execute::load::Keys;
use crate::graph::execute::object::Fields;
use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::types::Types;
use crate::graph::execute::writer::{Failed, Writer};
use crate::graph::global_id::{GlobalId, InvalidId};
use crate::graph::resource_type::ResourceType;
use crate::identity::roles::Right;

/// The number of ids of one read.
const MAX_IDS: usize = MAX_PAGE as usize;

/// A resource of any kind.
pub(crate) struct Node(Box<dyn Write>);

impl Write for Node {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> std::result::Result<(), Failed> {
        self.0.write(field, out)
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        self.0.gather(field, keys);
    }
}

impl Output for Node {
    fn name() -> Cow<'static, str> {
        "Node".into()
    }

    fn describe(types: &mut Types) {
        if !types.begin("Node") {
            return;
        }
        let resources = types.resources();
        for resource in resources.iter() {
            (resource.describe)(types);
        }
        let possible: Vec<_> = resources.iter().map(|one| one.name.to_owned()).collect();
        let description = "An object with an id by which `node` finds it.";
        types.describe_interface("Node", description, &possible);
    }
}

/// Declares the queries for resources of any kind.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    // Relay's compiler accepts no `node` that has another argument than `id`.
    let node = fields.read(
        "node",
        "The object with this id; null if there is none. A consistency token belongs in the header \
         `X-Consistency-Token`.",
        node,
    );
    node.needs(Right::Query).is_read().shows_resources();
    let nodes = fields.read(
        "nodes",
        "The objects with these ids, at most 100, in the order of the ids; null for an id of no object. A \
         consistency token belongs in the header `X-Consistency-Token`.",
        nodes,
    );
    nodes.needs(Right::Query).is_read().shows_resources();
}

/// Declares the resource of an event, which has this stream.
pub(crate) fn resource_of_event<'f, T: Send + Sync + 'static>(
    fields: &'f mut Fields<'_, T>,
    stream: fn(&T) -> Option<StreamId>,
) -> &'f mut FieldMeta {
    let description = "The resource of the event as the read model has it, which may be later than the event, or in a \
                       subscription still before it. Null if only a newer version of the platform knows its type.";
    let resource = fields.load("resource", description, stream, of_streams);
    resource.needs(Right::Query).is_read().shows_resources()
}

/// Returns the resources of these streams that the organization of the request has, in the order of the
/// streams. One statement reads those of one kind.
///
/// # Errors
/// When the read models cannot be read.
async fn of_streams(
    context: Context,
    (): (),
    streams: Vec<Option<StreamId>>,
) -> Result<Vec<Option<Node>>> {
    let mut by_kind: HashMap<&str, Vec<Uuid>> = HashMap::new();
    for stream in streams.iter().flatten() {
        if let Some(kind) = ResourceType::of_stream(stream.stream_type) {
            by_kind.entry(kind.name()).or_default().push(stream.uuid);
        }
    }
    // The same resource may be asked for several times, and resources of two kinds by the same UUID.
    let mut found: HashMap<(&str, Uuid), Arc<dyn Write>> = HashMap::new();
    let schema = context.schema().clone();
    for resource in schema.resources.iter() {
        if let Some(ids) = by_kind.remove(resource.name) {
            let of_kind = (resource.find)(context.clone(), ids).await?;
            let of_kind = of_kind.into_iter();
            found.extend(of_kind.map(|(id, value)| ((resource.name, id), value.into())));
        }
    }
    let nodes = streams.iter().map(|stream| {
        let stream = stream.as_ref()?;
        let kind = ResourceType::of_stream(stream.stream_type)?;
        let value = found.get(&(kind.name(), stream.uuid))?;
        Some(Node(Box::new(Arc::clone(value))))
    });
    Ok(nodes.collect())
}

#[derive(InputObject)]
struct NodeArguments {
    /// The id of a resource.
    id: ID,
}

impl ArgumentStruct for NodeArguments {}

#[derive(InputObject)]
struct NodesArguments {
    /// The ids of resources.
    ids: Vec<ID>,
}

impl ArgumentStruct for NodesArguments {}

async fn node(context: Context, arguments: NodeArguments) -> Result<Option<Node>> {
    let mut found = read(context, &[arguments.id]).await?;
    Ok(found.pop().flatten())
}

async fn nodes(context: Context, arguments: NodesArguments) -> Result<Vec<Option<Node>>> {
    let ids = arguments.ids;
    if ids.len() > MAX_IDS {
        let message = format!("`ids` has {} ids: ask for at most {MAX_IDS}", ids.len());
        return Err(failure(Code::BadUserInput, message));
    }
    read(context, &ids).await
}

async fn read(context: Context, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let read = ids.iter().map(|id| GlobalId::parse(id).map(StreamId::from));
    let streams: std::result::Result<Vec<_>, InvalidId> = read.collect();
    let streams = streams.map_err(InvalidId::into_error)?;
    consistency::wait(&context, None).await?;
    of_streams(context, (), streams.into_iter().map(Some).collect()).await
}
