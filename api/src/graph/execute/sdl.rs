//! Publishes the schema with async-graphql, which describes inputs, enums and scalars too.
//!
//! The roots here only describe: no field is ever resolved by them.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::pin::Pin;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, Response,
    SDLExportOptions, Schema, ServerResult, SubscriptionType, Value,
};
use futures_util::Stream;

use super::object::Object;
use super::schema::Definition;
use super::types::Types;
use crate::graph::idempotency::idempotent;

/// Returns the schema with these roots, in GraphQL's schema language.
#[must_use]
pub fn sdl<D: Definition>() -> String {
    let query = Root::<D, D::Query>(PhantomData);
    let mutation = Root::<D, D::Mutation>(PhantomData);
    let subscription = Root::<D, D::Subscription>(PhantomData);
    let schema = Schema::build(query, mutation, subscription).directive(idempotent);
    let options = SDLExportOptions::new().include_specified_by();
    schema.finish().sdl_with_options(options)
}

/// The description of a root.
struct Root<D, T>(PhantomData<fn() -> (D, T)>);

fn describe<D: Definition, T: Object>(registry: &mut Registry) -> String {
    let mut types = Types::new::<D>();
    types.describe_object::<T>();
    registry.types.extend(types.registry.types);
    for (object, interfaces) in &types.registry.implements {
        for interface in interfaces {
            registry.add_implements(object, interface);
        }
    }
    format!("{}!", T::name())
}

impl<D: Definition, T: Object> OutputType for Root<D, T> {
    fn type_name() -> Cow<'static, str> {
        T::name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        describe::<D, T>(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

impl<D: Definition, T: Object> ContainerType for Root<D, T> {
    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(None)
    }
}

impl<D: Definition, T: Object> ObjectType for Root<D, T> {}

impl<D: Definition, T: Object> SubscriptionType for Root<D, T> {
    fn type_name() -> Cow<'static, str> {
        T::name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        describe::<D, T>(registry)
    }

    fn create_field_stream<'a>(
        &'a self,
        _: &'a Context<'_>,
    ) -> Option<Pin<Box<dyn Stream<Item = Response> + Send + 'a>>> {
        None
    }
}
