//! graphql-transport-ws: every rule and every close code, over real sockets.

mod client;
mod connection;
mod opening;
mod operations;
