//! Given past events, when a command comes, then exactly these events, or this rejection.
//!
//! Tests of rules are written in these words and never look at inner state, so that the state can
//! change its form without them.

use std::fmt::Debug;

use crate::decider::{Decider, fold};

/// The past of an aggregate.
#[derive(Debug)]
pub struct Given<D: Decider> {
    events: Vec<D::Event>,
}

/// What came of a command.
#[derive(Debug)]
pub struct Outcome<D: Decider> {
    given: Vec<D::Event>,
    command: D::Command,
    decision: Result<Vec<D::Event>, D::Rejection>,
}

/// Begins a test with what happened so far, from the first event on.
pub fn given<D: Decider>(events: impl IntoIterator<Item: Into<D::Event>>) -> Given<D> {
    Given {
        events: events.into_iter().map(Into::into).collect(),
    }
}

impl<D: Decider> Given<D> {
    /// Decides on the command in the state that the past led to.
    #[must_use]
    pub fn when(self, command: D::Command) -> Outcome<D> {
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
