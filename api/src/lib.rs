//! The GraphQL API: types, roots, authorization.
//!
//! It promises that every field says which right it needs, that an organization sees only its own,
//! and that every error has a code of a closed set. It must never hold SQL or a business rule: it
//! translates between GraphQL, the commands and the read models.

pub mod auth;
pub mod roles;

pub mod error;
pub mod request;

mod codes;
mod global_id;
mod idempotency;
mod scalars;
