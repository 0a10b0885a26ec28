//! Droplets as they are now, deleted ones too: the table `read_v1.droplets`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::droplet::{Address, DropletStatus, Protection, Provisioner};
use domain::ids::{DropletId, OrgId};
use domain::money::MicroDollars;
use domain::name::{ClusterName, DropletName};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::stream_type::StreamType;
use domain::tag::Tag;
use event_store::consume::consumer::{ApplyError, Consumer};
use event_store::envelope::{Positioned, Recorded, Version};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::fold;

mod by_ids;
mod row;

pub mod query;

/// A droplet: a row of `read_v1.droplets`, whose columns are these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletRow {
    /// Its id.
    pub id: DropletId,
    /// The organization that owns it.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// Its name; after its end the one that it had last.
    pub name: DropletName,
    /// What it is doing.
    pub status: DropletStatus,
    /// Its size.
    pub size: SizeSlug,
    /// Where it runs.
    pub region: RegionSlug,
    /// What it started with.
    pub image: ImageSlug,
    /// Its tags.
    pub tags: BTreeSet<Tag>,
    /// The group it belongs to, if any.
    pub cluster: Option<ClusterName>,
    /// Who makes and removes its machine.
    pub provisioner: Provisioner,
    /// Whether its deletion is refused.
    pub protection: Protection,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in GiB.
    pub disk_gib: u32,
    /// The price of an hour, as of its request.
    #[serde(rename = "price_hourly_micros")]
    pub price_hourly: MicroDollars,
    /// The price of a month, as of its request.
    #[serde(rename = "price_monthly_micros")]
    pub price_monthly: MicroDollars,
    /// Where it can be reached; nowhere unless it is active.
    pub addresses: Vec<Address>,
    /// Why its machine could not be made, for people.
    pub failure_reason: Option<String>,
    /// The version of its stream that this row shows.
    pub version: Version,
    /// Business time of its request.
    pub created_at: DateTime<Utc>,
    /// Business time of its last event.
    pub updated_at: DateTime<Utc>,
    /// Our time of its last event.
    pub recorded_at: DateTime<Utc>,
}

/// The projection that writes `read_v1.droplets`.
#[derive(Debug, Clone, Copy)]
pub struct Droplets;

#[async_trait]
impl Consumer for Droplets {
    fn name(&self) -> &'static str {
        "droplets"
    }

    fn version(&self) -> i32 {
        1
    }

    fn stream_types(&self) -> &'static [StreamType] {
        &[StreamType::DROPLET]
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        events: &[Positioned<Recorded>],
    ) -> Result<(), ApplyError> {
        let mut rows = load(transaction, &fold::streams(events)).await?;
        for Positioned { event, .. } in events {
            let id = event.stream.uuid;
            let row = DropletRow::fold(rows.remove(&id), event)?;
            rows.insert(id, row);
        }
        store(transaction, rows.into_values().collect()).await
    }
}

async fn load(
    transaction: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, DropletRow>, ApplyError> {
    let rows: Vec<Json<DropletRow>> =
        sqlx::query_scalar("select to_json(d) from droplets d where d.id = any($1)")
            .bind(ids)
            .fetch_all(transaction)
            .await?;
    let rows = rows.into_iter().map(|Json(row)| (row.id.as_uuid(), row));
    Ok(rows.collect())
}

/// Writes the rows in one statement, in id order, so that two workers cannot deadlock.
async fn store(transaction: &mut PgConnection, rows: Vec<DropletRow>) -> Result<(), ApplyError> {
    sqlx::query(include_str!("droplets/store.sql"))
        .bind(Json(rows))
        .execute(transaction)
        .await?;
    Ok(())
}
