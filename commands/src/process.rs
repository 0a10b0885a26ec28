//! Process managers: they react to events with commands.
//!
//! Each process manager is a to-do list that a consumer of events keeps, and workers who take items off the
//! list. All commands of a worker have ids and idempotency keys that follow from the event it reacts to. So
//! a repeated step has one effect, after a crash or beside a slow other worker.

pub mod job_runner;
pub mod registry;
