//! Droplets by their ids, for what several fields of a request ask for.

use std::collections::HashMap;

use async_graphql::{Context, Result};
use domain::ids::DropletId;
use projections::droplets::Droplets;
use projections::model::Rows;

use super::Droplet;
use crate::graph::batch::ReadById;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;
use crate::graph::{consistency, error};

impl ReadById for Droplet {
    type Id = DropletId;

    async fn read(context: &Context<'_>, ids: Vec<DropletId>) -> Result<HashMap<DropletId, Self>> {
        consistency::wait(context, None, &[&Rows(Droplets)]).await?;
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let rows = reader.droplets_by_ids(org, &ids).await;
        let rows = rows.map_err(error::read_failed)?.into_iter();
        Ok(rows.map(|row| (row.id, Self::from(row))).collect())
    }
}
