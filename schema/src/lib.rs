//! The contracts of the platform as files: SQL migrations and the GraphQL SDL.
//!
//! What others depend on is text that can be reviewed in one place. The only behaviour here is to bring a
//! database to the program's version.

pub mod migrate;
