//! Wakes those who wait for new events. A lost hint costs a bounded delay, never an event: whoever
//! wakes looks at the database, and a hint says only that looking is worth it. So it is with listening
//! itself: everybody who may log in to Postgres may announce anything, and whoever hears that the log grew
//! looks where it ends.
//!
//! Who works anyway looks by itself every [`POLL`] too. Who only waits, such as the reader for
//! subscribers, need not, because the hint [`Hint::Sequenced`] of another process is lost in no other
//! way than these, and each is found out:
//!
//! - The listening connection breaks: a new one listens first, and then looks once where the log ends.
//! - It breaks without anybody noticing, or nobody announces any more: announcers repeat themselves
//!   every [`HEARTBEAT`], and who hears nothing for [`SILENCE`] takes the connection for broken.
//! - The sequencer's process ends between its commit and the announcement, or cannot send it: whoever
//!   announces, also one that only stands by, tells where the log ends by Postgres, not by itself.
//!
//! So a hint is late by [`SILENCE`] and a new connection at most, which waits for no answer longer than
//! [`ANSWER`], and idle processes that wait send nothing.

use std::time::Duration;

mod announce;
mod hint;
mod listen;
mod signal;

pub use self::announce::{announce, tell_applied};
pub use self::hint::Hint;
pub use self::listen::listen;
pub use self::signal::{Signal, Wake};

/// How long a waiter sleeps at most when hints come from other processes and may be lost.
pub const POLL: Duration = Duration::from_secs(1);

/// How often the log's end is announced again when it did not change.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// After how long without any announcement of the log's end its listening connection counts as broken.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long Postgres may take to answer what is asked for the sake of a hint, before its connection counts
/// as broken.
pub const ANSWER: Duration = Duration::from_secs(5);

/// The patience of a waiter to whom every hint comes, sooner or later: of this process, or by
/// [`listen`].
pub const UNTIL_HINTED: Duration = Duration::MAX;
