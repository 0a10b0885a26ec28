//! Introspection: the schema as fields of the schema.
//!
//! See [Introspection](https://spec.graphql.org/September2025/#sec-Introspection). The types are those of
//! the specification, and need no descriptions: every schema has the same ones.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::{
    DirectiveDefinition, DirectiveList, InputValueDefinition, OperationType, Type, Value,
};
use apollo_compiler::schema::{Component, EnumValueDefinition, ExtendedType, FieldDefinition};
use async_graphql::InputObject;

use crate::graph::error::Result;
use crate::graph::execute::arguments::ArgumentStruct;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::points;

/// Declares `__schema` and `__type`.
pub(super) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields.read("__schema", "", schema);
    fields.read("__type", "", named);
}

async fn schema(context: Context, (): ()) -> Result<SchemaOf> {
    Ok(SchemaOf(Arc::clone(context.schema())))
}

#[derive(InputObject)]
struct Named {
    name: String,
}

impl ArgumentStruct for Named {}

async fn named(context: Context, arguments: Named) -> Result<Option<TypeOf>> {
    Ok(TypeOf::named(context.schema(), &arguments.name))
}

/// The argument of lists that may leave out what is deprecated.
#[derive(InputObject)]
struct Deprecated {
    #[graphql(default)]
    include_deprecated: bool,
}

impl ArgumentStruct for Deprecated {}

/// The type `__Schema`.
struct SchemaOf(Arc<ExecutableSchema>);

impl SchemaOf {
    fn root(&self, operation: OperationType) -> Option<TypeOf> {
        let name = self.0.definition.root_operation(operation)?;
        TypeOf::named(&self.0, name)
    }
}

impl Object for SchemaOf {
    const NAME: &'static str = "__Schema";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("description", "", |schema| {
            let definition = &schema.0.definition.schema_definition;
            definition.description.as_ref().map(ToString::to_string)
        });
        fields
            .value("types", "", |schema| {
                let names = schema.0.definition.types.keys();
                let types = names.filter_map(|name| TypeOf::named(&schema.0, name));
                types.collect::<Vec<_>>()
            })
            .costs(points::ALL_TYPES);
        fields.value("queryType", "", |schema| schema.root(OperationType::Query));
        fields.value("mutationType", "", |schema| {
            schema.root(OperationType::Mutation)
        });
        fields.value("subscriptionType", "", |schema| {
            schema.root(OperationType::Subscription)
        });
        fields.value("directives", "", |schema| {
            let directives = schema.0.definition.directive_definitions.values();
            let directives = directives.map(|directive| DirectiveOf {
                schema: Arc::clone(&schema.0),
                directive: directive.clone(),
            });
            directives.collect::<Vec<_>>()
        });
    }
}

/// The type `__Type`.
#[derive(Clone)]
struct TypeOf {
    schema: Arc<ExecutableSchema>,
    ty: Type,
}

impl TypeOf {
    fn named(schema: &Arc<ExecutableSchema>, name: &str) -> Option<Self> {
        let (name, _) = schema.definition.types.get_key_value(name)?;
        Some(Self {
            schema: Arc::clone(schema),
            ty: Type::Named(name.clone()),
        })
    }

    fn of(schema: &Arc<ExecutableSchema>, ty: &Type) -> Self {
        Self {
            schema: Arc::clone(schema),
            ty: ty.clone(),
        }
    }

    /// Returns the definition, unless the type wraps another one.
    fn definition(&self) -> Option<&ExtendedType> {
        match &self.ty {
            Type::Named(name) => self.schema.definition.types.get(name),
            _ => None,
        }
    }

    fn wrapped(&self) -> Option<Type> {
        match &self.ty {
            Type::Named(_) => None,
            Type::NonNullNamed(name) => Some(Type::Named(name.clone())),
            Type::List(item) => Some((**item).clone()),
            Type::NonNullList(item) => Some(Type::List(item.clone())),
        }
    }

    fn kind(&self) -> &str {
        match (&self.ty, self.definition()) {
            (Type::List(_), _) => "LIST",
            (Type::NonNullNamed(_) | Type::NonNullList(_), _) => "NON_NULL",
            (_, Some(ExtendedType::Object(_))) => "OBJECT",
            (_, Some(ExtendedType::Interface(_))) => "INTERFACE",
            (_, Some(ExtendedType::Union(_))) => "UNION",
            (_, Some(ExtendedType::Enum(_))) => "ENUM",
            (_, Some(ExtendedType::InputObject(_))) => "INPUT_OBJECT",
            (_, Some(ExtendedType::Scalar(_)) | None) => "SCALAR",
        }
    }

    fn possible_types(&self) -> Option<Vec<Self>> {
        self.definition()
            .filter(|definition| definition.is_interface() || definition.is_union())?;
        let objects = self.schema.objects_of(self.ty.inner_named_type());
        let objects = objects
            .iter()
            .filter_map(|entry| Self::named(&self.schema, &entry.name));
        Some(objects.collect())
    }
}

impl Object for TypeOf {
    const NAME: &'static str = "__Type";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("kind", "", TypeOf::kind);
        fields.value("name", "", |ty| {
            ty.definition()
                .map(|definition| definition.name().to_string())
        });
        fields.value("description", "", |ty| {
            let description = ty.definition().and_then(ExtendedType::description);
            description.map(ToString::to_string)
        });
        fields.value("specifiedByURL", "", |ty| match ty.definition()? {
            ExtendedType::Scalar(_) => {
                let url = ty.definition()?.directives().get("specifiedBy")?;
                text(url.specified_argument_by_name("url")?)
            }
            _ => None,
        });
        fields.load("fields", "", TypeOf::clone, fields_of);
        fields.value("interfaces", "", |ty| {
            let interfaces = match ty.definition()? {
                ExtendedType::Object(object) => &object.implements_interfaces,
                ExtendedType::Interface(interface) => &interface.implements_interfaces,
                _ => return None,
            };
            let interfaces = interfaces
                .iter()
                .filter_map(|name| TypeOf::named(&ty.schema, name));
            Some(interfaces.collect::<Vec<_>>())
        });
        fields.value("possibleTypes", "", TypeOf::possible_types);
        fields.load("enumValues", "", TypeOf::clone, enum_values_of);
        fields.load("inputFields", "", TypeOf::clone, input_fields_of);
        fields.value("ofType", "", |ty| {
            ty.wrapped().map(|inner| TypeOf::of(&ty.schema, &inner))
        });
        fields.value("isOneOf", "", |ty| match ty.definition()? {
            ExtendedType::InputObject(input) => Some(input.directives.has("oneOf")),
            _ => None,
        });
    }
}

async fn fields_of(
    _: Context,
    arguments: Deprecated,
    types: Vec<TypeOf>,
) -> Result<Vec<Option<Vec<FieldOf>>>> {
    let fields = types.iter().map(|ty| {
        let fields = match ty.definition()? {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            _ => return None,
        };
        let fields = fields.values();
        let fields = fields.filter(|field| arguments.shows(deprecation(&field.directives)));
        // The fields of introspection are in every root of queries, and in no description of one.
        let fields = fields.filter(|field| !field.name.starts_with("__"));
        let fields = fields.map(|field| FieldOf {
            schema: Arc::clone(&ty.schema),
            field: field.clone(),
        });
        Some(fields.collect())
    });
    Ok(fields.collect())
}

async fn enum_values_of(
    _: Context,
    arguments: Deprecated,
    types: Vec<TypeOf>,
) -> Result<Vec<Option<Vec<EnumValueOf>>>> {
    let values = types.iter().map(|ty| match ty.definition()? {
        ExtendedType::Enum(definition) => {
            let values = definition.values.values();
            let values = values.filter(|value| arguments.shows(deprecation(&value.directives)));
            Some(values.cloned().map(EnumValueOf).collect())
        }
        _ => None,
    });
    Ok(values.collect())
}

async fn input_fields_of(
    _: Context,
    arguments: Deprecated,
    types: Vec<TypeOf>,
) -> Result<Vec<Option<Vec<InputValueOf>>>> {
    let fields = types.iter().map(|ty| match ty.definition()? {
        ExtendedType::InputObject(input) => {
            let fields = input.fields.values().map(|field| field.node.clone());
            Some(InputValueOf::all(&ty.schema, fields, &arguments))
        }
        _ => None,
    });
    Ok(fields.collect())
}

/// The type `__Field`.
struct FieldOf {
    schema: Arc<ExecutableSchema>,
    field: Component<FieldDefinition>,
}

impl Object for FieldOf {
    const NAME: &'static str = "__Field";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("name", "", |field| &field.field.name);
        fields.optional_text("description", "", |field| {
            field.field.description.as_deref()
        });
        let key = |field: &Self| (Arc::clone(&field.schema), field.field.arguments.clone());
        fields.load("args", "", key, arguments);
        fields.value("type", "", |field| {
            TypeOf::of(&field.schema, &field.field.ty)
        });
        fields.of_part(|field| &field.field.directives, deprecated);
    }
}

/// The type `__InputValue`.
struct InputValueOf {
    schema: Arc<ExecutableSchema>,
    value: Node<InputValueDefinition>,
}

impl InputValueOf {
    fn all(
        schema: &Arc<ExecutableSchema>,
        values: impl Iterator<Item = Node<InputValueDefinition>>,
        arguments: &Deprecated,
    ) -> Vec<Self> {
        let values = values.filter(|value| arguments.shows(deprecation(&value.directives)));
        let values = values.map(|value| Self {
            schema: Arc::clone(schema),
            value,
        });
        values.collect()
    }
}

impl Object for InputValueOf {
    const NAME: &'static str = "__InputValue";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("name", "", |input| &input.value.name);
        fields.optional_text("description", "", |input| {
            input.value.description.as_deref()
        });
        fields.value("type", "", |input| {
            TypeOf::of(&input.schema, &input.value.ty)
        });
        fields.value("defaultValue", "", |input| {
            let default = input.value.default_value.as_ref();
            default.map(|default| default.serialize().no_indent().to_string())
        });
        fields.of_part(|input| &input.value.directives, deprecated);
    }
}

/// The type `__EnumValue`.
struct EnumValueOf(Component<EnumValueDefinition>);

impl Object for EnumValueOf {
    const NAME: &'static str = "__EnumValue";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("name", "", |value| &value.0.value);
        fields.optional_text("description", "", |value| value.0.description.as_deref());
        fields.of_part(|value| &value.0.directives, deprecated);
    }
}

/// The type `__Directive`.
struct DirectiveOf {
    schema: Arc<ExecutableSchema>,
    directive: Node<DirectiveDefinition>,
}

impl Object for DirectiveOf {
    const NAME: &'static str = "__Directive";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("name", "", |directive| &directive.directive.name);
        fields.optional_text("description", "", |directive| {
            directive.directive.description.as_deref()
        });
        fields.value("isRepeatable", "", |directive| {
            directive.directive.repeatable
        });
        fields.texts("locations", "", |directive| {
            let locations = directive.directive.locations.iter();
            locations.map(|location| location.name()).collect()
        });
        let key = |of: &Self| (Arc::clone(&of.schema), of.directive.arguments.clone());
        fields.load("args", "", key, arguments);
    }
}

/// The schema, and the definitions of the arguments of a field or a directive.
type ArgumentsOf = (Arc<ExecutableSchema>, Vec<Node<InputValueDefinition>>);

async fn arguments(
    _: Context,
    arguments: Deprecated,
    all: Vec<ArgumentsOf>,
) -> Result<Vec<Vec<InputValueOf>>> {
    let all = all.into_iter();
    let all = all.map(|(schema, own)| InputValueOf::all(&schema, own.into_iter(), &arguments));
    Ok(all.collect())
}

impl Deprecated {
    fn shows(&self, deprecation: Option<String>) -> bool {
        self.include_deprecated || deprecation.is_none()
    }
}

/// Declares the fields of what may be deprecated.
fn deprecated(fields: &mut Fields<'_, DirectiveList>) {
    fields.value("isDeprecated", "", |directives| {
        deprecation(directives).is_some()
    });
    fields.value("deprecationReason", "", deprecation);
}

/// Returns the reason of a deprecation, if there is one.
fn deprecation(directives: &DirectiveList) -> Option<String> {
    let deprecated = directives.get("deprecated")?;
    let given = deprecated.specified_argument_by_name("reason");
    let given = given.and_then(text);
    given.or_else(|| Some("No longer supported".to_owned()))
}

fn text(value: &Node<Value>) -> Option<String> {
    value.as_str().map(str::to_owned)
}
