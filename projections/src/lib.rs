//! Read models: the data of queries, subscriptions and analysts, made from recorded events and nothing
//! else.
//!
//! Guarantees, and the modules that give them:
//! - each read model is one folder with its row, a pure fold and its queries, and one line in
//!   [`registry`]. Loading, storing, comparing and rebuilding are the same for all ([`model`]);
//! - rows and checkpoint commit together (`event_store::consume::consumer`). Replaying from zero in
//!   batches of any size gives the same rows, byte for byte. The reason is that rows hold nothing that
//!   depends on when or how a consumer ran;
//! - an event that cannot have come next ([`fold::UnexpectedEvent`]) parks its stream in that model,
//!   visibly, and nothing else stops;
//! - clients read through [`reader::Reader`] only, as a role that row-level security binds to one
//!   organization, in keyset pages that are stable under inserts ([`page`]);
//! - subscriptions lose nothing and repeat nothing ([`changes`]);
//! - clients can wait until they read what they wrote ([`consistency`]).
//!
//! A read model must never write events, decide rules, read a clock or depend on another model's tables:
//! models advance independently.
//!
//! To add a read model, write its folder with `row.rs`, `fold.rs`, `query.rs`, `tables.sql` and its
//! views (`read_v1.sql`). Declare these ([`model::Model`]), and add a line to [`registry`]. No migration
//! is needed: `clustergenie migrate` makes its tables. Then write its folder in `api`.
//!
//! To change the rows, the tables or the views of a model, change these files and raise the model's
//! version. Tables of a new generation are then filled from the log beside those that serve. They take
//! their place when they are complete ([`rebuild`]). Clients' views keep their columns meanwhile and
//! after.

pub mod fold;
pub mod model;

pub mod activity;
pub mod clusters;
pub mod counts;
pub mod droplets;
pub mod jobs;

pub mod registry;
pub mod tables;

mod places;
mod shard_batches;

pub mod columns;
pub mod list;
pub mod page;
pub mod reader;

pub mod history;
pub mod live_state;
pub mod operations;
pub mod recorded_commands;
pub mod status;

pub mod changes;
pub mod consistency;

pub mod compare;
pub mod rebuild;

pub mod kafka;

#[cfg(test)]
mod testing;

pub use self::registry::{all, consumers};
