//! The trait of an aggregate: a state, a way to decide and a way to evolve.
//!
//! The trait is deliberately this small. There are no combinators and no boxed closures: an aggregate is an
//! enum, and its rules are `match` expressions without wildcard arms. So a new command, event or state
//! makes the compiler ask for the missing rule.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::DomainEvent;
use crate::stream_type::StreamType;

/// An aggregate: the value is the state, and the default is the state before the first event.
pub trait Decider:
    Clone + Default + Debug + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// The type of the streams that hold this aggregate's events.
    const STREAM_TYPE: StreamType;

    /// The version of the serialised state. Raise it whenever the form of the state changes, so that old
    /// snapshots are not read.
    const STATE_VERSION: i32;

    /// The commands of the aggregate.
    type Command: Debug + Send + Sync;
    /// The events of the aggregate.
    type Event: DomainEvent;
    /// The reasons for which the aggregate may reject a command.
    type Rejection: Rejection;

    /// Returns the events that the command causes in this state, in order. Returns none if the state
    /// already is as the command asks.
    ///
    /// # Errors
    /// The rule that the command breaks. If it breaks several, a rule of the state precedes the rules of
    /// the input, and of those the first is returned.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Returns the state after the event. History is not judged: an event that makes no sense in this state
    /// leaves the state as it is, and nothing panics.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;
}

/// The reason why a command was rejected: the user's fault, and a sentence that says what to do about it.
pub trait Rejection: std::error::Error + Send + Sync + Clone + PartialEq + 'static {
    /// Returns the name of the broken rule, in `SCREAMING_SNAKE_CASE`. Clients match on the code, so it
    /// never changes.
    fn code(&self) -> &'static str;

    /// Returns the GraphQL input field at fault, as a camelCase path. `None` if the rejection is not the
    /// fault of one field.
    fn field(&self) -> Option<&'static str>;
}

/// Returns every state that samples of the events lead to, in any order and number, as JSON.
///
/// # Panics
/// When a state changes by being written as JSON and read back: a snapshot would lose it.
pub(crate) fn reachable<D: Decider>() -> Vec<String> {
    let samples = D::Event::samples();
    let mut states = vec![D::default()];
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        for event in &samples {
            let after = state.clone().evolve(event);
            if !states.contains(&after) {
                states.push(after);
            }
        }
        next += 1;
    }
    let json = |state: &D| {
        let json = serde_json::to_string(state).expect("states are made of JSON's types");
        let read: D = serde_json::from_str(&json).expect("a state that was written is read");
        assert_eq!(read, *state, "a state changes when it is written and read");
        json
    };
    states.iter().map(json).collect()
}

/// The events of an aggregate.
pub type EventOf<D> = <D as Decider>::Event;

/// Returns the state after all the events, in order.
#[must_use]
pub fn fold<'e, D: Decider>(state: D, events: impl IntoIterator<Item = &'e D::Event>) -> D {
    events.into_iter().fold(state, D::evolve)
}
