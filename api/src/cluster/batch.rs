//! Clusters by their ids, for what several fields of a request ask for.

use std::collections::HashMap;

use async_graphql::{Context, Result};
use domain::ids::ClusterId;
use projections::clusters::Clusters;
use projections::model::Rows;

use super::Cluster;
use crate::graph::batch::ReadById;
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;
use crate::graph::{consistency, error};

impl ReadById for Cluster {
    type Id = ClusterId;

    async fn read(context: &Context<'_>, ids: Vec<ClusterId>) -> Result<HashMap<ClusterId, Self>> {
        consistency::wait(context, None, &[&Rows(Clusters)]).await?;
        let org = &RequestInfo::of(context)?.principal.org;
        let reader = &context.data::<Services>()?.reader;
        let rows = reader.clusters_by_ids(org, &ids).await;
        let rows = rows.map_err(error::read_failed)?.into_iter();
        Ok(rows.map(|row| (row.id, Self::from(row))).collect())
    }
}
