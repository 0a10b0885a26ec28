//! Rust types that stand for types of GraphQL's outputs, and how their values are written.
//!
//! A value is written in one go, without waiting: all that must be loaded has been loaded before
//! ([`super::load`]). A failed value writes nothing: whoever may be null around it becomes null.

use std::borrow::Cow;
use std::sync::Arc;

use super::load::Keys;
use super::object::Object;
use super::plan::Field;
use super::types::Types;
use super::writer::{Failed, Writer};
use crate::graph::error::Error;

/// A value of an answer.
pub trait Write: Send + Sync {
    /// Writes the value as JSON.
    ///
    /// # Errors
    /// When the value must not be null, but failed. The error is noted, and the caller removes what was
    /// written.
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed>;

    /// Collects the keys of all that must be loaded below the value, in the order of writing.
    fn gather(&self, _field: &Field, _keys: &mut Keys) {}
}

/// A type of values.
pub trait Output: Write {
    /// True if a value may be null.
    const NULLABLE: bool = false;

    /// Returns the name of the type, without brackets and exclamation marks.
    fn name() -> Cow<'static, str>;

    /// Returns the type in GraphQL's notation.
    fn qualified_name() -> String {
        format!("{}!", Self::name())
    }

    /// Adds the type, and all types that it refers to, to the schema.
    fn describe(types: &mut Types);
}

impl<T: Object> Write for T {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        out.object(self, field)
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        keys.object(self, field);
    }
}

impl<T: Object> Output for T {
    fn name() -> Cow<'static, str> {
        <T as Object>::name()
    }

    fn describe(types: &mut Types) {
        types.describe_object::<T>();
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        match self {
            Some(value) => value.write(field, out),
            None => {
                out.null();
                Ok(())
            }
        }
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        if let Some(value) = self {
            value.gather(field, keys);
        }
    }
}

impl<T: Output> Output for Option<T> {
    const NULLABLE: bool = true;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn qualified_name() -> String {
        T::qualified_name().trim_end_matches('!').to_owned()
    }

    fn describe(types: &mut Types) {
        T::describe(types);
    }
}

impl<T: Output> Write for Vec<T> {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        out.list(field, T::NULLABLE, |each| self.iter().for_each(each))
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        for item in self {
            item.gather(field, keys);
        }
    }
}

impl<T: Output> Output for Vec<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn qualified_name() -> String {
        format!("[{}]!", T::qualified_name())
    }

    fn describe(types: &mut Types) {
        T::describe(types);
    }
}

/// A value that failed.
impl Write for Error {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        Err(out.fail(field, self))
    }
}

impl<T: Write> Write for Result<T, Error> {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        match self {
            Ok(value) => value.write(field, out),
            Err(error) => error.write(field, out),
        }
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        if let Ok(value) = self {
            value.gather(field, keys);
        }
    }
}

impl<T: Output> Output for Result<T, Error> {
    const NULLABLE: bool = T::NULLABLE;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn qualified_name() -> String {
        T::qualified_name()
    }

    fn describe(types: &mut Types) {
        T::describe(types);
    }
}

impl<T: Write + ?Sized> Write for Arc<T> {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        T::write(self, field, out)
    }

    fn gather(&self, field: &Field, keys: &mut Keys) {
        T::gather(self, field, keys);
    }
}

impl<T: Output> Output for Arc<T> {
    const NULLABLE: bool = T::NULLABLE;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn qualified_name() -> String {
        T::qualified_name()
    }

    fn describe(types: &mut Types) {
        T::describe(types);
    }
}

/// Makes Rust types that serialise to JSON the leaves of a type that every schema has.
macro_rules! leaves {
    ($($Type:ty: $name:literal,)+) => {
        $(
            impl Write for $Type {
                fn write(&self, _: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
                    out.json(self);
                    Ok(())
                }
            }

            impl Output for $Type {
                fn name() -> Cow<'static, str> {
                    $name.into()
                }

                fn describe(_: &mut Types) {}
            }
        )+
    };
}

leaves! {
    str: "String",
    String: "String",
    bool: "Boolean",
    u8: "Int",
    i32: "Int",
    u32: "Int",
    i64: "Int",
    f64: "Float",
}

/// Makes enums outputs.
macro_rules! enums {
    ($($Enum:ty),+ $(,)?) => {
        $(
            impl $crate::graph::execute::output::Write for $Enum {
                fn write(
                    &self,
                    _: &$crate::graph::execute::plan::Field,
                    out: &mut $crate::graph::execute::writer::Writer<'_>,
                ) -> std::result::Result<(), $crate::graph::execute::writer::Failed> {
                    out.enum_value(*self);
                    Ok(())
                }
            }

            impl $crate::graph::execute::output::Output for $Enum {
                fn name() -> std::borrow::Cow<'static, str> {
                    <Self as async_graphql::OutputType>::type_name()
                }

                fn describe(types: &mut $crate::graph::execute::types::Types) {
                    <Self as async_graphql::OutputType>::create_type_info(&mut types.registry);
                }
            }
        )+
    };
}

pub(crate) use enums;
