//! The inputs of mutations about read models.

use async_graphql::{ID, InputObject};

/// A read model that is to stand still.
#[derive(InputObject)]
pub(crate) struct PauseProjectionInput {
    /// Its name, such as `droplets`.
    pub(crate) projection: String,
    /// Why, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// A read model that is to go on.
#[derive(InputObject)]
pub(crate) struct ResumeProjectionInput {
    /// Its name, such as `droplets`.
    pub(crate) projection: String,
}

/// A read model to rebuild.
#[derive(InputObject)]
pub(crate) struct RebuildProjectionInput {
    /// Its name, such as `droplets`.
    pub(crate) projection: String,
    /// Why, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// A read model whose rebuild is to end.
#[derive(InputObject)]
pub(crate) struct GiveUpRebuildInput {
    /// Its name, such as `droplets`.
    pub(crate) projection: String,
}

/// A parked resource that is to be tried again.
#[derive(InputObject)]
pub(crate) struct RetryParkedStreamInput {
    /// The name of the read model that it is parked in, such as `droplets`.
    pub(crate) projection: String,
    /// The id of the droplet or the job.
    pub(crate) resource_id: ID,
}

/// A parked resource that is given up.
#[derive(InputObject)]
pub(crate) struct SkipParkedStreamInput {
    /// The name of the read model that it is parked in, such as `droplets`.
    pub(crate) projection: String,
    /// The id of the droplet or the job.
    pub(crate) resource_id: ID,
    /// Why, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}
