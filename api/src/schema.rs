//! Assembles the schema.

mod introspection;
mod links;
mod roots;

use std::path::Path;
use std::sync::Arc;

pub use self::roots::Platform;
use crate::admission::documents::trusted::{Trusted, TrustedError};
use crate::admission::limits::Limits;
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::services::Services;
use crate::pipeline::{Pipeline, Rules};

/// Builds the pipeline of the platform's schema, with the services of its fields and the rules for requests.
#[must_use]
pub fn build(services: Services, rules: Rules) -> Pipeline {
    let schema = Arc::new(ExecutableSchema::new::<Platform>());
    Pipeline::new(schema, Arc::new(services), rules)
}

/// Reads the trusted documents of a directory, and validates them against the schema.
///
/// # Errors
/// The errors of [`Trusted::load`].
pub fn load_trusted(directory: &Path, limits: &Limits) -> Result<Trusted, TrustedError> {
    Trusted::load(directory, limits, &ExecutableSchema::new::<Platform>())
}

/// Returns the schema in GraphQL's schema language, as it is published in `schema/graphql/schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    crate::graph::execute::sdl::sdl::<Platform>()
}
