//! The GraphQL core: the parts that the fields of all features share, and the code that executes them.
//!
//! The core knows resources only by their registry (`registry.rs`). It must never name a resource, nor use
//! a socket.

pub mod error;
pub mod execution;
pub mod readiness;
pub mod request;
pub mod services;

pub(crate) mod batch;
pub(crate) mod codes;
pub(crate) mod connection;
pub(crate) mod consistency;
pub(crate) mod field_order;
pub(crate) mod filter;
pub(crate) mod following;
pub(crate) mod global_id;
pub(crate) mod guard;
pub(crate) mod idempotency;
pub(crate) mod input;
pub(crate) mod money;
pub(crate) mod mutation;
pub(crate) mod operation;
pub(crate) mod order;
pub(crate) mod payload;
pub(crate) mod resource;
pub(crate) mod resource_list;
pub(crate) mod resource_type;
pub(crate) mod scalars;
