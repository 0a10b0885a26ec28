//! Droplets: what can be read of them, done to them, and followed.

mod address;
mod batch;
mod counts;
mod filter;
mod inputs;
mod mutations;
mod object;
mod page;
mod payload;
mod provisioner;
mod queries;
mod status;
mod subscriptions;

pub(crate) use object::Droplet;

use async_graphql::{Context, Result};
use domain::ids::DropletId;
use projections::droplets::Droplets;
use projections::droplets::row::DropletRow;
use projections::model::Rows;

use self::counts::DropletCounts;
use self::mutations::DropletMutations;
use self::queries::DropletQueries;
use self::subscriptions::DropletSubscriptions;
use crate::graph::resource::Resource;
use crate::graph::{consistency, error};

impl Resource for Droplet {
    type Row = DropletRow;
    type Id = DropletId;
    type Queries = DropletQueries;
    type Mutations = DropletMutations;
    type Subscriptions = DropletSubscriptions;
    type Counts = DropletCounts;

    async fn find(
        context: &Context<'_>,
        id: DropletId,
        consistent_with: Option<String>,
    ) -> Result<Option<Self>> {
        let (reader, org) =
            consistency::reader(context, consistent_with, &[&Rows(Droplets)]).await?;
        let row = reader.droplet(org, id).await.map_err(error::read_failed)?;
        Ok(row.map(Self::from))
    }
}
