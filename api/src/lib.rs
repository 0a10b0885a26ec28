//! The GraphQL API: types, roots, authorization.
//!
//! It promises that every field says which right it needs, that an organization sees only its own,
//! and that every error has a code of a closed set. It must never hold SQL or a business rule: it
//! translates between GraphQL, the commands and the read models.

pub mod auth;
pub mod roles;

pub mod error;
pub mod request;
pub mod services;

pub mod consistency;

pub mod schema;

pub mod documents;
pub mod gate;
pub mod limits;
pub mod rate_limit;

pub mod mutation;
pub mod query;
pub mod subscription;

mod droplet_batch;
mod filters;
mod following;
mod paging;
mod types;

mod codes;
mod global_id;
mod idempotency;
mod scalars;

pub mod accept;
pub mod cors;
pub mod execution;
pub mod health;
pub mod http;
pub mod page;
pub mod router;
pub mod server;
pub mod sse;
pub mod unread;
pub mod websocket;

mod edge;
mod field_order;
mod params;
pub mod response;
mod traceparent;
