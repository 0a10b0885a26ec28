//! Requests the deletion of a droplet, with the job that removes its machine if the platform provisions it.

use domain::droplet::{Droplet, DropletCommand, Provisioner};
use domain::ids::{DropletId, JobId};
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::machine_job::{self, DEPROVISION};
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase};

impl Commands {
    /// Requests the deletion of a droplet. A droplet of the platform gets its `deprovision` job, under the
    /// given id, in the same append. An agent learns of the deletion by the event alone. The receipt names
    /// the droplet, then the job if there is one.
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

pub(crate) struct Delete {
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

    fn ids(&self) -> Value {
        json!({ "job": self.job })
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
                decision.with(machine_job::submit(streams, self.id, self.job, DEPROVISION).await?)
            }
            Some(Provisioner::Agent) | None => decision,
        })
    }
}

impl Recorded for Delete {
    const NAMES: &'static [&'static str] = &["delete_droplet"];

    fn of_record(_name: &str, input: Value, ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            droplet: DropletId,
        }
        #[derive(Deserialize)]
        struct Ids {
            job: JobId,
        }
        let Input { droplet: id } = serde_json::from_value(input)?;
        let Ids { job } = serde_json::from_value(ids)?;
        Ok(Self { id, job })
    }
}
