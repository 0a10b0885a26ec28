//! The GraphQL core: what every feature's fields are made of, and what runs them.

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
pub(crate) mod following;
pub(crate) mod global_id;
pub(crate) mod guard;
pub(crate) mod idempotency;
pub(crate) mod operation;
pub(crate) mod scalars;
