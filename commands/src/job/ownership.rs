//! The sources that may submit a job of a kind, and that may report on it.
//!
//! Only the platform's own process manager reports on jobs of the runner PLATFORM. The kinds that belong to
//! droplets are submitted with the droplets. Other sources may submit and cancel ordinary work, but not
//! report.

use domain::job::{Job, JobSpec, JobUpdate, Runner};
use domain::name::JobKind;
use event_store::envelope::RequestSource;

use crate::droplet::is_reserved;
use crate::error::Rejected;

/// Rejects a job that this source may not submit.
pub(super) fn check_submission(
    source: RequestSource,
    kind: &JobKind,
    runner: Runner,
) -> Result<(), Rejected> {
    if source == RequestSource::Api && runner == Runner::Platform && is_reserved(kind) {
        return Err(Rejected {
            code: "RESERVED_JOB_KIND".into(),
            field: Some("kind".into()),
            message: format!(
                "jobs of the kind {kind} are submitted by the platform: provision or delete a \
                 droplet instead, or choose the runner AGENT"
            ),
        });
    }
    Ok(())
}

/// Rejects a command to a job that this source may not send.
pub(super) fn check_update(
    source: RequestSource,
    job: &Job,
    update: &JobUpdate,
) -> Result<(), Rejected> {
    let Some(spec) = job.spec() else {
        // The job is absent or ended, and rejects every command itself.
        return Ok(());
    };
    if source == RequestSource::Process || spec.runner == Runner::Agent {
        return Ok(());
    }
    match update {
        JobUpdate::Cancel { .. } => check_cancellation(spec),
        JobUpdate::Start { .. }
        | JobUpdate::Progress { .. }
        | JobUpdate::Succeed { .. }
        | JobUpdate::Fail { .. } => Err(Rejected {
            code: "JOB_RUN_BY_PLATFORM".into(),
            field: None,
            message: "the platform runs this job and reports on it itself: report only on jobs of \
                      the runner AGENT"
                .to_owned(),
        }),
    }
}

fn check_cancellation(spec: &JobSpec) -> Result<(), Rejected> {
    if !is_reserved(&spec.kind) {
        return Ok(());
    }
    Err(Rejected {
        code: "PROVISIONING_NOT_CANCELLABLE".into(),
        field: None,
        message: format!(
            "the job {} belongs to its droplet and cannot be cancelled alone: delete the droplet \
             instead",
            spec.kind
        ),
    })
}
