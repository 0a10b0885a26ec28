//! The root of mutations: one field a command, no logic; besides, what operators do to read models.
//!
//! Each field has the same four steps: read the input, collecting everything that is wrong with it;
//! send the command; answer a refusal with `userErrors`, a failure with a top-level error; answer a
//! receipt with the node as it was written and the token.

use async_graphql::MergedObject;

mod check;
mod droplet;
mod droplet_inputs;
mod job;
mod job_inputs;
mod payload;
mod projection;
mod projection_inputs;

/// What may be asked of the platform. Send `@idempotent(key:)` with a mutation to make it safe to
/// repeat.
#[derive(MergedObject, Default)]
pub struct Mutation(
    droplet::DropletMutations,
    job::JobMutations,
    projection::ProjectionMutations,
);
