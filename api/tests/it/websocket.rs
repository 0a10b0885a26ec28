//! graphql-transport-ws: every rule and every close code, over real sockets.

pub(crate) mod client;
mod connection;
mod opening;
mod operations;
mod send_budget;
