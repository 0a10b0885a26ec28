//! The GraphQL type `DropletPayload`: the result of mutations about droplets.

use async_graphql::{Context, MergedObject, Object, Result};
use domain::ids::DropletId;
use projections::droplets::Droplets;
use uuid::Uuid;

use super::Droplet;
use crate::graph::error;
use crate::graph::payload::Outcome;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

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
        let Some(id) = self.0 else {
            return Ok(None);
        };
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let row = reader
            .live_state::<Droplets>(org, DropletId::new(id).into())
            .await;
        Ok(row.map_err(error::read_failed)?.map(Droplet::from))
    }
}
