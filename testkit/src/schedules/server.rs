//! The Postgres server of the explorer: connections through a proxy, and waits for locks.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};

/// Longest time that an actor may be held between two steps.
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds of a wait after which Postgres has detected a deadlock and failed the waiting statement. A
/// longer wait is for an actor that can continue.
const DEADLOCKS_FOUND_MS: i32 = 3;

/// Delay before the first check for waits. Most statements are answered earlier.
pub(super) const LOOK_AFTER: Duration = Duration::from_millis(2);
/// Poll interval of later checks, on a busy machine.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// A database and its address.
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
            // The gate reads the protocol.
            .ssl_mode(PgSslMode::Disable)
            .application_name("clustergenie schedules")
            .options([("deadlock_timeout", "1ms"), ("jit", "off")]);
        Self { options, pool }
    }

    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }

    /// A pool of one connection through a proxy. The connection is opened at its first use.
    pub(super) fn pool_through(&self, proxy: SocketAddr) -> PgPool {
        let options = self.options.clone().host("127.0.0.1").port(proxy.port());
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options)
    }

    /// True if all of the given backends wait for a lock, long enough not to be in a deadlock. Reads one
    /// snapshot of all locks: if all wait in it, none of them can wake another.
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

    /// Cancels the statement of a backend.
    pub(super) async fn cancel(&self, pid: i32) {
        sqlx::query("select pg_cancel_backend($1)")
            .bind(pid)
            .execute(&self.pool)
            .await
            .expect("Postgres answers");
    }
}
