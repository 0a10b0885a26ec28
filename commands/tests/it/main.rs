//! Commands on a real Postgres.

#![allow(
    clippy::disallowed_methods,
    reason = "tests are an edge: time and ids enter here"
)]

mod idempotency;
mod jobs;
mod names;
mod organizations;
mod ownership;
mod platform;
mod races;
mod snapshots;
mod stale;
mod support;
