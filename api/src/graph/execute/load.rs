//! Loads the values of fields that are not part of their objects, before an answer is written.
//!
//! A field is loaded once for all its objects of an answer: a page of jobs with the droplet of each job takes
//! two reads. When a field's values are there, the fields below them are loaded, without waiting for other
//! fields. The values are kept in the order of the objects, which is also the order of writing, so they need
//! no names.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};

use super::context::{Context, Run};
use super::field_meta::Source;
use super::object::{Object, Resolve};
use super::output::Write;
use super::plan::{Field, FieldIndex};
use crate::graph::denial;

/// The keys of fields that must be loaded.
#[derive(Default)]
pub struct Keys(Vec<FieldKeys>);

struct FieldKeys {
    field: Arc<Field>,
    number: usize,
    /// A vector of the field's type of key.
    keys: Box<dyn Any + Send>,
}

/// The loaded values of an answer, in the order of writing, by the number of the field.
pub struct Loaded(Vec<VecDeque<Box<dyn Write>>>);

/// The loaded values of fields, by the number of the field.
type Values = Vec<(usize, Vec<Box<dyn Write>>)>;

impl Keys {
    /// Adds a key to those of the field.
    pub(crate) fn add<K: Send + 'static>(&mut self, field: &Arc<Field>, key: K) {
        let known = self
            .0
            .iter_mut()
            .find(|keys| keys.field.number == field.number);
        let of_field = match known {
            Some(keys) => keys,
            None => {
                self.0.push(FieldKeys {
                    field: Arc::clone(field),
                    number: 0,
                    keys: Box::new(Vec::<K>::new()),
                });
                self.0.last_mut().expect("one was just added")
            }
        };
        of_field.number += 1;
        let keys: &mut Vec<K> = of_field
            .keys
            .downcast_mut()
            .expect("a field has one type of key");
        keys.push(key);
    }

    /// Adds the keys of all fields of an object that must be loaded, and of those below.
    pub(super) fn object<T: Object>(&mut self, object: &T, field: &Field) {
        let Some((selected, table)) = field.selection.of::<T>() else {
            return;
        };
        if !selected.loads {
            return;
        }
        for field in &selected.fields {
            let FieldIndex::Table(index) = field.index else {
                continue;
            };
            match &table.0[index] {
                Resolve::Here(_, gather) if field.loads_below() => gather(object, field, self),
                Resolve::Here(..) => {}
                Resolve::Loaded(gather) => gather(object, field, self),
            }
        }
    }

    /// Keeps the keys of one field of the root.
    fn only(mut self, number: usize) -> Self {
        self.0.retain(|keys| keys.field.number == number);
        self
    }
}

impl Loaded {
    /// Returns room for the values of this number of fields.
    pub(super) fn of(fields: usize) -> Self {
        Self((0..fields).map(|_| VecDeque::new()).collect())
    }

    /// Takes the next value of a field.
    pub(super) fn next(&mut self, field: usize) -> Box<dyn Write> {
        self.0[field]
            .pop_front()
            .expect("every object that is written was asked for its keys, in the same order")
    }

    fn put(&mut self, values: Values) {
        for (field, values) in values {
            self.0[field] = values.into();
        }
    }
}

/// Loads everything below the object of the root: the fields of the root at the same time.
pub(super) async fn load(run: &Arc<Run>, root: &dyn Write) -> Loaded {
    let mut loaded = Loaded::of(run.plan.fields);
    loaded.put(below(run, root, &run.plan.root).await);
    loaded
}

/// Loads everything below the object of the root: one field of the root after the other, in their order,
/// each with all that is below it.
pub(super) async fn load_in_turn(run: &Arc<Run>, root: &dyn Write) -> Loaded {
    let mut loaded = Loaded::of(run.plan.fields);
    for field in run.plan.roots() {
        let mut keys = Keys::default();
        root.gather(&run.plan.root, &mut keys);
        loaded.put(all(run, keys.only(field.number)).await);
    }
    loaded
}

/// Loads everything below a value of the only field of the root.
pub(super) async fn load_value(run: &Arc<Run>, value: Box<dyn Write>) -> Loaded {
    let mut loaded = Loaded::of(run.plan.fields);
    if let [field] = run.plan.roots() {
        loaded.put(below(run, &*value, field).await);
        loaded.put(vec![(field.number, vec![value])]);
    }
    loaded
}

async fn below(run: &Arc<Run>, value: &dyn Write, field: &Field) -> Values {
    let mut keys = Keys::default();
    value.gather(field, &mut keys);
    all(run, keys).await
}

fn all(run: &Arc<Run>, keys: Keys) -> BoxFuture<'_, Values> {
    Box::pin(async move {
        let fields = keys.0.into_iter().map(|keys| one(run, keys));
        join_all(fields).await.into_iter().flatten().collect()
    })
}

/// Loads the values of a field, then those below them.
async fn one(run: &Arc<Run>, keys: FieldKeys) -> Values {
    let FieldKeys {
        field,
        number,
        keys,
    } = keys;
    let Some(Source::Loaded(load)) = field.meta().map(|meta| &meta.source) else {
        unreachable!("only fields that are loaded have keys");
    };
    let context = Context::new(Arc::clone(run), Arc::clone(&field));
    let loaded = match run.check(&field) {
        Ok(()) => load(context, keys).await,
        Err(denied) => {
            denial::record(&context).await;
            Err(denied)
        }
    };
    let values = loaded.unwrap_or_else(|error| {
        let failures = (0..number).map(|_| Box::new(error.clone()) as _);
        failures.collect()
    });
    let mut keys = Keys::default();
    if field.loads_below() {
        for value in &values {
            value.gather(&field, &mut keys);
        }
    }
    let mut loaded = if keys.0.is_empty() {
        Vec::new()
    } else {
        all(run, keys).await
    };
    loaded.push((field.number, values));
    loaded
}
