//! `Droplet`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use domain::droplet::Protection;
use projections::droplets::row::DropletRow;

use super::address::Address;
use super::provisioner::Provisioner;
use super::status::DropletStatus;
use crate::cluster::Cluster;
use crate::graph::batch;
use crate::graph::global_id::GlobalId;
use crate::graph::guard::Needs;
use crate::graph::money::Money;
use crate::graph::scalars::{BigInt, Time};
use crate::identity::roles::Right;

/// A droplet.
#[derive(Clone)]
pub(crate) struct Droplet(pub(crate) Arc<DropletRow>);

impl From<Arc<DropletRow>> for Droplet {
    fn from(row: Arc<DropletRow>) -> Self {
        Self(row)
    }
}

impl From<DropletRow> for Droplet {
    fn from(row: DropletRow) -> Self {
        Self(Arc::new(row))
    }
}

/// A virtual machine, from the request to its end. It stays readable when it is deleted.
#[Object]
impl Droplet {
    /// Its id, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
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

    /// The id of the cluster that it belongs to, if any.
    async fn cluster_id(&self) -> Option<ID> {
        self.0.cluster.map(GlobalId::of)
    }

    /// The cluster that it belongs to, as it is now, if any.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn cluster(&self, context: &Context<'_>) -> Result<Option<Cluster>> {
        let Some(id) = self.0.cluster else {
            return Ok(None);
        };
        batch::by_id(context, id).await
    }

    /// The label of a droplet that was requested before droplets belonged to clusters by id.
    async fn cluster_label(&self) -> Option<&str> {
        self.0.cluster_label.as_ref().map(|label| label.as_str())
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

#[cfg(test)]
mod tests {
    use domain::ids::{DropletId, JobId};
    use uuid::Uuid;

    use super::*;

    const UUID: Uuid = Uuid::from_u128(0x0192_3f4a_8c00_7000_8000_0000_0000_0001);

    #[test]
    fn the_id_of_a_droplet_is_written_one_way_for_ever() {
        let id = GlobalId::of(DropletId::new(UUID));
        assert_eq!(id.as_str(), "Droplet:01923f4a-8c00-7000-8000-000000000001");
        assert_eq!(GlobalId::parse_as(&id), Ok(DropletId::new(UUID)));
    }

    #[test]
    fn a_job_is_no_droplet() {
        let job = GlobalId::of(JobId::new(UUID));
        assert_eq!(job.as_str(), "Job:01923f4a-8c00-7000-8000-000000000001");
        assert_eq!(GlobalId::parse_as(&job), Ok(JobId::new(UUID)));
        let refusal = GlobalId::parse_as::<DropletId>(&job).unwrap_err();
        let expected = "is not the id of a droplet: use the `id` that the API gave, like Droplet:";
        assert!(refusal.to_string().contains(expected), "{refusal}");
    }
}
