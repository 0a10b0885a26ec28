//! The types of the schema as the executor knows them: the fields of each type of object, by name.
//!
//! [`Types::new`] walks the Rust types from the roots. Each type adds its description to the registry of
//! async-graphql, from which the published schema is made. Each type of object also adds a table of its
//! fields, by which they are executed.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaEnumValue, MetaType, Registry};

use super::field_meta::{self, FieldMeta};
use super::object::{Fields, Object, Resolve};
use super::output::Output;
use super::schema::Definition;
use crate::graph::resource::ResourceKind;

/// The types of a schema while they are described.
pub struct Types {
    /// The description of all types.
    pub registry: Registry,
    /// The types of object, by name.
    pub entries: HashMap<String, Arc<TypeEntry>>,
    /// The names of all types that were begun, because types may refer to each other.
    begun: HashSet<String>,
    resources: Arc<Vec<ResourceKind>>,
    extensions: Extensions,
}

/// The fields that types of object get in addition to their own.
#[derive(Default)]
pub struct Extensions(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

type Declare<T> = fn(&mut Fields<'_, T>);

impl Extensions {
    /// Adds the fields of a type of object, which has no others yet.
    pub fn add<T: Object>(&mut self, declare: Declare<T>) {
        self.0.insert(TypeId::of::<T>(), Box::new(declare));
    }

    fn of<T: Object>(&self) -> Option<Declare<T>> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref().copied()
    }
}

/// A type of object.
pub struct TypeEntry {
    /// The name of the type.
    pub name: String,
    /// The properties of its fields.
    pub fields: Vec<FieldMeta>,
    by_name: HashMap<&'static str, usize>,
    /// The `Table<T>` of the Rust type `T`.
    table: Box<dyn Any + Send + Sync>,
}

/// The resolvers of the fields of a Rust type, in the order of [`TypeEntry::fields`].
pub struct Table<T>(pub Vec<Resolve<T>>);

impl TypeEntry {
    /// Returns the table of this Rust type, if the entry is that of the type.
    pub fn table<T: 'static>(&self) -> Option<&Table<T>> {
        self.table.downcast_ref()
    }

    /// Returns the place of the field with this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

impl Types {
    /// Describes a schema.
    #[must_use]
    pub fn new<D: Definition>() -> Self {
        let mut types = Self {
            registry: Registry::default(),
            entries: HashMap::new(),
            begun: HashSet::new(),
            resources: Arc::new(D::resources()),
            extensions: D::extensions(),
        };
        types.describe_object::<D::Query>();
        types.describe_object::<D::Mutation>();
        types.describe_object::<D::Subscription>();
        types
    }

    /// Returns all kinds of resource.
    pub fn resources(&self) -> Arc<Vec<ResourceKind>> {
        Arc::clone(&self.resources)
    }

    /// Returns false if the type with this name was begun already.
    pub fn begin(&mut self, name: &str) -> bool {
        self.begun.insert(name.to_owned())
    }

    /// Adds a type of output, and all types that it refers to.
    pub fn describe<T: Output>(&mut self) -> String {
        T::describe(self);
        T::qualified_name()
    }

    /// Adds a type of object, and all types that it refers to.
    pub fn describe_object<T: Object>(&mut self) {
        let name = T::name().into_owned();
        if !self.begin(&name) {
            return;
        }
        let extension = self.extensions.of::<T>();
        let mut fields = Fields::new(self);
        T::fields(&mut fields);
        if let Some(extend) = extension {
            extend(&mut fields);
        }
        let (fields, resolvers) = fields.finish();
        let by_name = fields.iter().enumerate();
        let by_name = by_name.map(|(index, field)| (field.name, index)).collect();
        // Fields and types of introspection are in every schema, and in no description of one.
        let described = fields.iter().filter(|field| !field.name.starts_with("__"));
        let described = described.map(|field| (field.name.to_owned(), field.described()));
        if !name.starts_with("__") {
            let described = field_meta::described(&name, &T::description(), described.collect());
            self.registry.types.insert(name.clone(), described);
        }
        let entry = TypeEntry {
            name: name.clone(),
            fields,
            by_name,
            table: Box::new(Table(resolvers)),
        };
        self.entries.insert(name, Arc::new(entry));
    }

    /// Adds the interface of this name, whose only field is an id.
    pub fn describe_interface(&mut self, name: &str, description: &str, possible: &[String]) {
        let id = field_meta::id();
        for object in possible {
            self.registry.add_implements(object, name);
        }
        let described = MetaType::Interface {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            fields: IndexMap::from([(id.name.clone(), id)]),
            possible_types: possible.iter().cloned().collect(),
            extends: false,
            keys: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        };
        self.registry.types.insert(name.to_owned(), described);
    }

    /// Adds the enum of this name, with the meanings of its values.
    pub(crate) fn describe_enum<'a>(
        &mut self,
        name: &str,
        description: &str,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let described = enum_type(name, description, values);
        self.registry.types.insert(name.to_owned(), described);
    }

    /// Adds the union of this name.
    pub fn describe_union(&mut self, name: &str, description: &str, possible: &[String]) {
        let described = MetaType::Union {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            possible_types: possible.iter().cloned().collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
        };
        self.registry.types.insert(name.to_owned(), described);
    }
}

/// Returns an enum as the schema describes it.
pub(crate) fn enum_type<'a>(
    name: &str,
    description: &str,
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> MetaType {
    let values = values.into_iter().map(|(name, meaning)| {
        let value = MetaEnumValue {
            name: name.to_owned(),
            description: Some(meaning.to_owned()),
            deprecation: Deprecation::NoDeprecated,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            directive_invocations: Vec::new(),
        };
        (name.to_owned(), value)
    });
    MetaType::Enum {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        enum_values: values.collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}
