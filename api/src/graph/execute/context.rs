//! The data of a request that loaders use.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use apollo_compiler::ast::OperationType;
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use projections::columns::Columns;
use projections::consistency::AnyReadModel;
use projections::page::IncarnationId;

use super::field_meta::Source;
use super::plan::{Field, Plan};
use super::schema::ExecutableSchema;
use crate::graph::collect::arguments::PlanArguments;
use crate::graph::error::{Code, Error, failure};
use crate::graph::guard::Need;
use crate::graph::request::{Charge, RequestInfo};
use crate::graph::services::Services;
use crate::identity::shares::{Share, Taken};

/// The arguments of a field, with the values of variables and without those that were left out.
pub type Arguments = IndexMap<Name, Value>;

/// An execution of a plan.
pub struct Run {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The schema of the plan.
    pub schema: Arc<ExecutableSchema>,
    /// The services of the schema's fields: [`Services`], but for schemas of tests.
    pub data: Arc<dyn Any + Send + Sync>,
    /// The data of the request; without it, only introspection runs.
    pub request: Option<RequestInfo>,
    /// The points that the request was charged.
    pub charge: Option<Charge>,
    /// The share of fields that wait for a write.
    pub waits: Share,
    /// The incarnation of the log as of the beginning of the request, for cursors of what is read.
    pub incarnation: Option<IncarnationId>,
    /// The arguments of the plan's fields.
    pub(crate) arguments: PlanArguments,
}

impl Run {
    /// Checks that the caller may ask for the field.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token, and `FORBIDDEN` without the right.
    pub(super) fn check(&self, field: &Field) -> Result<(), Error> {
        match field.meta().and_then(|meta| meta.need) {
            None => Ok(()),
            Some(need) => need.check(self, &field.name),
        }
    }

    /// Returns the data of the request.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has none.
    pub fn request(&self) -> Result<&RequestInfo, Error> {
        self.request
            .as_ref()
            .ok_or_else(|| failure(Code::Unauthenticated, "send a token with the request"))
    }
}

/// The data for the loader of a field. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    run: Arc<Run>,
    field: Arc<Field>,
}

impl Context {
    pub(super) const fn new(run: Arc<Run>, field: Arc<Field>) -> Self {
        Self { run, field }
    }

    /// Returns the field that is loaded.
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// Returns the schema.
    pub fn schema(&self) -> &Arc<ExecutableSchema> {
        &self.run.schema
    }

    /// Returns the services of the schema, if they are of this type.
    pub fn data<T: 'static>(&self) -> Option<&T> {
        self.run.data.downcast_ref()
    }

    /// Returns the services of the platform's schema.
    pub fn services(&self) -> &Services {
        self.data()
            .expect("the platform's schema is built with its services")
    }

    /// Returns the data of the request.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has none.
    pub fn request(&self) -> Result<&RequestInfo, Error> {
        self.run.request()
    }

    /// Counts a wait of the caller for a write.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the caller or its organization waits too often already, and `UNAUTHENTICATED` without a
    /// token.
    pub(crate) fn begin_wait(&self) -> Result<Taken, Error> {
        let taken = self.run.waits.take(&self.request()?.principal);
        taken.map_err(|exceeded| failure(Code::LimitExceeded, exceeded.to_string()))
    }

    /// Returns the points that the request was charged.
    pub fn charge(&self) -> Option<Charge> {
        self.run.charge
    }

    /// Returns what the field needs, if it is a mutation that not everybody may send.
    pub(crate) fn denied_mutation(&self) -> Option<Need> {
        let plan = &self.run.plan;
        let is_root = || {
            plan.roots()
                .iter()
                .any(|root| root.number == self.field.number)
        };
        if plan.operation != OperationType::Mutation || !is_root() {
            return None;
        }
        self.field.meta().and_then(|meta| meta.need)
    }

    /// Returns the arguments of the field.
    pub fn arguments(&self) -> &Arguments {
        static NONE: LazyLock<Arguments> = LazyLock::new(Arguments::new);
        let arguments = self.run.arguments.fields.get(&self.field.number);
        arguments.unwrap_or(&NONE)
    }

    /// Returns the key that was sent with the field by `@idempotent`, if any.
    pub fn idempotency_key(&self) -> Option<String> {
        let keys = &self.run.arguments.idempotency_keys;
        keys.get(&self.field.number).cloned()
    }

    /// Returns the read models whose rows the field and all fields below it show.
    pub fn shown_models(&self) -> Vec<AnyReadModel> {
        let mut models = Vec::new();
        self.add_shown(&self.field, &mut models);
        models
    }

    fn add_shown(&self, field: &Field, models: &mut Vec<AnyReadModel>) {
        if let Some(meta) = field.meta() {
            models.extend_from_slice(&meta.shows);
            if meta.shows_resources {
                models.extend(self.schema().resources.iter().map(|one| one.shown_by));
            }
        }
        for below in field.selection.all() {
            self.add_shown(below, models);
        }
    }

    /// Returns the columns that the fields below this one need.
    pub(crate) fn columns(&self) -> Columns {
        let mut columns = Vec::new();
        add_columns(&self.field, &mut columns);
        Columns::Only(columns)
    }

    /// Returns true if a field of this name is selected of the field's object.
    pub(crate) fn selects(&self, name: &str) -> bool {
        self.field.selection.all().any(|below| below.name == name)
    }
}

/// Adds the columns of the field's object, down to the fields that are loaded by other reads.
fn add_columns(field: &Field, columns: &mut Vec<String>) {
    for below in field.selection.all() {
        let Some(meta) = below.meta() else { continue };
        columns.extend_from_slice(&meta.columns);
        if matches!(meta.source, Source::Object) {
            add_columns(below, columns);
        }
    }
}
