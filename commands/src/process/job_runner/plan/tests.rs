//! The next step in every state of job and droplet.

use domain::decider::fold;
use domain::droplet::DropletEvent;
use domain::event::DomainEvent;
use domain::job::{JobEvent, JobProgressed};

use super::*;

/// Jobs as the columns of the tables have them: submitted, and running at some percentages.
fn jobs() -> [Job; 5] {
    let submitted = job(1);
    let running = [0, 10, 30, 100].map(|percent| {
        let progressed = JobProgressed {
            percent,
            message: None,
        };
        fold(job(2), &[progressed.into()])
    });
    let [none, ten, thirty, hundred] = running;
    [submitted, none, ten, thirty, hundred]
}

/// A job after the first so many of the sample events.
fn job(events: usize) -> Job {
    fold(Job::default(), &JobEvent::samples()[..events])
}

/// A droplet after the sample events of these stored names.
fn droplet(names: &[&str]) -> Droplet {
    let samples = DropletEvent::samples();
    let named = |name: &&str| {
        let sample = samples.iter().find(|sample| sample.event_type() == *name);
        sample.expect("there is such an event").clone()
    };
    let events: Vec<_> = names.iter().map(named).collect();
    fold(Droplet::default(), &events)
}

fn label(step: Step) -> String {
    match step {
        Step::Start => "start".to_owned(),
        Step::Progress(stage) => stage.percent.to_string(),
        Step::ReportActive => "active".to_owned(),
        Step::ReportFailed(_) => "failed".to_owned(),
        Step::ReportDeleted => "deleted".to_owned(),
        Step::Succeed => "succeed".to_owned(),
        Step::Fail(_) => "fail".to_owned(),
        Step::Cancel(_) => "cancel".to_owned(),
        Step::Wait => "wait".to_owned(),
        Step::Finished => "finished".to_owned(),
    }
}

#[track_caller]
fn assert_steps(work: Work<'_>, fate: Fate, expected: &str) {
    let steps = jobs().map(|job| label(next(work, &job, fate)));
    assert_eq!(steps.join(" "), expected, "{work:?}");
}

const REQUESTED: &[&str] = &["droplet_requested"];
const ACTIVE: &[&str] = &["droplet_requested", "droplet_activated"];
const FAILED: &[&str] = &["droplet_requested", "droplet_provisioning_failed"];
const DELETING: &[&str] = &["droplet_requested", "droplet_deletion_requested"];
const DELETED: &[&str] = &[
    "droplet_requested",
    "droplet_deletion_requested",
    "droplet_deleted",
];

#[test]
fn provisioning_goes_on_from_wherever_it_is() {
    for (events, steps) in [
        (&[] as &[&str], "cancel cancel cancel cancel cancel"),
        (REQUESTED, "start 10 30 75 active"),
        (ACTIVE, "start succeed succeed succeed succeed"),
        (FAILED, "start fail fail fail fail"),
        (DELETING, "cancel cancel cancel cancel cancel"),
        (DELETED, "cancel cancel cancel cancel cancel"),
    ] {
        assert_steps(Work::Provision(&droplet(events)), Fate::Success, steps);
    }
    let requested = droplet(REQUESTED);
    assert_steps(
        Work::Provision(&requested),
        Fate::Failure,
        "start 10 30 failed failed",
    );
}

#[test]
fn removal_goes_on_from_wherever_it_is_and_never_fails() {
    for (events, steps) in [
        (&[] as &[&str], "cancel cancel cancel cancel cancel"),
        (REQUESTED, "cancel cancel cancel cancel cancel"),
        (ACTIVE, "cancel cancel cancel cancel cancel"),
        (FAILED, "cancel cancel cancel cancel cancel"),
        (DELETING, "start 10 30 75 deleted"),
        (DELETED, "start succeed succeed succeed succeed"),
    ] {
        for fate in [Fate::Success, Fate::Failure] {
            let droplet = droplet(events);
            assert_steps(
                Work::Deprovision(&droplet, Provisioning::Ended),
                fate,
                steps,
            );
        }
    }
}

#[test]
fn removal_waits_until_nobody_makes_the_machine_any_more() {
    let deleting = droplet(DELETING);
    let work = Work::Deprovision(&deleting, Provisioning::GoesOn);
    assert_steps(work, Fate::Success, "wait wait wait wait wait");
}

#[test]
fn other_work_goes_through_its_stages() {
    assert_steps(Work::Other, Fate::Success, "start 10 30 75 succeed");
    assert_steps(Work::Other, Fate::Failure, "start 10 30 fail fail");
}

#[test]
fn a_job_that_has_ended_is_finished_whatever_the_droplet_is() {
    // Submitted, started and progressed are the first samples; then come the three ends.
    for end in 3..6 {
        let ended = fold(job(2), &JobEvent::samples()[end..=end]);
        for events in [REQUESTED, ACTIVE, FAILED, DELETING, DELETED] {
            let droplet = droplet(events);
            for work in [
                Work::Provision(&droplet),
                Work::Deprovision(&droplet, Provisioning::GoesOn),
                Work::Other,
            ] {
                assert_eq!(next(work, &ended, Fate::Success), Step::Finished);
            }
        }
    }
}
