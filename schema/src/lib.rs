//! The contracts of the platform as files: SQL migrations and the GraphQL SDL.
//!
//! The contracts are text that can be reviewed in one place. The only behaviour of this crate is to bring a
//! database to the program's version.

mod bookkeeping;
mod error;
pub mod migrate;
mod rights;
mod role;
