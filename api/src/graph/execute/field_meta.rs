//! The properties of a field, and the descriptions of types of object in the published schema.

use std::any::Any;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaField, MetaInputValue, MetaType};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use projections::consistency::AnyReadModel;

use super::context::Context;
use super::output::Write;
use crate::graph::error::Error;
use crate::graph::guard::Need;
use crate::graph::points;

/// The properties of a field that do not depend on the Rust type of its object.
pub struct FieldMeta {
    /// The name of the field.
    pub name: &'static str,
    /// The right that the field needs.
    pub need: Option<Need>,
    /// The cost of the field in points for each object that has it, besides that of its own objects.
    pub cost: usize,
    /// The cost in points of the statement that reads the field for all objects.
    pub statement: usize,
    /// The maximum number of bytes of a value of the field, if values may be long.
    pub bytes: usize,
    /// The columns of the read model that hold the field's values or its key.
    pub columns: Vec<String>,
    /// The read models whose rows the field shows.
    pub shows: Vec<AnyReadModel>,
    /// True if the field shows rows of the read model of any kind of resource.
    pub shows_resources: bool,
    /// The source of the field, unless its object holds the value.
    pub source: Source,
    pub(super) description: String,
    pub(super) arguments: IndexMap<String, MetaInputValue>,
    pub(super) type_name: String,
}

/// The source of a field's values.
pub enum Source {
    /// The object of the field holds the value.
    Object,
    /// The value is loaded, together with those of the other objects of the page.
    Loaded(Load),
    /// The field is the root of a subscription.
    Stream(Open),
}

/// Returns a value of a field for each key, in their order, or the error of all of them. The keys are the vector
/// that the field gathered.
pub type Load =
    Box<dyn Fn(Context, Box<dyn Any + Send>) -> Loading<Vec<Box<dyn Write>>> + Send + Sync>;

/// Opens the stream of a field of the root of subscriptions, which has a value for each answer. A value that
/// failed is the last one.
pub type Open = Box<dyn Fn(Context) -> Loading<BoxStream<'static, Box<dyn Write>>> + Send + Sync>;

type Loading<T> = BoxFuture<'static, Result<T, Error>>;

impl FieldMeta {
    /// Restricts the field to callers with a right.
    pub fn needs(&mut self, need: impl Into<Need>) -> &mut Self {
        self.need = Some(need.into());
        self
    }

    /// Says that one statement reads the field for all objects.
    pub fn is_read(&mut self) -> &mut Self {
        self.statement = points::READ;
        self
    }

    /// Sets the cost of the field in points for each object that has it, besides that of its own objects.
    pub fn costs(&mut self, points: usize) -> &mut Self {
        self.cost = points;
        self
    }

    /// Sets the maximum number of bytes of a value.
    pub fn up_to(&mut self, bytes: usize) -> &mut Self {
        self.bytes = bytes;
        self
    }

    /// Names the columns of the read model that hold the values or the key of the field. Without it, the column
    /// has the name of the field in snake case.
    pub fn columns(&mut self, names: &[&str]) -> &mut Self {
        self.columns = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Says that the field shows rows of the read model of any kind of resource.
    pub fn shows_resources(&mut self) -> &mut Self {
        self.shows_resources = true;
        self
    }

    /// Names a read model whose rows the field shows.
    pub fn shows(&mut self, model: AnyReadModel) -> &mut Self {
        self.shows.push(model);
        self
    }

    /// Returns the field as the schema describes it.
    pub(super) fn described(&self) -> MetaField {
        meta_field(
            self.name,
            &self.description,
            self.arguments.clone(),
            &self.type_name,
        )
    }
}

/// Returns a name in camel case in snake case.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Returns the field `id` of an interface as the schema describes it.
pub(super) fn id() -> MetaField {
    let description = "The id of the object, which never changes.";
    meta_field("id", description, IndexMap::new(), "ID!")
}

fn meta_field(
    name: &str,
    description: &str,
    args: IndexMap<String, MetaInputValue>,
    ty: &str,
) -> MetaField {
    MetaField {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        args,
        ty: ty.to_owned(),
        deprecation: Deprecation::NoDeprecated,
        cache_control: Default::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// Returns a type of object as the schema describes it.
pub(super) fn described(
    name: &str,
    description: &str,
    fields: IndexMap<String, MetaField>,
) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        fields,
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        keys: None,
        visible: None,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}
