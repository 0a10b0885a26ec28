//! Assembles the schema.

mod node;
mod roots;
mod validator;

use std::path::Path;

use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

pub use roots::{Mutation, Query, Subscription};

use self::validator::Validator;
use crate::admission::documents::trusted::{Trusted, TrustedError};
use crate::admission::entry::{Admission, Rules};
use crate::admission::limits::Limits;
use crate::graph::codes::Codes;
use crate::graph::execution::TrackExecution;
use crate::graph::idempotency::idempotent;
use crate::graph::services::Services;

/// The schema of the API, ready to execute.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema with the services of its resolvers, and with the rules for requests.
#[must_use]
pub fn build(services: Services, rules: Rules) -> ApiSchema {
    builder()
        .extension(Admission::new(rules))
        .data(services)
        .finish()
}

/// Reads the trusted documents of a directory, and validates them against this schema.
///
/// # Errors
/// The errors of [`Trusted::load`].
pub async fn load_trusted(directory: &Path, limits: &Limits) -> Result<Trusted, TrustedError> {
    let validator = Validator::new();
    Trusted::load(directory, limits, async |document| {
        validator.validate(document).await
    })
    .await
}

/// Returns the schema in GraphQL's schema language, as it is published in `schema/graphql/schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().include_specified_by();
    builder().finish().sdl_with_options(options)
}

/// Returns the builder of the schema, without the services of its resolvers and without limits.
#[must_use]
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    let schema = Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .directive(idempotent)
    // The search for a name like a wrong one takes time by the length of both: 64 KiB of wrong names took
    // 16 ms. The GraphiQL page completes names instead.
    .disable_suggestions()
    .extension(TrackExecution)
    .extension(Codes);
    roots::describe(schema)
}
