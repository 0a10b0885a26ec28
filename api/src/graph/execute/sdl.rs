//! Publishes the schema with async-graphql, which describes inputs, enums and scalars too.
//!
//! The root here only describes: it resolves no field.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, EmptyMutation, EmptySubscription, ObjectType,
    OutputType, Positioned, SDLExportOptions, Schema, ServerResult, Value,
};

use super::object::Object;
use super::schema::Definition;
use super::types::Types;
use crate::graph::idempotency::idempotent;

/// Returns the schema with these roots, in GraphQL's schema language.
#[must_use]
pub fn sdl<D: Definition>() -> String {
    let root = Root::<D>(PhantomData);
    let schema = Schema::build(root, EmptyMutation, EmptySubscription).directive(idempotent);
    let options = SDLExportOptions::new().include_specified_by();
    schema.finish().sdl_with_options(options)
}

/// The description of all roots.
struct Root<D>(PhantomData<fn() -> D>);

impl<D: Definition> OutputType for Root<D> {
    fn type_name() -> Cow<'static, str> {
        D::Query::name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let described = Types::new::<D>().registry;
        registry.types.extend(described.types);
        registry.implements.extend(described.implements);
        registry.mutation_type = Some(D::Mutation::name().into_owned());
        registry.subscription_type = Some(D::Subscription::name().into_owned());
        format!("{}!", D::Query::name())
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

impl<D: Definition> ContainerType for Root<D> {
    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(None)
    }
}

impl<D: Definition> ObjectType for Root<D> {}
