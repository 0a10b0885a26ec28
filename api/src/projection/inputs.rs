//! The inputs of mutations about read models.

use async_graphql::{ID, InputObject};

/// The read model to pause.
#[derive(InputObject)]
pub(crate) struct PauseProjectionInput {
    /// The name of the read model, such as `droplets`.
    pub(crate) projection: String,
    /// The reason for the pause, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// The read model to resume.
#[derive(InputObject)]
pub(crate) struct ResumeProjectionInput {
    /// The name of the read model, such as `droplets`.
    pub(crate) projection: String,
}

/// The read model to rebuild.
#[derive(InputObject)]
pub(crate) struct RebuildProjectionInput {
    /// The name of the read model, such as `droplets`.
    pub(crate) projection: String,
    /// The reason for the rebuild, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// The read model whose rebuild ends.
#[derive(InputObject)]
pub(crate) struct GiveUpRebuildInput {
    /// The name of the read model, such as `droplets`.
    pub(crate) projection: String,
}

/// The parked resource to retry.
#[derive(InputObject)]
pub(crate) struct RetryParkedStreamInput {
    /// The name of the read model in which the resource is parked, such as `droplets`.
    pub(crate) projection: String,
    /// The id of the resource, such as a droplet or a job.
    pub(crate) resource_id: ID,
}

/// The parked resource to skip.
#[derive(InputObject)]
pub(crate) struct SkipParkedStreamInput {
    /// The name of the read model in which the resource is parked, such as `droplets`.
    pub(crate) projection: String,
    /// The id of the resource, such as a droplet or a job.
    pub(crate) resource_id: ID,
    /// The reason for the skip, for people: 1 to 2,000 characters.
    pub(crate) reason: String,
}
