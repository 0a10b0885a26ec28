//! Earlier states of resources.
//!
//! An earlier state has no `id`, so that no cache of a client takes it for the resource itself and replaces
//! a newer state by it.

use std::borrow::Cow;
use std::sync::Arc;

use projections::model::LiveRow;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::execute::types::Types;
use crate::graph::execute::writer::{Failed, Writer};
use crate::graph::global_id::GlobalId;
use crate::graph::resource::Resource;

/// The state of a resource as of an event.
pub(crate) struct Snapshot<R>(pub(crate) Arc<R>);

impl<R: Resource> Object for Snapshot<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Snapshot", R::NAME).into()
    }

    fn description() -> Cow<'static, str> {
        format!(
            "The state of a {} as of an event, regardless of later events. It has no `id`, so that no \
             cache mistakes it for the {} itself.",
            R::NOUN,
            R::NOUN
        )
        .into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("resourceId", "The id of the resource.", |snapshot| {
            GlobalId::of(snapshot.0.id())
        });
        fields.of_part(|snapshot| &*snapshot.0, R::state);
    }
}

/// The state of any resource as of an event.
pub(crate) struct AnySnapshot(Box<dyn Write>);

impl AnySnapshot {
    /// Returns the row of a change, unless it belongs to a resource that this program does not know.
    pub(crate) fn of(schema: &ExecutableSchema, row: &LiveRow) -> Option<Self> {
        let mut resources = schema.resources.iter();
        resources
            .find_map(|resource| (resource.snapshot)(row))
            .map(Self)
    }
}

impl Write for AnySnapshot {
    fn write(&self, field: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        self.0.write(field, out)
    }
}

impl Output for AnySnapshot {
    fn name() -> Cow<'static, str> {
        "ResourceSnapshot".into()
    }

    fn describe(types: &mut Types) {
        let resources = types.resources();
        let name = |describe: fn(&mut Types) -> String, types: &mut Types| {
            describe(types).trim_end_matches('!').to_owned()
        };
        let possible: Vec<_> = resources
            .iter()
            .map(|resource| name(resource.describe_snapshot, types))
            .collect();
        let description = "The state of a resource as of an event, regardless of later events.";
        types.describe_union("ResourceSnapshot", description, &possible);
    }
}
