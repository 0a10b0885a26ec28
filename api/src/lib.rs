//! The GraphQL API: types, roots, authorization, and the transports that carry them.
//!
//! The crate promises that every field names the right that it needs, and that an organization sees only
//! its own data. The crate also promises that every error has a code of a closed set. It must never hold
//! SQL or a business rule: it translates between GraphQL, the commands and the read models.
//!
//! The modules are layers: each imports only modules that are declared above it here, and a test of the
//! program enforces that.

mod registry;

pub mod identity;

pub mod graph;

pub mod admission;

pub mod pipeline;

mod catalogue;
mod history;
mod recorded_command;

mod cluster;
mod droplet;
mod job;

mod activity;
mod counts;
mod projection;

mod platform;
mod viewer;

pub mod schema;

pub mod transport;
