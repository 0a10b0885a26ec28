//! The rules of droplets, jobs and clusters.
//!
//! Every rule of the platform that needs one aggregate only lives here, as a pure function.
//! [`decide`](decider::Decider::decide) turns a command and a state into events or a rejection.
//! [`evolve`](decider::Decider::evolve) turns a state and an event into the next state.
//!
//! The crate does no I/O, reads no clock and makes no random ids. Times and random values arrive with the
//! command. The crate fails only with a [`Rejection`](decider::Rejection), or with a
//! [`DecodeError`](event::DecodeError) if stored bytes are not an event.
//!
//! The order of the modules is the reading order: the parts of aggregates, then the aggregates, then the
//! values that they are made of.

// A new state, command or event makes the compiler ask for its rule; a wildcard arm would answer.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod decider;
pub mod event;

pub mod aggregate;
pub mod counter;
pub mod registry;
pub mod stream_type;
pub mod unique_name;

pub mod cluster;
pub mod droplet;
pub mod job;

pub mod catalogue;
pub mod ids;
pub mod input;
pub mod money;
pub mod name;
pub mod slug;
pub mod tag;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

mod checked;
#[cfg(test)]
mod decision_table;
