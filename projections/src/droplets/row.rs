//! The row of a droplet.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::droplet::{Address, DropletStatus, Protection, Provisioner};
use domain::ids::{ClusterId, DropletId, OrgId};
use domain::money::MicroDollars;
use domain::name::{ClusterName, DropletName};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::envelope::Version;
use serde::{Deserialize, Serialize};

use crate::model::{Cells, FromCells, StreamRow};

/// A droplet. Its fields are the columns of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletRow {
    /// The id of the droplet.
    pub id: DropletId,
    /// The organization that owns the droplet.
    #[serde(rename = "org_id")]
    pub org: OrgId,
    /// The name of the droplet; after its end, the last one.
    pub name: DropletName,
    /// The status of the droplet.
    pub status: DropletStatus,
    /// The size of the droplet.
    pub size: SizeSlug,
    /// The region of the droplet.
    pub region: RegionSlug,
    /// The image that the droplet started with.
    pub image: ImageSlug,
    /// The tags of the droplet.
    pub tags: BTreeSet<Tag>,
    /// The cluster that the droplet belongs to, if any.
    #[serde(rename = "cluster_id")]
    pub cluster: Option<ClusterId>,
    /// The label of a droplet that was requested before droplets belonged to clusters by id.
    #[serde(rename = "cluster")]
    pub cluster_label: Option<ClusterName>,
    /// The provisioner, which makes and removes the machine.
    pub provisioner: Provisioner,
    /// The protection of the droplet, which decides whether its deletion is refused.
    pub protection: Protection,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in GiB.
    pub disk_gib: u32,
    /// The price of an hour, as of the request.
    #[serde(rename = "price_hourly_micros")]
    pub price_hourly: MicroDollars,
    /// The price of a month, as of the request.
    #[serde(rename = "price_monthly_micros")]
    pub price_monthly: MicroDollars,
    /// The addresses of the droplet; none unless it is active.
    pub addresses: Vec<Address>,
    /// The reason why the machine could not be made, for people.
    pub failure_reason: Option<String>,
    /// The version of the droplet's stream that this row shows.
    pub version: Version,
    /// The business time of the request.
    pub created_at: DateTime<Utc>,
    /// The business time of the last event.
    pub updated_at: DateTime<Utc>,
    /// The time at which the platform recorded the last event.
    pub recorded_at: DateTime<Utc>,
}

impl StreamRow for DropletRow {
    fn version(&self) -> Version {
        self.version
    }

    fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }
}

impl FromCells for DropletRow {
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: cells.uuid()?,
            org: cells.text("unread")?,
            name: cells.text("unread")?,
            status: cells.text("REQUESTED")?,
            size: cells.text("unread")?,
            region: cells.text("unread")?,
            image: cells.text("unread")?,
            tags: cells.texts()?,
            cluster: cells.optional(Cells::uuid)?,
            cluster_label: cells.optional(|cells| cells.text("unread"))?,
            provisioner: cells.text("PLATFORM")?,
            protection: cells.text("PROTECTED")?,
            vcpus: cells.number()?,
            memory_mib: cells.number()?,
            disk_gib: cells.number()?,
            price_hourly: cells.number()?,
            price_monthly: cells.number()?,
            addresses: cells.json()?,
            failure_reason: cells.optional(|cells| cells.text("unread"))?,
            version: cells.number()?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
            recorded_at: cells.time()?,
        })
    }
}
