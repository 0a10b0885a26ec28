//! What this crate knows of an aggregate beyond its rules.

use domain::droplet::Droplet;
use domain::job::Job;

/// An aggregate that commands can be sent to.
pub(crate) trait Aggregate: domain::aggregate::Aggregate {
    /// The state as one of all aggregates' states.
    fn into_state(self) -> State;

    /// The state, if it is one of this aggregate.
    fn of_state(state: &State) -> Option<&Self>;
}

/// The state of any aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Droplet(Droplet),
    Job(Job),
}

impl Aggregate for Droplet {
    fn into_state(self) -> State {
        State::Droplet(self)
    }

    fn of_state(state: &State) -> Option<&Self> {
        match state {
            State::Droplet(droplet) => Some(droplet),
            State::Job(_) => None,
        }
    }
}

impl Aggregate for Job {
    fn into_state(self) -> State {
        State::Job(self)
    }

    fn of_state(state: &State) -> Option<&Self> {
        match state {
            State::Job(job) => Some(job),
            State::Droplet(_) => None,
        }
    }
}
