//! Every outward contract of the platform, as files: SQL migrations, the GraphQL SDL, the stored
//! shape of events.
//!
//! This crate promises that what others depend on is reviewable text in one place. It must never
//! hold behaviour beyond bringing a database to the program's version.

pub mod migrate;
