//! Puts the schema together.

mod validator;

use std::path::Path;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

use self::validator::Validator;
use crate::admission::documents::trusted::{Trusted, TrustedError};
use crate::admission::entry::{Gate, Rules};
use crate::admission::limits::Limits;
use crate::graph::codes::Codes;
use crate::graph::execution::TrackExecution;
use crate::graph::idempotency::idempotent;
use crate::graph::services::Services;
use crate::mutation::Mutation;
use crate::query::Query;
use crate::subscription::Subscription;
use crate::types::activity::Activity;
use crate::types::droplet::Droplet;
use crate::types::event::Event;
use crate::types::job::Job;
use crate::types::totals::{DropletTotal, JobTotal};

/// The schema of the API, ready to execute.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema over what its resolvers work with, behind the rules for requests.
#[must_use]
pub fn build(services: Services, rules: Rules) -> ApiSchema {
    builder()
        .extension(Gate::new(rules))
        .data(services)
        .finish()
}

/// Reads the trusted documents of a directory, and holds them against this schema.
///
/// # Errors
/// As [`Trusted::load`].
pub async fn load_trusted(directory: &Path, limits: &Limits) -> Result<Trusted, TrustedError> {
    let validator = Validator::new();
    Trusted::load(directory, limits, async |document| {
        validator.validate(document).await
    })
    .await
}

/// The schema in GraphQL's schema language, as it is published in `schema/graphql/schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().include_specified_by();
    builder().finish().sdl_with_options(options)
}

/// The schema without what its resolvers work with, and without limits.
#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    let schema = Schema::build(Query, Mutation::default(), Subscription)
        .directive(idempotent)
        // Looking for a name that is like a wrong one takes time by the length of both: 64 KiB of wrong
        // names took 16 ms. The page for people completes names instead.
        .disable_suggestions()
        .extension(TrackExecution)
        .extension(Codes);
    describe(schema)
}

/// Describes the types that are made by async-graphql, so that no type is without a description.
fn describe(
    schema: SchemaBuilder<Query, Mutation, Subscription>,
) -> SchemaBuilder<Query, Mutation, Subscription> {
    type Page<Node, Fields> = Connection<String, Node, Fields>;
    type Item<Node> = Edge<String, Node, EmptyFields>;
    schema
        .override_output_type_description::<Page<Droplet, DropletTotal>>("A page of droplets.")
        .override_output_type_description::<Page<Job, JobTotal>>("A page of jobs.")
        .override_output_type_description::<Page<Activity, EmptyFields>>("A page of activity.")
        .override_output_type_description::<Page<Event, EmptyFields>>("A page of events.")
        .override_output_type_description::<Item<Droplet>>("A droplet in a page.")
        .override_output_type_description::<Item<Job>>("A job in a page.")
        .override_output_type_description::<Item<Activity>>("A line of activity in a page.")
        .override_output_type_description::<Item<Event>>("An event in a page.")
}
