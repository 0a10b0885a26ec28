//! The sources that may report on a droplet.
//!
//! Only the platform's own process manager reports on droplets of the provisioner PLATFORM. Other sources
//! may request changes, but not report, so that nobody can make a machine active that does not exist.

use domain::droplet::{Droplet, DropletUpdate, Provisioner};
use event_store::envelope::RequestSource;

use crate::error::Rejected;

/// Rejects a command to a droplet that this source may not send.
pub(super) fn check(
    source: RequestSource,
    droplet: &Droplet,
    update: &DropletUpdate,
) -> Result<(), Rejected> {
    let reports = match update {
        DropletUpdate::ReportActive { .. }
        | DropletUpdate::ReportFailed { .. }
        | DropletUpdate::ReportDeleted => true,
        DropletUpdate::Rename { .. }
        | DropletUpdate::Tag { .. }
        | DropletUpdate::Untag { .. }
        | DropletUpdate::Protect
        | DropletUpdate::Unprotect => false,
    };
    let platforms = droplet.provisioner() == Some(Provisioner::Platform);
    if source == RequestSource::Api && reports && platforms {
        return Err(Rejected {
            code: "DROPLET_RUN_BY_PLATFORM".into(),
            field: None,
            message:
                "the platform provisions this droplet and reports on it itself: report only on \
                      droplets of the provisioner AGENT"
                    .to_owned(),
        });
    }
    Ok(())
}
