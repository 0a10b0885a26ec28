//! Signals that there is work: within a process, and as hints to other processes.
//!
//! A hint only says that a read of the database is worthwhile. So a lost hint costs a bounded delay and
//! never an event, and a false hint costs a read. Any role that may log in to Postgres can announce
//! anything. So a listener that hears of a longer log reads the head.
//!
//! A task that works in any case also polls every [`POLL`]. A task that only waits, such as the reader for
//! subscribers, need not. The hint [`Hint::Sequenced`] of another process can be lost in these ways only,
//! and each is noticed:
//!
//! - The listening connection breaks. The next one listens first, and then reads the head once.
//! - The connection breaks without an error, or no process announces any more. Announcers repeat the head
//!   every [`HEARTBEAT`], and a listener that hears nothing for [`SILENCE`] connects again.
//! - The sequencer's process ends between its commit and the announcement, or cannot send it. Every
//!   announcer, also one on standby, lets Postgres fill in the head.
//!
//! So a hint is late by at most [`SILENCE`] and the time of a new connection, which waits for an answer no
//! longer than [`ANSWER`]. A process that only waits sends nothing.

use std::time::Duration;

mod announce;
mod hint;
mod listen;
mod signal;

pub use self::announce::{announce, tell_applied};
pub use self::hint::Hint;
pub use self::listen::listen;
pub use self::signal::{Signal, Wake};

/// The poll interval of a task whose hints come from other processes and may be lost.
pub const POLL: Duration = Duration::from_secs(1);

/// The interval at which an unchanged head of the log is announced again.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// The time without an announcement of the head after which a listener connects again.
pub const SILENCE: Duration = Duration::from_secs(30);

/// The timeout of statements that announce a hint or look up the head because of one.
pub const ANSWER: Duration = Duration::from_secs(5);

/// The timeout of a task that gets every hint sooner or later, from its own process or by [`listen`]: it
/// never polls.
pub const UNTIL_HINTED: Duration = Duration::MAX;
