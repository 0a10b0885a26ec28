//! The GraphQL type `Droplet`.

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

/// A virtual machine, from its request to its deletion. A deleted droplet stays readable.
#[Object]
impl Droplet {
    /// The id of the droplet, which never changes.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::of(self.0.id)
    }

    /// The name of the droplet, unique among the organization's living droplets. A droplet that no longer
    /// lives keeps its last name.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The status of the droplet.
    async fn status(&self) -> DropletStatus {
        self.0.status.into()
    }

    /// The slug of the droplet's size.
    async fn size(&self) -> &str {
        self.0.size.as_str()
    }

    /// The slug of the region where the droplet runs.
    async fn region(&self) -> &str {
        self.0.region.as_str()
    }

    /// The slug of the image that the droplet started with.
    async fn image(&self) -> &str {
        self.0.image.as_str()
    }

    /// The tags of the droplet, sorted.
    async fn tags(&self) -> Vec<&str> {
        self.0.tags.iter().map(|tag| tag.as_str()).collect()
    }

    /// The id of the cluster to which the droplet belongs, if any.
    async fn cluster_id(&self) -> Option<ID> {
        self.0.cluster.map(GlobalId::of)
    }

    /// The cluster to which the droplet belongs, in its current state, if any.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn cluster(&self, context: &Context<'_>) -> Result<Option<Cluster>> {
        let Some(id) = self.0.cluster else {
            return Ok(None);
        };
        batch::by_id(context, id).await
    }

    /// The cluster label of a droplet that was requested before droplets belonged to clusters by id.
    async fn cluster_label(&self) -> Option<&str> {
        self.0.cluster_label.as_ref().map(|label| label.as_str())
    }

    /// The party that creates and removes the droplet's machine.
    async fn provisioner(&self) -> Provisioner {
        self.0.provisioner.into()
    }

    /// True if the droplet is protected from deletion.
    async fn protected(&self) -> bool {
        match self.0.protection {
            Protection::Protected => true,
            Protection::Unprotected => false,
        }
    }

    /// The number of virtual processors.
    async fn vcpus(&self) -> u32 {
        self.0.vcpus
    }

    /// The memory in MiB.
    async fn memory_mib(&self) -> u32 {
        self.0.memory_mib
    }

    /// The disk in GiB.
    async fn disk_gib(&self) -> u32 {
        self.0.disk_gib
    }

    /// The price of an hour, as of the droplet's request.
    async fn price_hourly(&self) -> Money {
        self.0.price_hourly.into()
    }

    /// The price of a month, as of the droplet's request.
    async fn price_monthly(&self) -> Money {
        self.0.price_monthly.into()
    }

    /// The addresses at which the droplet can be reached. Empty unless the droplet is active.
    async fn addresses(&self) -> Vec<Address> {
        self.0.addresses.iter().map(Address::from).collect()
    }

    /// The reason why the machine could not be created, if the droplet failed.
    async fn failure_reason(&self) -> Option<&str> {
        self.0.failure_reason.as_deref()
    }

    /// The number of the droplet's events, which grows with every change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version.0)
    }

    /// The time of the droplet's request.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// The time of the last change.
    async fn updated_at(&self) -> Time {
        self.0.updated_at.into()
    }

    /// The time at which the platform recorded the last change. Differs from `updatedAt` if an agent
    /// reported an earlier event.
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
