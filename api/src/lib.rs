//! The GraphQL API: types, roots, authorization, and the transports that carry them.
//!
//! It promises that every field says which right it needs, that an organization sees only its own,
//! and that every error has a code of a closed set. It must never hold SQL or a business rule: it
//! translates between GraphQL, the commands and the read models.

pub mod identity;

pub mod graph;

pub mod admission;

mod droplet_batch;
mod filters;
mod types;

pub mod mutation;
pub mod query;
pub mod subscription;

pub mod schema;

pub mod transport;
