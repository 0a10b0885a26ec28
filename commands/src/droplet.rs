//! What can be asked for about droplets.

use domain::droplet::{Address, Droplet, DropletCommand, Provisioner};
use domain::ids::{DropletId, JobId};
use domain::job::{Job, JobCommand, JobSubject, Runner};
use domain::name::{ClusterName, DropletName, JobKind};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;
use event_store::envelope::StreamId;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::decision::{Change, Decision};
use crate::error::{CommandError, Rejected};
use crate::execute::{Commands, UseCase};
use crate::ownership::{self, DEPROVISION, PROVISION};
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};

/// A droplet that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDroplet {
    /// Its id, made for this request.
    pub id: DropletId,
    /// The id of its `provision` job, made for this request; used for PLATFORM droplets.
    pub job: JobId,
    /// Its name, which no other live droplet of the organization may have.
    pub name: DropletName,
    /// One of the catalogue's sizes.
    pub size: SizeSlug,
    /// One of the catalogue's regions, which offers the size.
    pub region: RegionSlug,
    /// One of the catalogue's images, which fits on the size's disk.
    pub image: ImageSlug,
    /// Its tags; one that is named twice counts once.
    pub tags: Vec<Tag>,
    /// The group it belongs to, if any.
    pub cluster: Option<ClusterName>,
    /// Who makes and removes its machine.
    pub provisioner: Provisioner,
}

impl Commands {
    /// Asks for a droplet. Takes its name; the platform's droplets get their `provision` job in the
    /// same append. The receipt names the droplet, then the job if there is one.
    ///
    /// # Errors
    /// [`CommandError`]; `NAME_TAKEN` when another live droplet has the name.
    pub async fn provision_droplet(
        &self,
        context: &Context,
        new: NewDroplet,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Provision { new }).await
    }

    /// Every other command to a droplet. A droplet that gets another name, or comes to its end,
    /// gives its name back.
    ///
    /// # Errors
    /// [`CommandError`]; `DROPLET_NOT_FOUND` also for droplets of other organizations. To provision
    /// and to delete have methods of their own, and are refused here (`NEEDS_A_JOB`).
    pub async fn droplet(
        &self,
        context: &Context,
        id: DropletId,
        command: DropletCommand,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Alter { id, command }).await
    }

    /// Asks for a droplet's end. The platform's droplets get their `deprovision` job, under the
    /// given id, in the same append; an agent is told by the event alone. The receipt names the
    /// droplet, then the job if there is one.
    ///
    /// # Errors
    /// [`CommandError`]; `DROPLET_NOT_FOUND` also for droplets of other organizations.
    pub async fn delete_droplet(
        &self,
        context: &Context,
        id: DropletId,
        job: JobId,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Delete { id, job }).await
    }
}

struct Provision {
    new: NewDroplet,
}

impl UseCase for Provision {
    fn name(&self) -> &'static str {
        "provision_droplet"
    }

    fn subject(&self) -> StreamId {
        self.new.id.into()
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
            "cluster": cluster.as_ref().map(ClusterName::as_str),
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
        Ok(match new.provisioner {
            Provisioner::Platform => {
                decision.with(job_for(streams, new.id, new.job, PROVISION).await?)
            }
            Provisioner::Agent => decision,
        })
    }
}

struct Alter {
    id: DropletId,
    command: DropletCommand,
}

impl UseCase for Alter {
    fn name(&self) -> &'static str {
        match self.command {
            DropletCommand::Provision { .. } => "provision",
            DropletCommand::ReportActive { .. } => "report_droplet_active",
            DropletCommand::ReportFailed { .. } => "report_droplet_failed",
            DropletCommand::Rename { .. } => "rename_droplet",
            DropletCommand::Tag { .. } => "tag_droplet",
            DropletCommand::Untag { .. } => "untag_droplet",
            DropletCommand::Protect => "protect_droplet",
            DropletCommand::Unprotect => "unprotect_droplet",
            DropletCommand::RequestDeletion => "request_deletion",
            DropletCommand::ReportDeleted => "report_droplet_deleted",
        }
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let argument = match &self.command {
            DropletCommand::ReportActive { addresses } => {
                let address = |address: &Address| json!([address.kind.as_str(), address.ip]);
                addresses.iter().map(address).collect()
            }
            DropletCommand::ReportFailed { reason } => json!(reason),
            DropletCommand::Rename { name } => json!(name.as_str()),
            DropletCommand::Tag { tag } | DropletCommand::Untag { tag } => json!(tag.as_str()),
            DropletCommand::Provision { .. }
            | DropletCommand::Protect
            | DropletCommand::Unprotect
            | DropletCommand::RequestDeletion
            | DropletCommand::ReportDeleted => Value::Null,
        };
        json!({ "droplet": self.id, "argument": argument })
    }

    async fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        refuse_what_needs_a_job(&self.command)?;
        let droplet: Loaded<Droplet> = streams.load(self.id).await?;
        ownership::check_droplet(context.source, &droplet.state, &self.command)?;
        Ok(droplet.decide(&self.command)?.into())
    }
}

/// Without its job, a PLATFORM droplet would wait for ever for its machine, or for its removal.
fn refuse_what_needs_a_job(command: &DropletCommand) -> Result<(), Rejected> {
    let instead = match command {
        DropletCommand::Provision { .. } => "provision the droplet",
        DropletCommand::RequestDeletion => "delete the droplet",
        DropletCommand::ReportActive { .. }
        | DropletCommand::ReportFailed { .. }
        | DropletCommand::Rename { .. }
        | DropletCommand::Tag { .. }
        | DropletCommand::Untag { .. }
        | DropletCommand::Protect
        | DropletCommand::Unprotect
        | DropletCommand::ReportDeleted => return Ok(()),
    };
    Err(Rejected {
        code: "NEEDS_A_JOB",
        field: None,
        message: format!("this needs a job along with it: {instead} through its own command"),
    })
}

struct Delete {
    id: DropletId,
    job: JobId,
}

impl UseCase for Delete {
    fn name(&self) -> &'static str {
        "delete_droplet"
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        json!({ "droplet": self.id })
    }

    async fn decide(
        &self,
        _context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let droplet: Loaded<Droplet> = streams.load(self.id).await?;
        let provisioner = droplet.state.provisioner();
        let decision = Decision::from(droplet.decide(&DropletCommand::RequestDeletion)?);
        Ok(match provisioner {
            Some(Provisioner::Platform) => {
                decision.with(job_for(streams, self.id, self.job, DEPROVISION).await?)
            }
            Some(Provisioner::Agent) | None => decision,
        })
    }
}

/// The job by which the platform makes or removes the droplet's machine.
async fn job_for(
    streams: &mut Streams<'_>,
    droplet: DropletId,
    job: JobId,
    kind: &str,
) -> Result<Change, CommandError> {
    let submit = JobCommand::Submit {
        kind: JobKind::parse(kind).expect("the platform's own kinds of jobs are well formed"),
        subject: JobSubject::Droplet(droplet),
        parameters: Map::new(),
        runner: Runner::Platform,
        attempts: 1,
    };
    let job: Loaded<Job> = streams.open(job).await?;
    Ok(job.decide(&submit)?)
}
