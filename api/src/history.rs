//! The history: queries of all recorded events, and subscriptions to new ones.

pub(crate) mod change;
pub(crate) mod queries;
pub(crate) mod subscriptions;

mod event;
mod filter;

pub(crate) use event::Event;
