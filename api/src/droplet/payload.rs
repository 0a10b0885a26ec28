//! The GraphQL type `DropletPayload`: the result of mutations about droplets.

use async_graphql::{Context, MergedObject, Object, Result};
use uuid::Uuid;

use super::Droplet;
use crate::graph::payload::Outcome;
use crate::graph::resource_list::written;

/// The result of a mutation about a droplet.
#[derive(MergedObject)]
pub(crate) struct DropletPayload(WrittenDroplet, Outcome);

impl From<Outcome> for DropletPayload {
    fn from(outcome: Outcome) -> Self {
        Self(WrittenDroplet(outcome.subject()), outcome)
    }
}

/// The droplet that a mutation wrote, if any.
struct WrittenDroplet(Option<Uuid>);

#[Object]
impl WrittenDroplet {
    /// The droplet after this mutation or a later one, which always includes the write. Null if the
    /// mutation was rejected.
    async fn droplet(&self, context: &Context<'_>) -> Result<Option<Droplet>> {
        written(context, self.0).await
    }
}
