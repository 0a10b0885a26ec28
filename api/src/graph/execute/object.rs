//! Types of object: their fields, each with a description and with the source of its value.
//!
//! A type declares its fields with a [`Fields`] builder. Most fields are part of the object, and are written
//! at once. A field that reads something else is loaded, for all objects of a page together, before anything
//! is written.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::InputType;
use futures_util::future::TryFutureExt;
use futures_util::stream::{BoxStream, StreamExt};
use projections::page::{LogCursor, Position, log_cursor};

use super::arguments::{Arguments, Input};
use super::context::Context;
use super::field_meta::{FieldMeta, Load, Open, Source, snake_case};
use super::load::Keys;
use super::output::{Output, Write};
use super::plan::Field;
use super::types::Types;
use super::writer::{Failed, Writer};
use crate::graph::error::Error;
use crate::graph::resource::ResourceKind;

/// A type of object.
pub trait Object: Send + Sync + Sized + 'static {
    /// The name of the type.
    const NAME: &'static str = "";
    /// The description of the type.
    const DESCRIPTION: &'static str = "";

    /// Returns the name of the type; a generic type makes it from other names.
    fn name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    /// Returns the description of the type.
    fn description() -> Cow<'static, str> {
        Self::DESCRIPTION.into()
    }

    /// Declares the fields of the type.
    fn fields(fields: &mut Fields<'_, Self>);
}

/// The resolver of a field of a Rust type.
pub enum Resolve<T> {
    /// Writes the value, which the object holds, and gathers below it.
    Here(WriteValue<T>, GatherValue<T>),
    /// Adds the key by which the value is loaded.
    Loaded(GatherValue<T>),
}

type WriteValue<T> = Box<dyn Fn(&T, &Field, &mut Writer<'_>) -> Result<(), Failed> + Send + Sync>;
type GatherValue<T> = Box<dyn Fn(&T, &Arc<Field>, &mut Keys) + Send + Sync>;

/// Hands the items of a list over one by one.
type Visit<T, R> = fn(&T, &mut dyn FnMut(&R));

/// Declares the fields of a type, in the order of the schema.
pub struct Fields<'t, T> {
    types: &'t mut Types,
    fields: Vec<FieldMeta>,
    resolvers: Vec<Resolve<T>>,
}

impl<'t, T: Send + Sync + 'static> Fields<'t, T> {
    /// Begins a type without fields.
    pub(super) fn new(types: &'t mut Types) -> Self {
        Self {
            types,
            fields: Vec::new(),
            resolvers: Vec::new(),
        }
    }

    /// Returns all kinds of resource of the schema.
    pub fn resources(&self) -> Arc<Vec<ResourceKind>> {
        self.types.resources()
    }

    pub(super) fn finish(self) -> (Vec<FieldMeta>, Vec<Resolve<T>>) {
        (self.fields, self.resolvers)
    }

    /// Declares a text.
    pub fn text(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> &str,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> =
            Box::new(move |object, field, out| read(object).write(field, out));
        self.here::<String>(name, description, write, None)
    }

    /// Declares the cursor of a position in the log, in the incarnation as of the beginning of the request.
    pub fn log_cursor(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> Position,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> = Box::new(move |object, field, out| {
            let cursor = LogCursor {
                position: read(object),
                incarnation: out.incarnation(),
            };
            log_cursor(cursor).write(field, out)
        });
        self.here::<String>(name, description, write, None)
    }

    /// Declares a text that may be null.
    pub fn optional_text(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> Option<&str>,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> = Box::new(move |object, field, out| match read(object) {
            Some(text) => text.write(field, out),
            None => None::<String>.write(field, out),
        });
        self.here::<Option<String>>(name, description, write, None)
    }

    /// Declares a list of texts.
    pub fn texts(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> Vec<&str>,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> = Box::new(move |object, field, out| {
            let texts = read(object);
            out.list(field, false, |each| texts.into_iter().for_each(each))
        });
        self.here::<Vec<String>>(name, description, write, None)
    }

    /// Declares a value that is made from the object.
    pub fn value<R: Output + 'static>(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> R,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> =
            Box::new(move |object, field, out| read(object).write(field, out));
        let gather: GatherValue<T> =
            Box::new(move |object, field, keys| read(object).gather(field, keys));
        self.here::<R>(name, description, write, Some(gather))
    }

    /// Declares a value that is a part of the object.
    pub fn part<R: Output + 'static>(
        &mut self,
        name: &'static str,
        description: &str,
        read: fn(&T) -> &R,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> =
            Box::new(move |object, field, out| read(object).write(field, out));
        let gather: GatherValue<T> =
            Box::new(move |object, field, keys| read(object).gather(field, keys));
        self.here::<R>(name, description, write, Some(gather))
    }

    /// Declares a list whose items are parts of the object, which `visit` hands over one by one.
    pub fn list<R: Output + 'static>(
        &mut self,
        name: &'static str,
        description: &str,
        visit: Visit<T, R>,
    ) -> &mut FieldMeta {
        let write: WriteValue<T> = Box::new(move |object, field, out| {
            out.list(field, R::NULLABLE, |each| visit(object, each))
        });
        let gather: GatherValue<T> = Box::new(move |object, field, keys| {
            visit(object, &mut |item: &R| item.gather(field, keys));
        });
        self.here::<Vec<R>>(name, description, write, Some(gather))
    }

    /// Declares the fields of a part of the object.
    pub fn of_part<P: Send + Sync + 'static>(
        &mut self,
        part: fn(&T) -> &P,
        declare: fn(&mut Fields<'_, P>),
    ) {
        let mut of_part = Fields::<P>::new(self.types);
        declare(&mut of_part);
        let (fields, resolvers) = of_part.finish();
        self.fields.extend(fields);
        for resolver in resolvers {
            self.resolvers.push(match resolver {
                Resolve::Here(write, gather) => Resolve::Here(
                    Box::new(move |object, field, out| write(part(object), field, out)),
                    Box::new(move |object, field, keys| gather(part(object), field, keys)),
                ),
                Resolve::Loaded(gather) => Resolve::Loaded(Box::new(move |object, field, keys| {
                    gather(part(object), field, keys);
                })),
            });
        }
    }

    /// Declares a value that is loaded by a key of its object. `load` gets the keys of all objects of a page
    /// and returns a value for each, in their order.
    pub fn load<K, A, R, Loading>(
        &mut self,
        name: &'static str,
        description: &str,
        key: fn(&T) -> K,
        load: impl Fn(Context, A, Vec<K>) -> Loading + Send + Sync + 'static,
    ) -> &mut FieldMeta
    where
        K: Send + 'static,
        A: Arguments,
        R: Output + 'static,
        Loading: Future<Output = Result<Vec<R>, Error>> + Send + 'static,
    {
        let gather: GatherValue<T> =
            Box::new(move |object, field, keys| keys.add(field, key(object)));
        let load: Load = Box::new(move |context, keys| {
            let keys: Box<Vec<K>> = keys.downcast().expect("the field itself made its keys");
            let loading = A::of(&context).map(|arguments| load(context, arguments, *keys));
            Box::pin(async move {
                let values = loading?.await?.into_iter();
                Ok(values.map(|value| Box::new(value) as _).collect())
            })
        });
        let resolver = Resolve::Loaded(gather);
        self.declare::<A, R>(name, description, Source::Loaded(load), resolver)
    }

    /// Declares a value of a root, which has no key.
    pub fn read<A, R, Reading>(
        &mut self,
        name: &'static str,
        description: &str,
        read: impl Fn(Context, A) -> Reading + Send + Sync + 'static,
    ) -> &mut FieldMeta
    where
        A: Arguments,
        R: Output + 'static,
        Reading: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let load =
            move |context, arguments, _| read(context, arguments).map_ok(|value| vec![value]);
        self.load(name, description, |_| (), load)
    }

    /// Declares a mutation: a field of a root that takes an `input`, and is null if it fails.
    pub fn mutation<I, R, Changing>(
        &mut self,
        name: &'static str,
        description: &str,
        change: fn(Context, I) -> Changing,
    ) -> &mut FieldMeta
    where
        I: InputType + 'static,
        R: Output + 'static,
        Changing: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let read = move |context, Input(input)| change(context, input).map_ok(Some);
        self.read(name, description, read)
    }

    /// Declares a field of the root of subscriptions.
    pub fn stream<A, R, Opening>(
        &mut self,
        name: &'static str,
        description: &str,
        open: fn(Context, A) -> Opening,
    ) -> &mut FieldMeta
    where
        A: Arguments,
        R: Output + 'static,
        Opening:
            Future<Output = Result<BoxStream<'static, Result<R, Error>>, Error>> + Send + 'static,
    {
        let open: Open = Box::new(move |context| {
            let opening = A::of(&context).map(|arguments| open(context, arguments));
            Box::pin(async move {
                let values = opening?.await?;
                Ok(values.map(|value| Box::new(value) as _).boxed())
            })
        });
        let never: GatherValue<T> = Box::new(|_, _, _| {});
        let resolver = Resolve::Loaded(never);
        self.declare::<A, R>(name, description, Source::Stream(open), resolver)
    }

    fn here<R: Output>(
        &mut self,
        name: &'static str,
        description: &str,
        write: WriteValue<T>,
        gather: Option<GatherValue<T>>,
    ) -> &mut FieldMeta {
        let gather = gather.unwrap_or_else(|| Box::new(|_, _, _| {}));
        self.declare::<(), R>(
            name,
            description,
            Source::Object,
            Resolve::Here(write, gather),
        )
    }

    fn declare<A: Arguments, R: Output>(
        &mut self,
        name: &'static str,
        description: &str,
        source: Source,
        resolver: Resolve<T>,
    ) -> &mut FieldMeta {
        let arguments = A::describe(&mut self.types.registry);
        let type_name = self.types.describe::<R>();
        self.resolvers.push(resolver);
        self.fields.push(FieldMeta {
            name,
            description: description.to_owned(),
            arguments,
            type_name,
            need: None,
            cost: 0,
            statement: 0,
            bytes: 0,
            columns: vec![snake_case(name)],
            shows: Vec::new(),
            shows_resources: false,
            source,
        });
        self.fields.last_mut().expect("a field was just declared")
    }
}
