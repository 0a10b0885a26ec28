//! The arguments of fields, as Rust types.
//!
//! A struct that derives `InputObject` describes arguments too: their names, types, defaults and
//! descriptions. It is not in the schema itself.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaInputValue, MetaType, Registry};
use async_graphql::{InputType, Value};

use super::context::Context;
use crate::graph::error::{Code, Error, failure};

/// The arguments of a field.
pub trait Arguments: Send + Sync + Sized + 'static {
    /// Describes the arguments, and adds the types that they refer to.
    fn describe(registry: &mut Registry) -> IndexMap<String, MetaInputValue>;

    /// Reads the arguments of the field.
    ///
    /// # Errors
    /// When an argument is null that must not be.
    fn of(context: &Context) -> Result<Self, Error>;
}

/// A struct that derives `InputObject` to be the arguments of a field.
pub trait ArgumentStruct: InputType + 'static {}

impl Arguments for () {
    fn describe(_: &mut Registry) -> IndexMap<String, MetaInputValue> {
        IndexMap::new()
    }

    fn of(_: &Context) -> Result<Self, Error> {
        Ok(())
    }
}

impl<T: ArgumentStruct> Arguments for T {
    fn describe(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
        T::create_type_info(registry);
        match registry.types.remove(&*T::type_name()) {
            Some(MetaType::InputObject { input_fields, .. }) => input_fields,
            _ => unreachable!("a struct that derives `InputObject` describes one"),
        }
    }

    fn of(context: &Context) -> Result<Self, Error> {
        let arguments = context.arguments().clone();
        parse(context, Some(Value::Object(arguments)))
    }
}

/// The only argument of a mutation: `input`.
pub struct Input<T>(pub T);

impl<T: InputType + 'static> Arguments for Input<T> {
    fn describe(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
        let ty = T::create_type_info(registry);
        let description = match registry.types.get(&*T::type_name()) {
            Some(MetaType::InputObject { description, .. }) => description.clone(),
            _ => None,
        };
        let input = meta("input", description, ty);
        IndexMap::from([("input".to_owned(), input)])
    }

    fn of(context: &Context) -> Result<Self, Error> {
        argument_of(context, "input").map(Self)
    }
}

/// Describes one argument, and adds the types that it refers to.
pub fn argument<T: InputType>(
    registry: &mut Registry,
    name: &str,
    description: &str,
) -> MetaInputValue {
    let ty = T::create_type_info(registry);
    meta(name, Some(description.to_owned()), ty)
}

/// Reads one argument of the field.
///
/// # Errors
/// When the argument is null that must not be, or has such a null in it.
pub fn argument_of<T: InputType>(context: &Context, name: &str) -> Result<T, Error> {
    parse(context, context.arguments().get(name).cloned())
}

fn parse<T: InputType>(context: &Context, value: Option<Value>) -> Result<T, Error> {
    // Nearly all else was checked with the document and with the variables. A variable that may be null may stand
    // where a default applies if it is left out.
    T::parse(value).map_err(|error| {
        let field = &context.field().name;
        let wrong = error.into_server_error(context.field().place).message;
        let message = if wrong.contains("found null") {
            format!(
                "an argument of `{field}` is null by a variable, but may not be: give a value, or leave the variable out for the default"
            )
        } else {
            // The message of the library repeats the value.
            format!("an argument of `{field}` has a value that its type does not have")
        };
        failure(Code::BadUserInput, message)
    })
}

fn meta(name: &str, description: Option<String>, ty: String) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description,
        ty,
        deprecation: Deprecation::NoDeprecated,
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}
