//! Takes the steps of a job, one by one.

use chrono::Utc;
use domain::droplet::{Droplet, DropletUpdate};
use domain::ids::{CommandId, DropletId};
use domain::job::{Job, JobUpdate};
use domain::name::WorkerName;
use event_store::envelope::RequestSource;
use event_store::error::StoreError;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::Simulation;
use super::claims::{Claims, Item};
use super::plan::{self, Fate, Provisioning, Step, Work};
use super::provider::{Provider, ProviderError};
use crate::context::Context;
use crate::droplet::{DEPROVISION, PROVISION};
use crate::error::CommandError;
use crate::execute::Commands;

/// The name of the platform, as actor and as worker.
const PLATFORM: &str = "platform";

/// Works on jobs; keeps no state of any of them.
#[derive(Debug)]
pub(super) struct Worker {
    pool: PgPool,
    commands: Commands,
    provider: Provider,
    simulation: Simulation,
}

/// The point at which the work on a job stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worked {
    ToItsEnd,
    UntilItMustWait,
    Stopped,
}

/// The reason why the work on a job stopped early.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// A step was rejected, and again after another read of the states.
    #[error("the step {step:?} was refused")]
    Refused {
        step: Step,
        #[source]
        source: CommandError,
    },
    /// A step was not confirmed.
    #[error("the step {step:?} was not confirmed")]
    Unconfirmed {
        step: Step,
        #[source]
        source: CommandError,
    },
    /// An operation of the provider failed.
    #[error("the provider did not do its part")]
    Provider(#[from] ProviderError),
    /// The job could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The stored state of the droplet, and the next step.
struct Look {
    droplet: Option<Droplet>,
    step: Step,
}

impl Worker {
    pub(super) fn new(pool: PgPool, commands: Commands, simulation: Simulation) -> Self {
        Self {
            provider: Provider::new(pool.clone()),
            pool,
            commands,
            simulation,
        }
    }

    /// Takes steps until there is nothing to do, at least not now.
    pub(super) async fn work(&self, item: &Item) -> Result<Worked, WorkError> {
        let mut refused_before = None;
        loop {
            match self.advance(item).await {
                Ok(Some(worked)) => return Ok(worked),
                Ok(None) => {}
                // The states changed since the read, or another worker was faster: read again, once.
                Err(WorkError::Refused { step, .. }) if refused_before != Some(step) => {
                    refused_before = Some(step);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the next step, if there is one.
    pub(super) async fn advance(&self, item: &Item) -> Result<Option<Worked>, WorkError> {
        let look = self.look(item).await?;
        match look.step {
            Step::Finished => return Ok(Some(Worked::ToItsEnd)),
            Step::Wait => return Ok(Some(Worked::UntilItMustWait)),
            Step::Progress(_) => tokio::time::sleep(self.simulation.step_delay).await,
            Step::Start
            | Step::ReportActive
            | Step::ReportFailed(_)
            | Step::ReportDeleted
            | Step::Succeed
            | Step::Fail(_)
            | Step::Cancel(_) => {}
        }
        self.take(item, look).await?;
        Ok(None)
    }

    async fn look(&self, item: &Item) -> Result<Look, WorkError> {
        let job = self
            .commands
            .stored::<Job>(&item.org, item.job)
            .await?
            .state;
        let droplet = match item.droplet {
            Some(id) => Some(self.commands.stored(&item.org, id).await?.state),
            None => None,
        };
        let work = match (&droplet, item.kind.as_str(), item.droplet) {
            (Some(droplet), PROVISION, _) => Work::Provision(droplet),
            (Some(droplet), DEPROVISION, Some(id)) => {
                Work::Deprovision(droplet, self.provisioning(id).await?)
            }
            _ => Work::Other,
        };
        let step = plan::next(work, &job, fate(item, self.simulation.failure_rate));
        Ok(Look { droplet, step })
    }

    async fn provisioning(&self, droplet: DropletId) -> Result<Provisioning, StoreError> {
        let goes_on = Claims::is_being_provisioned(&self.pool, droplet, PROVISION).await?;
        Ok(if goes_on {
            Provisioning::GoesOn
        } else {
            Provisioning::Ended
        })
    }

    async fn take(&self, item: &Item, look: Look) -> Result<(), WorkError> {
        let step = look.step;
        let command = match step {
            Step::Start => ToSend::Job(JobUpdate::Start {
                worker: WorkerName::parse(PLATFORM).expect("the platform's name is well formed"),
            }),
            Step::Progress(stage) => ToSend::Job(JobUpdate::Progress {
                percent: stage.percent,
                message: Some(stage.message.to_owned()),
            }),
            Step::ReportActive => {
                let droplet = droplet_of(item);
                let addresses = self.provider.create(droplet).await?.to_vec();
                ToSend::Droplet(droplet, DropletUpdate::ReportActive { addresses })
            }
            Step::ReportFailed(reason) => {
                let reason = reason.to_owned();
                ToSend::Droplet(droplet_of(item), DropletUpdate::ReportFailed { reason })
            }
            Step::ReportDeleted => {
                let droplet = droplet_of(item);
                self.provider.destroy(droplet).await?;
                ToSend::Droplet(droplet, DropletUpdate::ReportDeleted)
            }
            Step::Succeed => ToSend::Job(JobUpdate::Succeed {
                result: Some(result(look.droplet.as_ref())),
            }),
            Step::Fail(error) => ToSend::Job(JobUpdate::Fail {
                error: error.to_owned(),
            }),
            Step::Cancel(reason) => ToSend::Job(JobUpdate::Cancel {
                reason: reason.to_owned(),
            }),
            Step::Wait | Step::Finished => return Ok(()),
        };
        let context = context(item, step);
        let sent = match command {
            ToSend::Job(command) => self.commands.job(&context, item.job, command).await,
            ToSend::Droplet(id, command) => self.commands.droplet(&context, id, command).await,
        };
        match sent {
            Ok(_) => Ok(()),
            Err(source @ CommandError::Unavailable(_)) => {
                Err(WorkError::Unconfirmed { step, source })
            }
            Err(
                source @ (CommandError::Rejected(_)
                | CommandError::KeyReused
                | CommandError::Conflict
                | CommandError::OtherIncarnation),
            ) => {
                if step == Step::ReportActive {
                    self.remove_if_unwanted(item).await?;
                }
                Err(WorkError::Refused { step, source })
            }
        }
    }

    /// Removes a machine that was made too late: the job that removed the droplet's machine meanwhile did
    /// not find this one.
    async fn remove_if_unwanted(&self, item: &Item) -> Result<(), WorkError> {
        let id = droplet_of(item);
        let droplet = self.commands.stored::<Droplet>(&item.org, id).await?;
        match droplet.state {
            Droplet::Absent | Droplet::Requested { .. } | Droplet::Active { .. } => {}
            Droplet::Deleting { .. } | Droplet::Deleted | Droplet::Failed => {
                self.provider.destroy(id).await?;
            }
        }
        Ok(())
    }
}

enum ToSend {
    Job(JobUpdate),
    Droplet(DropletId, DropletUpdate),
}

fn droplet_of(item: &Item) -> DropletId {
    item.droplet
        .expect("steps that report on a droplet are planned for a droplet's jobs only")
}

/// Returns the result of a job: the addresses of the machine, while there is one.
fn result(droplet: Option<&Droplet>) -> Value {
    let addresses = droplet.map(Droplet::addresses).unwrap_or_default();
    json!({ "simulated": true, "addresses": addresses })
}

/// Returns the context of a step's command. Its ids follow from the item's event and the step.
#[expect(
    clippy::disallowed_methods,
    reason = "a process manager is an edge: here the time of its commands enters"
)]
fn context(item: &Item, step: Step) -> Context {
    let step = key(step);
    Context {
        org: item.org.clone(),
        actor: PLATFORM.to_owned(),
        credential: None,
        command_id: CommandId::new(Uuid::new_v5(&item.event.as_uuid(), step.as_bytes())),
        correlation_id: item.correlation_id,
        causation_id: Some(item.event),
        traceparent: None,
        source: RequestSource::Process,
        occurred_at: Utc::now(),
        idempotency_key: Some(format!("{PLATFORM}/{}/{step}", item.event)),
    }
}

/// Returns the key that distinguishes a step from the other steps of its job. The key is stored with
/// idempotency keys, so it never changes.
fn key(step: Step) -> String {
    match step {
        Step::Start => "start".to_owned(),
        Step::Progress(stage) => format!("progress-{}", stage.percent),
        Step::ReportActive => "report-active".to_owned(),
        Step::ReportFailed(_) => "report-failed".to_owned(),
        Step::ReportDeleted => "report-deleted".to_owned(),
        Step::Succeed => "succeed".to_owned(),
        Step::Fail(_) => "fail".to_owned(),
        Step::Cancel(_) => "cancel".to_owned(),
        Step::Wait | Step::Finished => "nothing".to_owned(),
    }
}

/// Returns the job's result in the simulation: its id is hashed to a number from 0 to 1 and compared with
/// the rate.
fn fate(item: &Item, failure_rate: f64) -> Fate {
    let hash = Sha256::digest(item.job.as_uuid());
    let mut leading = [0; 4];
    leading.copy_from_slice(&hash[..4]);
    let drawn = f64::from(u32::from_be_bytes(leading)) / (f64::from(u32::MAX) + 1.0);
    if drawn < failure_rate {
        Fate::Failure
    } else {
        Fate::Success
    }
}

#[cfg(test)]
mod tests;
