//! The plan of a job of the platform: the next step, as a function of the stored states and of nothing
//! else.
//!
//! The report on the droplet precedes the end of its job. So a job that has ended proves that there is
//! nothing left to do, wherever the previous worker stopped.

use domain::droplet::Droplet;
use domain::job::Job;

/// The kind of work of a job.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work<'a> {
    /// Making the droplet's machine.
    Provision(&'a Droplet),
    /// Removing the droplet's machine.
    Deprovision(&'a Droplet, Provisioning),
    /// Any other work: steps that do nothing.
    Other,
}

/// The state of provisioning: `GoesOn` while the droplet's machine may still be being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provisioning {
    GoesOn,
    Ended,
}

/// The result of a job in the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Success,
    Failure,
}

/// A step of a job: one command, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Starts the job.
    Start,
    /// Works for a while, and reports the progress of the job.
    Progress(Stage),
    /// Reports the droplet active, with the addresses of its machine.
    ReportActive,
    /// Reports that the machine could not be made.
    ReportFailed(&'static str),
    /// Reports that the machine is removed.
    ReportDeleted,
    /// Ends the job as succeeded.
    Succeed,
    /// Ends the job as failed.
    Fail(&'static str),
    /// Ends the job as cancelled, because nobody wants it any more.
    Cancel(&'static str),
    /// No step now: another job has to end first.
    Wait,
    /// No step any more.
    Finished,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) percent: u8,
    pub(super) message: &'static str,
}

/// The stage, in percent, after which a job that is to fail does so.
const FAILS_AFTER: u8 = 30;

const PROVISIONING: [Stage; 4] = stages(["placed", "creating", "booting", "ready"]);
const DEPROVISIONING: [Stage; 4] = stages(["draining", "stopping", "removing", "removed"]);
const WORKING: [Stage; 4] = stages(["preparing", "working", "finishing", "done"]);

const NO_CAPACITY: &str = "the simulated provider had no capacity left";
const SIMULATED: &str = "the simulated work failed";

/// Returns the next step.
pub(super) fn next(work: Work<'_>, job: &Job, fate: Fate) -> Step {
    let reached = match job {
        Job::Submitted { .. } => None,
        Job::Running { percent, .. } => Some(*percent),
        Job::Absent | Job::Succeeded | Job::Failed | Job::Cancelled => return Step::Finished,
    };
    match work {
        Work::Provision(droplet) => provision(droplet, reached, fate),
        Work::Deprovision(droplet, provisioning) => deprovision(droplet, provisioning, reached),
        Work::Other => match fate {
            Fate::Failure if reached >= Some(FAILS_AFTER) => Step::Fail(SIMULATED),
            Fate::Failure | Fate::Success => stage(&WORKING, reached, Step::Succeed),
        },
    }
}

fn provision(droplet: &Droplet, reached: Option<u8>, fate: Fate) -> Step {
    match droplet {
        Droplet::Requested { .. } => match fate {
            Fate::Failure if reached >= Some(FAILS_AFTER) => Step::ReportFailed(NO_CAPACITY),
            Fate::Failure | Fate::Success => stage(&PROVISIONING, reached, Step::ReportActive),
        },
        Droplet::Active { .. } => once_started(reached, Step::Succeed),
        Droplet::Failed => once_started(reached, Step::Fail(NO_CAPACITY)),
        Droplet::Deleting { .. } | Droplet::Deleted => Step::Cancel("the droplet is being deleted"),
        Droplet::Absent => Step::Cancel("there is no such droplet"),
    }
}

fn deprovision(droplet: &Droplet, provisioning: Provisioning, reached: Option<u8>) -> Step {
    match droplet {
        Droplet::Deleting { .. } => match provisioning {
            // The provisioning job notices the deletion at its next step, and ends; then this job
            // continues.
            Provisioning::GoesOn => Step::Wait,
            Provisioning::Ended => stage(&DEPROVISIONING, reached, Step::ReportDeleted),
        },
        Droplet::Deleted => once_started(reached, Step::Succeed),
        Droplet::Absent | Droplet::Requested { .. } | Droplet::Active { .. } | Droplet::Failed => {
            Step::Cancel("nobody asked for the droplet's deletion")
        }
    }
}

/// Returns the first stage that was not reached yet, or `then` after the last one.
fn stage(stages: &[Stage], reached: Option<u8>, then: Step) -> Step {
    let Some(reached) = reached else {
        return Step::Start;
    };
    let next = stages.iter().find(|stage| stage.percent > reached);
    next.map_or(then, |stage| Step::Progress(*stage))
}

fn once_started(reached: Option<u8>, step: Step) -> Step {
    if reached.is_some() { step } else { Step::Start }
}

const fn stages(messages: [&'static str; 4]) -> [Stage; 4] {
    let [first, second, third, last] = messages;
    [
        Stage {
            percent: 10,
            message: first,
        },
        Stage {
            percent: 30,
            message: second,
        },
        Stage {
            percent: 75,
            message: third,
        },
        Stage {
            percent: 100,
            message: last,
        },
    ]
}

#[cfg(test)]
mod tests;
