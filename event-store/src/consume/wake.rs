//! Signals that there is work: within a process, and as hints to other processes.
//!
//! A hint only says that a look at the database is worth it. So a lost hint costs a bounded delay and never an
//! event, and a false one costs a look: any role that may log in to Postgres can announce anything, and a
//! listener that hears of a longer log looks up the head.
//!
//! A task that works in any case also looks every [`POLL`]. A task that only waits, such as the reader for
//! subscribers, need not. The hint [`Hint::Sequenced`] of another process can be lost in these ways only, and
//! each is noticed:
//!
//! - The listening connection breaks. The next one listens first, and then looks up the head once.
//! - It breaks without an error, or no process announces any more. Announcers repeat the head every
//!   [`HEARTBEAT`], and a listener that hears nothing for [`SILENCE`] connects again.
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

/// How often the head of the log is announced again when it did not change.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long a listener waits for any announcement of the head before it connects again.
pub const SILENCE: Duration = Duration::from_secs(30);

/// The timeout of statements that announce a hint or look up the head because of one.
pub const ANSWER: Duration = Duration::from_secs(5);

/// The patience of a task that gets every hint sooner or later: from its own process, or by
/// [`listen`].
pub const UNTIL_HINTED: Duration = Duration::MAX;
