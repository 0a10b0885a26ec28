//! Process managers: they react to events with commands.
//!
//! Each is a to-do list that a consumer of events keeps, and workers who take things off it. All of
//! a worker's commands have ids and idempotency keys that follow from the event it reacts to, so
//! that doing a thing again, after a crash or beside a slow other worker, has one effect.

pub mod job_runner;
pub mod registry;
