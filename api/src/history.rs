//! The history: every event, as it was recorded and as it happens.

mod event;
mod filter;
mod queries;
mod subscriptions;

pub(crate) use event::Event;
pub(crate) use queries::HistoryQueries;
pub(crate) use subscriptions::HistorySubscriptions;
