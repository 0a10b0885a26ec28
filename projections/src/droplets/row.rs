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

use crate::model::StreamRow;

/// A droplet. Its fields are the columns of the table.
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
    /// The cluster that it belongs to, if any.
    #[serde(rename = "cluster_id")]
    pub cluster: Option<ClusterId>,
    /// The label of a droplet that was requested before droplets belonged to clusters by id.
    #[serde(rename = "cluster")]
    pub cluster_label: Option<ClusterName>,
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

impl StreamRow for DropletRow {
    fn version(&self) -> Version {
        self.version
    }
}
