//! A test language for rules: given past events, when a command comes, then these events or this rejection.
//!
//! Tests of rules never look at inner state, so that the state can change its form without a change of the
//! tests.

use std::fmt::Debug;

use crate::decider::{Decider, fold};

/// The past of an aggregate.
#[derive(Debug)]
pub struct Given<D: Decider> {
    events: Vec<D::Event>,
}

/// The outcome of a command.
#[derive(Debug)]
pub struct Outcome<D: Decider> {
    given: Vec<D::Event>,
    command: D::Command,
    decision: Result<Vec<D::Event>, D::Rejection>,
}

/// Begins a test with the past events, from the first event on.
#[must_use]
pub fn given<D: Decider>(events: impl IntoIterator<Item: Into<D::Event>>) -> Given<D> {
    Given {
        events: events.into_iter().map(Into::into).collect(),
    }
}

/// Begins a test before the first event.
#[must_use]
pub fn given_nothing<D: Decider>() -> Given<D> {
    Given { events: Vec::new() }
}

impl<D: Decider> Given<D> {
    /// Decides on the command in the state that the past led to.
    #[must_use]
    pub fn when(self, command: impl Into<D::Command>) -> Outcome<D> {
        let command = command.into();
        let decision = fold(D::default(), &self.events).decide(&command);
        Outcome {
            given: self.events,
            command,
            decision,
        }
    }
}

impl<D: Decider> Outcome<D> {
    /// Expects exactly these events, in this order.
    ///
    /// # Panics
    /// When the command had another outcome.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item: Into<D::Event>>) {
        let expected = Ok(events.into_iter().map(Into::into).collect());
        self.expect(&expected);
    }

    /// Expects that the command is accepted and changes nothing.
    ///
    /// # Panics
    /// When the command had another outcome.
    #[track_caller]
    pub fn then_nothing(self) {
        self.expect(&Ok(Vec::new()));
    }

    /// Expects exactly this rejection.
    ///
    /// # Panics
    /// When the command had another outcome.
    #[track_caller]
    pub fn then_rejected(self, rejection: D::Rejection) {
        self.expect(&Err(rejection));
    }

    #[track_caller]
    fn expect(&self, expected: &Result<Vec<D::Event>, D::Rejection>) {
        assert!(
            self.decision == *expected,
            "given{}\nwhen\n    {:?}\nexpected{}\nbut got{}\n",
            lines(&self.given),
            self.command,
            outcome::<D>(expected),
            outcome::<D>(&self.decision),
        );
    }
}

fn outcome<D: Decider>(decision: &Result<Vec<D::Event>, D::Rejection>) -> String {
    match decision {
        Ok(events) => lines(events),
        Err(rejection) => format!("\n    rejected: {rejection:?}"),
    }
}

fn lines<Event: Debug>(events: &[Event]) -> String {
    if events.is_empty() {
        return "\n    no events".to_owned();
    }
    events
        .iter()
        .map(|event| format!("\n    {event:?}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Job, JobCancelled, JobFailed, JobRejection, JobUpdate};

    fn cancel_nothing() -> Outcome<Job> {
        given_nothing::<Job>().when(JobUpdate::Cancel {
            reason: "late".to_owned(),
        })
    }

    #[test]
    fn the_expected_outcome_passes() {
        cancel_nothing().then_rejected(JobRejection::JobNotFound);
    }

    #[test]
    #[should_panic(expected = "expected\n    rejected: JobNotRunning\n\
                               but got\n    rejected: JobNotFound")]
    fn another_rejection_fails_and_shows_both() {
        cancel_nothing().then_rejected(JobRejection::JobNotRunning);
    }

    #[test]
    #[should_panic(expected = "given\n    no events\n\
                               when\n    Update(Cancel { reason: \"late\" })\n\
                               expected\n    Cancelled(JobCancelled { reason: \"late\" })\n    \
                               Failed(JobFailed { error: \"late\" })\n\
                               but got\n    rejected: JobNotFound")]
    fn missing_events_fail_and_are_shown_one_a_line() {
        cancel_nothing().then([
            crate::job::JobEvent::from(JobCancelled {
                reason: "late".to_owned(),
            }),
            JobFailed {
                error: "late".to_owned(),
            }
            .into(),
        ]);
    }

    #[test]
    #[should_panic(expected = "expected\n    no events\nbut got\n    rejected: JobNotFound")]
    fn a_rejection_is_not_nothing() {
        cancel_nothing().then_nothing();
    }
}
