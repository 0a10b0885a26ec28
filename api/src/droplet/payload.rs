//! `DropletPayload`: what mutations about droplets answer.

use async_graphql::{Context, MergedObject, Object, Result};
use domain::ids::DropletId;
use projections::droplets::Droplets;
use uuid::Uuid;

use super::Droplet;
use crate::graph::error;
use crate::graph::payload::Outcome;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;

/// How a mutation about a droplet went.
#[derive(MergedObject)]
pub(crate) struct DropletPayload(WrittenDroplet, Outcome);

impl From<Outcome> for DropletPayload {
    fn from(outcome: Outcome) -> Self {
        Self(WrittenDroplet(outcome.subject()), outcome)
    }
}

/// The droplet that a mutation wrote, if it did.
struct WrittenDroplet(Option<Uuid>);

#[Object]
impl WrittenDroplet {
    /// The droplet as this mutation, or a later one, left it: it always shows the write. Null when
    /// the mutation was refused.
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
