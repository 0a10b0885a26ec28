//! The only path that writes events.
//!
//! [`Commands`](execute::Commands) carries out a command. It loads and folds the streams that the command
//! concerns, and the rules of `domain` decide. All that follows (events of all streams, names taken and
//! released, the idempotency key) is appended at once or not at all. After a conflict the command is
//! decided again on the newer state, a bounded number of times.
//!
//! The crate promises:
//! - a [`Receipt`](receipt::Receipt) means that the events are committed, durably;
//! - a rejection was decided on the state as it is stored, never on a cached one only;
//! - a command sent again under its idempotency key has one effect and one receipt;
//! - streams of another organization look as if they did not exist.
//!
//! The crate must never write an event by another way than the event store's append. It must never hold a
//! rule that one aggregate could hold alone. It must never read a clock: time and ids arrive with the
//! [`Context`](context::Context). Only [`process`], which acts on its own, reads the clock.

pub mod context;
pub mod error;
pub mod receipt;
pub mod token;

pub mod cluster;
pub mod droplet;
pub mod execute;
pub mod job;
pub mod replay;

pub mod process;

mod answer;
mod any_state;
mod cache;
mod decision;
mod floods;
mod record;
mod request;
mod stream_locks;
mod streams;
mod use_case;
