//! Executes plans: loads what is not part of an object, then writes the answer in one go.
//!
//! The order is fixed: [`load`] reads, for all objects of a page together, whatever fields need; then
//! [`writer`] writes all fields synchronously, in the order of the selection, straight to the bytes of the
//! answer. No field has a future of its own unless it reads something. Types declare their fields with
//! [`object`], and the leaves are in [`output`].

pub mod arguments;
pub mod context;
pub mod field_meta;
pub mod load;
pub mod object;
pub mod output;
pub mod plan;
pub mod schema;
pub mod sdl;
pub mod types;
pub mod writer;

use std::sync::Arc;

use apollo_compiler::ast::OperationType;
use futures_util::stream::BoxStream;

use self::context::{Context, Run};
use self::field_meta::Source;
use self::output::Write;
use self::writer::{PlacedError, TooLong, Writer};
use crate::graph::answer::MAX_ANSWER_BYTES;
use crate::graph::error::Error;

/// The JSON of the data of an answer, and its errors.
pub(crate) type Executed = Result<(Vec<u8>, Vec<PlacedError>), TooLong>;

/// Executes a query, whose fields are loaded at the same time, or a mutation, whose fields run one after
/// the other.
pub(crate) async fn operation(run: &Arc<Run>) -> Executed {
    let plan = &run.plan;
    let root = run.schema.root(plan.operation);
    let mut loaded = match plan.operation {
        OperationType::Mutation => load::load_in_turn(run, root).await,
        OperationType::Query | OperationType::Subscription => load::load(run, root).await,
    };
    Writer::new(run, &mut loaded, MAX_ANSWER_BYTES).root(root, &plan.root)
}

/// Opens the stream of the values of a subscription's field.
///
/// # Errors
/// When the caller may not subscribe, or the subscription cannot begin.
pub(crate) async fn open(run: &Arc<Run>) -> Result<BoxStream<'static, Box<dyn Write>>, Error> {
    let [field] = run.plan.roots() else {
        unreachable!("a valid subscription has one field");
    };
    run.check(field)?;
    let Some(Source::Stream(open)) = field.meta().map(|meta| &meta.source) else {
        unreachable!("every field of the root of subscriptions is a stream");
    };
    let context = Context::new(Arc::clone(run), Arc::clone(field));
    open(context).await
}

/// Executes a subscription for one value of its field.
pub(crate) async fn value(run: &Arc<Run>, value: Box<dyn Write>) -> Executed {
    let plan = &run.plan;
    let root = run.schema.root(plan.operation);
    let mut loaded = load::load_value(run, value).await;
    Writer::new(run, &mut loaded, MAX_ANSWER_BYTES).root(root, &plan.root)
}
