//! `Droplet`.

use std::sync::Arc;

use async_graphql::{ID, Object};
use domain::droplet::Protection;
use projections::droplets::row::DropletRow;

use crate::global_id::GlobalId;
use crate::scalars::{BigInt, Time};
use crate::types::address::Address;
use crate::types::droplet_status::DropletStatus;
use crate::types::money::Money;
use crate::types::provisioner::Provisioner;

/// A droplet.
#[derive(Clone)]
pub(crate) struct Droplet(pub(crate) Arc<DropletRow>);

impl From<DropletRow> for Droplet {
    fn from(row: DropletRow) -> Self {
        Self(Arc::new(row))
    }
}

/// A virtual machine, from the request to its end. It stays readable when it is deleted.
#[Object]
impl Droplet {
    /// Its id, the same for ever.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Droplet(self.0.id).into()
    }

    /// Its name, unique among the organization's living droplets. After its end, the last one.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// What it is doing.
    async fn status(&self) -> DropletStatus {
        self.0.status.into()
    }

    /// The slug of its size.
    async fn size(&self) -> &str {
        self.0.size.as_str()
    }

    /// The slug of the region where it runs.
    async fn region(&self) -> &str {
        self.0.region.as_str()
    }

    /// The slug of the image that it started with.
    async fn image(&self) -> &str {
        self.0.image.as_str()
    }

    /// Its tags, sorted.
    async fn tags(&self) -> Vec<&str> {
        self.0.tags.iter().map(|tag| tag.as_str()).collect()
    }

    /// The group of droplets that it belongs to, if any.
    async fn cluster(&self) -> Option<&str> {
        self.0.cluster.as_ref().map(|cluster| cluster.as_str())
    }

    /// Who makes and removes its machine.
    async fn provisioner(&self) -> Provisioner {
        self.0.provisioner.into()
    }

    /// Whether its deletion is refused.
    async fn protected(&self) -> bool {
        match self.0.protection {
            Protection::Protected => true,
            Protection::Unprotected => false,
        }
    }

    /// Virtual processors.
    async fn vcpus(&self) -> u32 {
        self.0.vcpus
    }

    /// Memory in MiB.
    async fn memory_mib(&self) -> u32 {
        self.0.memory_mib
    }

    /// Disk in GiB.
    async fn disk_gib(&self) -> u32 {
        self.0.disk_gib
    }

    /// The price of an hour, as of its request.
    async fn price_hourly(&self) -> Money {
        self.0.price_hourly.into()
    }

    /// The price of a month, as of its request.
    async fn price_monthly(&self) -> Money {
        self.0.price_monthly.into()
    }

    /// Where it can be reached; nowhere unless it is active.
    async fn addresses(&self) -> Vec<Address> {
        self.0.addresses.iter().map(Address::from).collect()
    }

    /// Why its machine could not be made, if it failed.
    async fn failure_reason(&self) -> Option<&str> {
        self.0.failure_reason.as_deref()
    }

    /// How many events happened to it: grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// When it was requested.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> Time {
        self.0.updated_at.into()
    }

    /// When the platform recorded its last change; differs from `updatedAt` where an agent reported
    /// something that happened earlier.
    async fn recorded_at(&self) -> Time {
        self.0.recorded_at.into()
    }
}
