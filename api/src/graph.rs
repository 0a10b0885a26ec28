//! The GraphQL core: the parts that the fields of all features share, and the code that executes them.
//!
//! The core knows resources only by their registry (`registry.rs`). It must never name a resource, nor use
//! a socket.

pub mod answer;
pub mod error;
pub mod execute;
pub mod guard;
pub mod readiness;
pub mod request;
pub mod resource;
pub mod services;
pub mod user_error_code;

pub(crate) mod collect;
pub(crate) mod connection;
pub(crate) mod consistency;
pub(crate) mod denial;
pub(crate) mod event_type;
pub(crate) mod filter;
pub(crate) mod following;
pub(crate) mod global_id;
pub(crate) mod idempotency;
pub(crate) mod input;
pub(crate) mod money;
pub(crate) mod mutation;
pub(crate) mod node;
pub(crate) mod order;
pub(crate) mod payload;
pub(crate) mod points;
pub(crate) mod request_source;
pub(crate) mod resource_list;
pub(crate) mod resource_type;
pub(crate) mod scalars;
pub(crate) mod snapshot;
pub(crate) mod status_count;
