//! The history: queries of all recorded events, and subscriptions to new ones.

mod event;
mod filter;
mod queries;
mod subscriptions;

pub(crate) use event::Event;
pub(crate) use queries::HistoryQueries;
pub(crate) use subscriptions::HistorySubscriptions;
