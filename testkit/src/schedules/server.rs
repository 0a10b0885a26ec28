//! The server as the explorer sees it: connections through a door, and who waits for whom.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};

/// How long an actor may stand still between two steps.
const PATIENCE: Duration = Duration::from_secs(60);

/// After so long a wait for a lock Postgres has looked for a deadlock, and ended it by failing the one that
/// waits: whoever still waits then, waits for somebody who can go on.
const DEADLOCKS_FOUND_MS: i32 = 3;

/// When the explorer first looks whether those who do not answer wait for a lock. Most answer before.
pub(super) const LOOK_AFTER: Duration = Duration::from_millis(2);
/// How often it looks when a busy machine makes it wait longer.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// A database, and how to reach it.
#[derive(Debug)]
pub(super) struct Server {
    options: PgConnectOptions,
    /// The explorer's own connections.
    pub(super) pool: PgPool,
}

impl Server {
    pub(super) fn new(url: &str, pool: PgPool) -> Self {
        let options = PgConnectOptions::from_str(url)
            .expect("a URL of Postgres")
            // The gate must be able to read along.
            .ssl_mode(PgSslMode::Disable)
            .application_name("clustergenie schedules")
            .options([("deadlock_timeout", "1ms"), ("jit", "off")]);
        Self { options, pool }
    }

    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }

    /// A pool of one connection through a door, made when it is first used.
    pub(super) fn pool_through(&self, door: SocketAddr) -> PgPool {
        let options = self.options.clone().host("127.0.0.1").port(door.port());
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options)
    }

    /// Whether every one of the given processes waits for a lock, and has waited long enough not to be
    /// in a deadlock. One look at all locks: so if all of them wait, none of them can wake another.
    pub(super) async fn all_wait(&self, pids: &[i32]) -> bool {
        let waiting: i64 = sqlx::query_scalar(
            "select count(distinct pid) from pg_locks where not granted and pid = any($1) \
             and waitstart < clock_timestamp() - make_interval(secs => $2 / 1000.0)",
        )
        .bind(pids)
        .bind(DEADLOCKS_FOUND_MS)
        .fetch_one(&self.pool)
        .await
        .expect("Postgres answers");
        usize::try_from(waiting).is_ok_and(|waiting| waiting == pids.len())
    }

    /// Stops the statement that a process runs.
    pub(super) async fn cancel(&self, pid: i32) {
        sqlx::query("select pg_cancel_backend($1)")
            .bind(pid)
            .execute(&self.pool)
            .await
            .expect("Postgres answers");
    }
}
