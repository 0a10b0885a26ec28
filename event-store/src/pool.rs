//! Connections to Postgres and their settings.

mod connection_string;
pub mod renewal;

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::timeout;

/// The timeout of a caller that waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of the attempt before a pool is opened.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// The idle time up to which a connection is used without a check. After a restart of Postgres, a
/// connection that was idle for longer is checked before it gets a statement.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The purpose of a pool. `pg_stat_activity` shows it, and it sets the limits of the pool's statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Appends and loads of streams.
    Commands,
    /// Sequencing and publishing.
    Relay,
    /// Projections and process managers.
    Consumers,
    /// Queries of clients. Each statement ends within 5 s, and runs as the role that row-level security
    /// binds.
    Queries,
    /// Reads of an organization's log for its subscribers. Each statement ends within 10 s, and runs as the role that
    /// row-level security binds.
    Subscriptions,
    /// Reads of the whole log for all subscribers of a process together, which cannot write. Each statement ends within
    /// 10 s.
    Tail,
    /// The state of the platform: the progress of consumers, requests that wait for it, and operations.
    Platform,
    /// Probes of the database, which write nothing.
    Probes,
    /// Operators' commands, without limits.
    Operators,
    /// Audits, which cannot write: every transaction is read-only.
    Audit,
    /// Migrations, as the login itself: the only purpose that may alter tables of the schema `es`.
    Maintenance,
}

/// The role that processes act as, whatever login they have. It sees all organizations, and owns no table of `es`.
const SERVICE: (&str, &str) = ("role", "clustergenie_service");

/// The role of reads for one organization. It sees the organization in the setting `clustergenie.org`.
const READER: (&str, &str) = ("role", "clustergenie_reader");

/// Makes commits wait for the disk where the server's setting would not. What is acknowledged must survive a crash,
/// and other processes, Kafka included, must not hold what the database lost. Stricter settings stay.
const COMMIT_DURABLY: &str = "select set_config('synchronous_commit', 'on', false) \
    where current_setting('synchronous_commit') = 'off'";

impl Purpose {
    /// Returns true if connections of this purpose write.
    fn writes(self) -> bool {
        match self {
            Self::Commands
            | Self::Relay
            | Self::Consumers
            | Self::Platform
            | Self::Operators
            | Self::Maintenance => true,
            Self::Queries | Self::Subscriptions | Self::Tail | Self::Probes | Self::Audit => false,
        }
    }

    fn application_name(self) -> &'static str {
        match self {
            Self::Commands => "clustergenie commands",
            Self::Relay => "clustergenie relay",
            Self::Consumers => "clustergenie consumers",
            Self::Queries => "clustergenie queries",
            Self::Subscriptions => "clustergenie subscriptions",
            Self::Tail => "clustergenie tail",
            Self::Platform => "clustergenie platform",
            Self::Probes => "clustergenie probes",
            Self::Operators => "clustergenie operators",
            Self::Audit => "clustergenie audit",
            Self::Maintenance => "clustergenie maintenance",
        }
    }

    /// Returns the settings of a connection. An idle transaction belongs to a dead process that still holds
    /// locks, so Postgres ends it.
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // Planning the append takes several times as long as executing it for one command. So its plan is kept.
            // It may be made while the tables are empty, and must still fit when they are not: everything that a
            // command touches is found by a key.
            Self::Commands => &[
                SERVICE,
                ("idle_in_transaction_session_timeout", "30s"),
                ("statement_timeout", "30s"),
                // One statement appends for all organizations. It must not wait for a lock that somebody holds
                // much longer than a commit takes.
                ("lock_timeout", "250ms"),
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                // They would read the whole index of a table that is small when the plan is made.
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
            ],
            // What is read is found by a key, and read in the order of an index.
            Self::Subscriptions => &[
                READER,
                ("default_transaction_read_only", "on"),
                ("statement_timeout", "10s"),
                ("enable_seqscan", "off"),
                ("jit", "off"),
            ],
            Self::Tail => &[
                SERVICE,
                ("default_transaction_read_only", "on"),
                ("statement_timeout", "10s"),
                ("enable_seqscan", "off"),
                ("jit", "off"),
            ],
            Self::Platform => &[
                SERVICE,
                ("idle_in_transaction_session_timeout", "30s"),
                ("statement_timeout", "30s"),
                ("lock_timeout", "250ms"),
                ("jit", "off"),
            ],
            // Shorter than a check of readiness, so that the next check finds the connection free. Not read-only of
            // itself: a server that an administrator has set so would not be noticed.
            Self::Probes => &[SERVICE, ("statement_timeout", "4s"), ("jit", "off")],
            Self::Relay | Self::Consumers => &[
                SERVICE,
                ("idle_in_transaction_session_timeout", "30s"),
                ("statement_timeout", "30s"),
                // Statements are small, and estimates of young tables are bad. The start of a parallel worker takes
                // longer than the read of a page.
                ("jit", "off"),
                ("max_parallel_workers_per_gather", "0"),
            ],
            // Everything of an organization is found, and lists are read in their order, by an index. A plan that
            // is kept must not read the rows of others for that, whatever it was made for.
            Self::Queries => &[
                READER,
                ("statement_timeout", "5s"),
                ("enable_seqscan", "off"),
                ("enable_sort", "off"),
                ("jit", "off"),
            ],
            Self::Operators => &[SERVICE],
            // With the owner's rights. Other roles may create schemas, also one that is named like the owner, and a
            // function there would be called instead of one of Postgres whose parameters match less exactly.
            Self::Maintenance => &[("search_path", "pg_catalog,pg_temp")],
            // A page takes a fraction of a second; one that never ends would hold back the vacuum.
            Self::Audit => &[
                SERVICE,
                ("default_transaction_read_only", "on"),
                ("statement_timeout", "5min"),
                ("jit", "off"),
            ],
        }
    }
}

/// Opens a pool. Connects at least once, so that a wrong URL is noticed here.
///
/// # Errors
/// When the URL is malformed, Postgres does not answer, or the login may not act as the role of the purpose.
pub async fn connect(url: &str, purpose: Purpose, connections: u32) -> Result<PgPool, sqlx::Error> {
    let mut options = connection_string::options(url)?
        .application_name(purpose.application_name())
        .options(purpose.settings().iter().copied());
    if matches!(
        purpose,
        Purpose::Operators | Purpose::Maintenance | Purpose::Audit
    ) {
        // Slow statements are expected for these purposes, and need no warning.
        options = options.disable_statement_logging();
    }
    // The pool repeats whatever fails until its timeout, and then does not tell what it was.
    let attempted = match timeout(ATTEMPT_TIMEOUT, attempt(&options, purpose)).await {
        Ok(Err(error @ sqlx::Error::Configuration(_))) => return Err(error),
        Ok(attempted) => attempted.err(),
        Err(_) => None,
    };
    let connected = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A check of every connection before its use costs a round trip; one that was just used needs none.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if purpose.writes() {
                    connection.execute(COMMIT_DURABLY).await?;
                }
                prove(connection, purpose).await
            })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                let opened = Instant::now().checked_sub(meta.age);
                if !opened.is_some_and(renewal::is_current) {
                    return Ok(false);
                }
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await;
    connected.map_err(|error| match error {
        sqlx::Error::PoolTimedOut => attempted.unwrap_or(error),
        error => error,
    })
}

/// Checks that Postgres knows the settings of the connection. A pooler can drop them without an error: then statements
/// would run with the rights of the login, and nothing would end one.
async fn prove(connection: &mut PgConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let (names, values): (Vec<_>, Vec<_>) = purpose.settings().iter().copied().unzip();
    let missing: Option<String> = sqlx::query_scalar(
        "select string_agg(name, ', ') from unnest($1::text[], $2::text[]) as wanted(name, value) \
         where current_setting(name) is distinct from value",
    )
    .bind(names)
    .bind(values)
    .fetch_one(connection)
    .await?;
    match missing {
        None => Ok(()),
        Some(missing) => Err(sqlx::Error::Configuration(
            format!(
                "the connection does not have its settings ({missing}): a pooler, such as PgBouncer with \
                 `ignore_startup_parameters`, drops them; connect to Postgres itself"
            )
            .into(),
        )),
    }
}

/// Refuses a server that cannot be written.
async fn refuse_read_only(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_read_only: bool = sqlx::query_scalar(renewal::IS_READ_ONLY)
        .fetch_one(connection)
        .await?;
    if is_read_only {
        let message = "the server is read-only: it is a standby, or somebody has set \
                       default_transaction_read_only; connect to the primary";
        return Err(sqlx::Error::Configuration(message.into()));
    }
    Ok(())
}

/// Connects once, and checks the connection.
async fn attempt(options: &PgConnectOptions, purpose: Purpose) -> Result<(), sqlx::Error> {
    let connected = options.connect().await;
    let mut connection = connected.map_err(|error| of_role(error, purpose))?;
    let mut proved = prove(&mut connection, purpose).await;
    if proved.is_ok() && purpose.writes() {
        proved = refuse_read_only(&mut connection).await;
    }
    // Nothing is lost if it is not closed in order.
    let _ = connection.close().await;
    proved
}

/// Tells what to do about a login that may not act as the role of the purpose.
fn of_role(error: sqlx::Error, purpose: Purpose) -> sqlx::Error {
    let role = purpose.settings().iter().find(|(name, _)| *name == "role");
    let Some((_, role)) = role else {
        return error;
    };
    let code = error.as_database_error().and_then(|refused| refused.code());
    let message = match code.as_deref() {
        // insufficient_privilege; also a database that does not take the login.
        Some("42501") if error.to_string().contains(role) => format!(
            "the login may not act as the role {role}: let the role that migrates, or a superuser, run `grant {role} \
             to LOGIN`"
        ),
        // invalid_parameter_value
        Some("22023") if error.to_string().contains(role) => {
            format!("the server has no role {role}: run `clustergenie migrate` first")
        }
        _ => return error,
    };
    sqlx::Error::Configuration(message.into())
}

/// Begins a transaction. Use this function in place of `PgPool::begin`, whose caller may be cancelled while
/// it waits. The driver then leaves the connection inside a transaction that nobody knows of. Statements
/// that others run on the connection later are never committed. Here the beginning is always awaited, and a
/// transaction of a cancelled caller is rolled back.
///
/// # Errors
/// When Postgres does not answer.
#[expect(
    clippy::disallowed_methods,
    reason = "it ends as soon as Postgres answers, and must outlive whoever asked"
)]
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await });
    begun
        .await
        .unwrap_or_else(|ended| Err(sqlx::Error::Protocol(ended.to_string())))
}
