//! Renewal of connections after a failover.
//!
//! A server that was demoted keeps its connections: reads on them show old state, and writes fail. New
//! connections reach the primary, by the proxy or the name in the URL. So when a server is found to be
//! read-only, this process uses no connection any more that was opened before. All pools of the process are
//! concerned, and connections that left their pool.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The least time between two renewals. While there is no primary, connections are opened again at most that
/// often.
const INTERVAL: Duration = Duration::from_secs(5);

/// The SQLSTATEs of a server that is read-only: of any write, and of a statement that demands an incarnation of the log.
const READ_ONLY: [&str; 2] = ["25006", "CG002"];

/// The statement that returns true on a standby, also one that was the primary, and while an administrator has
/// writes refused. Settings of the session itself do not count: some purposes never write.
pub const IS_READ_ONLY: &str = "select pg_is_in_recovery() or coalesce( \
    (select setting = 'on' and source not in ('client', 'session') from pg_settings \
     where name = 'default_transaction_read_only'), false)";

/// The time before which no connection may have been opened.
static RENEWED: Mutex<Option<Instant>> = Mutex::new(None);

/// Makes this process give up all of its connections, each before its next use, because one of them leads to a
/// server that is read-only. Does nothing within a few seconds of the last renewal.
pub fn renew() {
    let mut renewed = RENEWED.lock().unwrap_or_else(PoisonError::into_inner);
    if renewed.is_none_or(|last| last.elapsed() >= INTERVAL) {
        tracing::warn!(
            "the database is read-only: connections are opened again, to find the primary"
        );
        *renewed = Some(Instant::now());
    }
}

/// Makes this process give up all connections that it opened before now, because a server is writable again.
/// Some of them may still lead to another one.
pub fn renew_at_primary() {
    tracing::info!("the database takes writes again");
    *RENEWED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Returns true if a connection that was opened at this time may still be used.
#[must_use]
pub fn is_current(opened: Instant) -> bool {
    let renewed = RENEWED.lock().unwrap_or_else(PoisonError::into_inner);
    renewed.is_none_or(|renewed| opened >= renewed)
}

/// Renews the connections if an error says that the server is read-only.
pub(crate) fn heed(error: &sqlx::Error) {
    let code = error.as_database_error().and_then(|error| error.code());
    if code.is_some_and(|code| READ_ONLY.contains(&&*code)) {
        renew();
    }
}
