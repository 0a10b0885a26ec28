//! The only path that writes events.
//!
//! A command is carried out by [`Commands`](execute::Commands): the streams it concerns are loaded
//! and folded, the rules of `domain` decide, and everything that follows (events of all streams,
//! names taken and given back, the idempotency key) is appended at once or not at all. A command
//! that lost a race is decided again on the state as it then is, a bounded number of times.
//!
//! What it promises:
//! - a [`Receipt`](receipt::Receipt) means that the events are committed, durably;
//! - a refusal was decided on the state as it is stored, never on a remembered one only;
//! - a command sent again under its idempotency key has one effect and one receipt;
//! - streams of another organization look as if they did not exist.
//!
//! It must never write an event by another way than the event store's append, hold a rule that one
//! aggregate could hold alone, or read a clock: time and ids arrive with the
//! [`Context`](context::Context). Only [`process`], which acts on its own, reads the clock.

pub mod context;
pub mod error;
pub mod receipt;
pub mod token;

pub mod cluster;
pub mod droplet;
pub mod execute;
pub mod job;

pub mod process;

mod any_state;
mod cache;
mod decision;
mod request;
mod stream_locks;
mod streams;
