//! Commands on a real Postgres.

#![allow(
    clippy::disallowed_methods,
    reason = "tests are an edge: time and ids enter here"
)]

mod cluster_capacity;
mod clusters;
mod idempotency;
mod job_runner;
mod jobs;
mod names;
mod organizations;
mod ownership;
mod races;
mod recorded;
mod restored;
mod snapshots;
mod stale;
mod support;
mod todo_list;
