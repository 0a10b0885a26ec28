//! Who may act on what the platform runs itself.
//!
//! Droplets of provisioner PLATFORM and jobs of runner PLATFORM are reported on by the platform's
//! own process manager. Everyone else may wish (provision, delete, submit, cancel ordinary work),
//! but not report, so that nobody can make a machine active that does not exist.

use domain::droplet::{Droplet, DropletCommand, Provisioner};
use domain::job::{Job, JobCommand, JobSpec, Runner};
use domain::name::JobKind;
use event_store::envelope::RequestSource;

use crate::error::Rejected;

/// The kind of the job that makes a PLATFORM droplet's machine.
pub(crate) const PROVISION: &str = "provision";
/// The kind of the job that removes it.
pub(crate) const DEPROVISION: &str = "deprovision";

/// Refuses a command to a droplet that this source may not send.
pub(crate) fn check_droplet(
    source: RequestSource,
    droplet: &Droplet,
    command: &DropletCommand,
) -> Result<(), Rejected> {
    let reports = match command {
        DropletCommand::ReportActive { .. }
        | DropletCommand::ReportFailed { .. }
        | DropletCommand::ReportDeleted => true,
        DropletCommand::Provision { .. }
        | DropletCommand::Rename { .. }
        | DropletCommand::Tag { .. }
        | DropletCommand::Untag { .. }
        | DropletCommand::Protect
        | DropletCommand::Unprotect
        | DropletCommand::RequestDeletion => false,
    };
    let platforms = droplet.provisioner() == Some(Provisioner::Platform);
    if source == RequestSource::Api && reports && platforms {
        return Err(Rejected {
            code: "DROPLET_RUN_BY_PLATFORM",
            field: None,
            message:
                "the platform provisions this droplet and reports on it itself: report only on \
                      droplets of the provisioner AGENT"
                    .to_owned(),
        });
    }
    Ok(())
}

/// Refuses a job that this source may not submit.
pub(crate) fn check_submission(
    source: RequestSource,
    kind: &JobKind,
    runner: Runner,
) -> Result<(), Rejected> {
    if source == RequestSource::Api && runner == Runner::Platform && is_reserved(kind) {
        return Err(Rejected {
            code: "RESERVED_JOB_KIND",
            field: Some("kind"),
            message: format!(
                "jobs of the kind {kind} are submitted by the platform: provision or delete a \
                 droplet instead, or choose the runner AGENT"
            ),
        });
    }
    Ok(())
}

/// Refuses a command to a job that this source may not send.
pub(crate) fn check_job(
    source: RequestSource,
    job: &Job,
    command: &JobCommand,
) -> Result<(), Rejected> {
    let Some(spec) = job.spec() else {
        // It is absent or at its end, and refuses everything itself.
        return Ok(());
    };
    if source == RequestSource::Process || spec.runner == Runner::Agent {
        return Ok(());
    }
    match command {
        JobCommand::Submit { .. } => Ok(()),
        JobCommand::Cancel { .. } => check_cancellation(spec),
        JobCommand::Start { .. }
        | JobCommand::Progress { .. }
        | JobCommand::Succeed { .. }
        | JobCommand::Fail { .. } => Err(Rejected {
            code: "JOB_RUN_BY_PLATFORM",
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
        code: "PROVISIONING_NOT_CANCELLABLE",
        field: None,
        message: format!(
            "the job {} belongs to its droplet and cannot be cancelled alone: delete the droplet \
             instead",
            spec.kind
        ),
    })
}

fn is_reserved(kind: &JobKind) -> bool {
    matches!(kind.as_str(), PROVISION | DEPROVISION)
}
