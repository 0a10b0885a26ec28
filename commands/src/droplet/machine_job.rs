//! The jobs by which the platform makes and removes the machines of its droplets.

use domain::ids::{DropletId, JobId};
use domain::job::{Job, JobCommand, JobSubject, Runner};
use domain::name::JobKind;
use serde_json::Map;

use crate::decision::Change;
use crate::error::CommandError;
use crate::streams::{Loaded, Streams};

/// The kind of the job that makes a PLATFORM droplet's machine.
pub(crate) const PROVISION: &str = "provision";
/// The kind of the job that removes a PLATFORM droplet's machine.
pub(crate) const DEPROVISION: &str = "deprovision";

/// Returns true if jobs of this kind belong to droplets when the platform runs them.
pub(crate) fn is_reserved(kind: &JobKind) -> bool {
    matches!(kind.as_str(), PROVISION | DEPROVISION)
}

/// Submits the job by which the platform makes or removes a droplet's machine.
pub(super) async fn submit(
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
