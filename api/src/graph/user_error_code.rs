//! The GraphQL enum `UserErrorCode`: the rules by which mutations are rejected.

use std::borrow::Cow;

use crate::graph::error::{self, Code, failure};
use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::types::Types;
use crate::graph::execute::writer::{Failed, Writer};

/// The code of a rule, which is one of [`CODES`]: a test finds all codes in the sources.
pub(crate) struct UserErrorCode(pub(crate) &'static str);

/// Returns the code of a rule by its name. A refusal is kept with its idempotency key, so its code can be one that only
/// another version of the program knows.
///
/// # Errors
/// When the code is unknown here.
pub(crate) fn known(name: &str) -> error::Result<&'static str> {
    let mut codes = CODES.iter().map(|(code, _)| *code);
    codes.find(|code| *code == name).ok_or_else(|| {
        let message = format!(
            "another version of the platform refused this command, by the rule {name}: read what you want to change, \
             and send the command with another key"
        );
        failure(Code::Unavailable, message)
    })
}

/// All codes, with their meanings.
pub const CODES: [(&str, &str); 53] = [
    (
        "INVALID_ID",
        "The id is not one of a droplet, a job or a cluster, as the mutation needs.",
    ),
    (
        "INVALID_VALUE",
        "A name, slug, tag, kind, cluster, address, worker, number or reason has the wrong form.",
    ),
    (
        "INVALID_IDEMPOTENCY_KEY",
        "The key does not have 1 to 255 printable characters.",
    ),
    (
        "OCCURRED_AT_FORBIDDEN",
        "Only agents may set the time when something happened.",
    ),
    (
        "OCCURRED_AT_IN_FUTURE",
        "The time is more than five minutes ahead.",
    ),
    ("OCCURRED_AT_TOO_EARLY", "The time is before 1970."),
    ("TEXT_TOO_LONG", "A text has more than 2,000 characters."),
    ("NUL_CHARACTER", "A text contains the character U+0000."),
    (
        "JSON_TOO_LARGE",
        "Parameters or a result have more than 16 KiB.",
    ),
    (
        "JSON_TOO_DEEP",
        "Parameters or a result have more than 32 levels.",
    ),
    (
        "RESERVED_NAME",
        "Parameters or a result have a name that begins with `$serde_json::`.",
    ),
    (
        "COMMAND_TOO_LARGE",
        "The command would change more than 64 things at once, or has more data than one event can hold.",
    ),
    (
        "NAME_TAKEN",
        "Another living droplet, or another living cluster, of the organization has the name.",
    ),
    ("UNKNOWN_SIZE", "The catalogue has no such size."),
    ("UNKNOWN_REGION", "The catalogue has no such region."),
    ("UNKNOWN_IMAGE", "The catalogue has no such image."),
    ("SIZE_NOT_IN_REGION", "The region does not offer the size."),
    (
        "IMAGE_TOO_LARGE_FOR_DISK",
        "The image needs a larger disk than the size has.",
    ),
    ("TOO_MANY_TAGS", "A droplet has at most 64 tags."),
    ("TOO_MANY_ADDRESSES", "A droplet has at most 16 addresses."),
    ("DROPLET_NOT_FOUND", "There is no such droplet."),
    (
        "DROPLET_PROTECTED",
        "The droplet is protected from deletion.",
    ),
    (
        "DROPLET_FAILED",
        "The droplet could not be provisioned, and cannot change any more.",
    ),
    (
        "DROPLET_BEING_DELETED",
        "The deletion of the droplet was requested already.",
    ),
    ("DROPLET_DELETED", "The droplet is deleted."),
    (
        "DROPLET_ALREADY_ACTIVE",
        "The droplet was reported active already.",
    ),
    (
        "DROPLET_NOT_BEING_DELETED",
        "The reported deletion was never requested.",
    ),
    (
        "DROPLET_RUN_BY_PLATFORM",
        "The platform reports on this droplet itself.",
    ),
    ("JOB_NOT_FOUND", "There is no such job."),
    ("JOB_FINISHED", "The job has ended already."),
    ("JOB_ALREADY_STARTED", "The job is running already."),
    ("JOB_NOT_RUNNING", "The job was not started yet."),
    (
        "JOB_RUN_BY_PLATFORM",
        "The platform runs this job and reports on it itself.",
    ),
    (
        "RESERVED_JOB_KIND",
        "Only the platform submits jobs of this kind.",
    ),
    (
        "PROVISIONING_NOT_CANCELLABLE",
        "The job belongs to its droplet: delete the droplet instead.",
    ),
    ("INVALID_ATTEMPTS", "A job has 1 to 10 attempts."),
    ("INVALID_PERCENT", "Progress is 0 to 100."),
    ("PROGRESS_WENT_BACK", "Progress never decreases."),
    ("CLUSTER_NOT_FOUND", "There is no such cluster."),
    ("CLUSTER_DELETED", "The cluster is deleted."),
    (
        "CLUSTER_FULL",
        "The cluster has its maximum of live droplets: raise it, or delete a droplet.",
    ),
    (
        "CLUSTER_IN_MAINTENANCE",
        "The cluster takes no droplets while it is in maintenance.",
    ),
    (
        "CLUSTER_NOT_EMPTY",
        "The cluster has live droplets: delete them first.",
    ),
    (
        "CLUSTER_TOO_LARGE",
        "The cluster has more live droplets than the new maximum.",
    ),
    (
        "INVALID_MAXIMUM_NODES",
        "A cluster has a maximum of 1 to 1,000 droplets.",
    ),
    (
        "MINIMUM_ABOVE_MAXIMUM",
        "The minimum of droplets is above the maximum.",
    ),
    (
        "PROJECTION_NOT_FOUND",
        "There is no such read model; the message names the existing ones.",
    ),
    (
        "STREAM_NOT_PARKED",
        "No droplet, job or cluster of the organization with this id is parked there.",
    ),
    (
        "REBUILD_IN_THE_MAKING",
        "The read model is being rebuilt already.",
    ),
    (
        "ADDRESS_REQUIRED",
        "A droplet of the platform was reported active without an address.",
    ),
    ("CLUSTER_ALREADY_EXISTS", "The cluster's id is in use."),
    ("DROPLET_ALREADY_EXISTS", "The droplet's id is in use."),
    ("JOB_ALREADY_EXISTS", "The job's id is in use."),
];

impl Write for UserErrorCode {
    fn write(&self, _: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        out.json(self.0);
        Ok(())
    }
}

impl Output for UserErrorCode {
    fn name() -> Cow<'static, str> {
        "UserErrorCode".into()
    }

    fn describe(types: &mut Types) {
        let description =
            "The rule by which a mutation was rejected. Codes may be added at any time.";
        types.describe_enum("UserErrorCode", description, CODES);
    }
}
