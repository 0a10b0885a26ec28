//! Requests a droplet, with the job that makes its machine if the platform provisions it.

use domain::droplet::{Droplet, DropletCommand, Provisioner};
use domain::ids::{ClusterId, DropletId, JobId};
use domain::name::DropletName;
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::machine_job::{self, PROVISION};
use crate::cluster::capacity;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase};

/// The arguments of a new droplet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDroplet {
    /// The id of the droplet, made for this request.
    pub id: DropletId,
    /// The id of the droplet's `provision` job, made for this request; used for PLATFORM droplets.
    pub job: JobId,
    /// The name of the droplet, which no other live droplet of the organization may have.
    pub name: DropletName,
    /// The size, one of the catalogue's.
    pub size: SizeSlug,
    /// The region, one of the catalogue's that offers the size.
    pub region: RegionSlug,
    /// The image, one of the catalogue's that fits on the size's disk.
    pub image: ImageSlug,
    /// The tags of the droplet; a repeated tag counts once.
    pub tags: Vec<Tag>,
    /// The cluster of the droplet, if any.
    pub cluster: Option<ClusterId>,
    /// The provisioner, which makes and removes the machine.
    pub provisioner: Provisioner,
}

impl Commands {
    /// Requests a droplet, and takes its name. A droplet of the platform gets its `provision` job in the
    /// same append. The receipt names the droplet, then the job if there is one.
    ///
    /// # Errors
    /// [`CommandError`]; `NAME_TAKEN` when another live droplet has the name; `CLUSTER_NOT_FOUND`,
    /// `CLUSTER_DELETED`, `CLUSTER_IN_MAINTENANCE` or `CLUSTER_FULL` when the cluster does not take the
    /// droplet.
    pub async fn provision_droplet(
        &self,
        context: &Context,
        new: NewDroplet,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Provision { new }).await
    }
}

pub(crate) struct Provision {
    new: NewDroplet,
}

impl UseCase for Provision {
    fn name(&self) -> &'static str {
        "provision_droplet"
    }

    fn subject(&self) -> StreamId {
        self.new.id.into()
    }

    fn ids(&self) -> Value {
        json!({ "droplet": self.new.id, "job": self.new.job })
    }

    fn arguments(&self) -> Value {
        let NewDroplet {
            id: _,
            job: _,
            name,
            size,
            region,
            image,
            tags,
            cluster,
            provisioner,
        } = &self.new;
        let mut tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
        tags.sort_unstable();
        tags.dedup();
        json!({
            "name": name.as_str(),
            "size": size.as_str(),
            "region": region.as_str(),
            "image": image.as_str(),
            "tags": tags,
            "cluster": cluster,
            "provisioner": provisioner.as_str(),
        })
    }

    async fn decide(
        &self,
        _context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let new = self.new.clone();
        let command = DropletCommand::Provision {
            name: new.name,
            size: new.size,
            region: new.region,
            image: new.image,
            tags: new.tags.into_iter().collect(),
            cluster: new.cluster,
            provisioner: new.provisioner,
        };
        let droplet: Loaded<Droplet> = streams.open(new.id).await?;
        let decision = Decision::from(droplet.decide(&command)?);
        let decision = match new.provisioner {
            Provisioner::Platform => {
                decision.with(machine_job::submit(streams, new.id, new.job, PROVISION).await?)
            }
            Provisioner::Agent => decision,
        };
        match new.cluster {
            Some(cluster) => capacity::join(streams, cluster, decision, "cluster").await,
            None => Ok(decision),
        }
    }
}

impl Recorded for Provision {
    const NAMES: &'static [&'static str] = &["provision_droplet"];

    fn of_record(_name: &str, input: Value, ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            name: DropletName,
            size: SizeSlug,
            region: RegionSlug,
            image: ImageSlug,
            tags: Vec<Tag>,
            cluster: Option<ClusterId>,
            provisioner: Provisioner,
        }
        #[derive(Deserialize)]
        struct Ids {
            droplet: DropletId,
            job: JobId,
        }
        let input: Input = serde_json::from_value(input)?;
        let ids: Ids = serde_json::from_value(ids)?;
        let new = NewDroplet {
            id: ids.droplet,
            job: ids.job,
            name: input.name,
            size: input.size,
            region: input.region,
            image: input.image,
            tags: input.tags,
            cluster: input.cluster,
            provisioner: input.provisioner,
        };
        Ok(Self { new })
    }
}
