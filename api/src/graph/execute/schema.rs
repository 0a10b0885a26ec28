//! The schema by which documents are validated, collected and executed.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{OperationType, Type};
use apollo_compiler::parser::Parser;
use apollo_compiler::schema::{Component, ExtendedType, FieldDefinition, ObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Schema, name};

use super::object::Object;
use super::output::Write;
use super::sdl::sdl;
use super::types::{Extensions, TypeEntry, Types};
use crate::graph::resource::ResourceKind;

/// The Rust types that describe a schema.
pub trait Definition: 'static {
    /// The root of queries.
    type Query: Object + Default;
    /// The root of mutations.
    type Mutation: Object + Default;
    /// The root of subscriptions.
    type Subscription: Object + Default;

    /// Returns all kinds of resource.
    fn resources() -> Vec<ResourceKind>;

    /// Returns the fields that types get in addition to their own.
    fn extensions() -> Extensions {
        Extensions::default()
    }
}

/// The types of the published schema, and the fields by which they are executed.
pub struct ExecutableSchema {
    /// The published schema.
    pub definition: Valid<Schema>,
    /// All kinds of resource.
    pub resources: Arc<Vec<ResourceKind>>,
    /// The objects of the roots of queries, mutations and subscriptions.
    roots: [Box<dyn Write>; 3],
    entries: HashMap<String, Arc<TypeEntry>>,
    /// The types of object that a field of this type may return.
    objects: HashMap<String, Vec<Arc<TypeEntry>>>,
}

impl ExecutableSchema {
    /// Makes the schema that these Rust types describe.
    #[must_use]
    pub fn new<D: Definition>() -> Self {
        let types = Types::new::<D>();
        let resources = types.resources();
        let entries = types.entries;
        let definition = parsed(&sdl::<D>());
        let mut objects = HashMap::new();
        for name in definition.types.keys().map(|name| name.as_str()) {
            let mut possible: Vec<_> = entries
                .values()
                .filter(|entry| entry.name == name || definition.is_subtype(name, &entry.name))
                .cloned()
                .collect();
            possible.sort_by(|a, b| a.name.cmp(&b.name));
            objects.insert(name.to_owned(), possible);
        }
        Self {
            definition,
            resources,
            roots: [
                Box::new(D::Query::default()),
                Box::new(D::Mutation::default()),
                Box::new(D::Subscription::default()),
            ],
            entries,
            objects,
        }
    }

    /// Returns the object of a root.
    pub fn root(&self, operation: OperationType) -> &dyn Write {
        let [query, mutation, subscription] = &self.roots;
        match operation {
            OperationType::Query => &**query,
            OperationType::Mutation => &**mutation,
            OperationType::Subscription => &**subscription,
        }
    }

    /// Returns the type of object with this name.
    pub fn entry(&self, name: &str) -> Option<&Arc<TypeEntry>> {
        self.entries.get(name)
    }

    /// Returns the types of object that a field of this type may return; none for a leaf.
    pub fn objects_of(&self, name: &str) -> &[Arc<TypeEntry>] {
        self.objects.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns true if objects of the type `name` are objects of the type `other`.
    pub fn is_a(&self, name: &str, other: &str) -> bool {
        name == other || self.definition.is_subtype(other, name)
    }
}

/// Parses the published schema, and corrects what the parser's own introspection lacks.
fn parsed(sdl: &str) -> Valid<Schema> {
    let mut builder = Schema::builder().ignore_builtin_redefinitions();
    Parser::new().parse_into_schema_builder(sdl, "schema.graphql", &mut builder);
    let mut schema = builder.build().expect("the published schema is a schema");
    for (name, definition) in &mut schema.types {
        if name.starts_with("__")
            && let ExtendedType::Object(introspected) = definition
        {
            correct(introspected.make_mut());
        }
    }
    schema.validate().expect("the published schema is valid")
}

/// Corrects a type of introspection: `__Type.isOneOf` exists, and `includeDeprecated` is never null. See
/// [Schema Introspection Schema](https://spec.graphql.org/September2025/#sec-Schema-Introspection.Schema-Introspection-Schema).
fn correct(introspected: &mut ObjectType) {
    let arguments = introspected
        .fields
        .values_mut()
        .flat_map(|field| &mut field.make_mut().arguments);
    for argument in arguments {
        let ty = &mut argument.make_mut().ty;
        *ty = ty.as_ref().clone().non_null().into();
    }
    if introspected.name == "__Type" {
        let is_one_of = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: Default::default(),
        };
        let fields = &mut introspected.fields;
        fields.insert(name!("isOneOf"), Component::new(is_one_of));
    }
}
