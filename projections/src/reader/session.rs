//! A connection for reads of clients, which sees one organization at a time.

use std::time::{Duration, Instant};

use domain::ids::OrgId;
use event_store::pool::renewal;
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool};

use super::statement::Statement;

/// The proof that Postgres binds a connection to organizations, and the process that serves the connection.
/// A pooler between this program and Postgres may have dropped the settings of the connection.
const PROVE: &str = "select pg_backend_pid(), \
     current_user = 'clustergenie_reader' and current_setting('row_security')::boolean";

/// A connection, and the organization that it sees.
#[derive(Debug)]
pub(super) struct Session {
    connection: PgConnection,
    /// The process of the server that serves this connection alone.
    backend: i32,
    /// The organization that was set last; `None` if none was, or if nobody knows.
    org: Option<OrgId>,
    opened: Instant,
    used: Instant,
}

impl Session {
    /// Opens a connection with the settings of the pool, which does not count it any more.
    pub(super) async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?.detach();
        let (backend, is_bound): (i32, bool) =
            sqlx::query_as(PROVE).fetch_one(&mut connection).await?;
        if !is_bound {
            let message = "reads for clients do not run as the role clustergenie_reader with row security: connect \
                           to Postgres itself, or let the pooler pass the options of a connection";
            return Err(sqlx::Error::Configuration(message.into()));
        }
        Ok(Self {
            connection,
            backend,
            org: None,
            opened: Instant::now(),
            used: Instant::now(),
        })
    }

    /// The process of the server that serves the session.
    pub(super) fn backend(&self) -> i32 {
        self.backend
    }

    /// True if the session sees this organization already.
    pub(super) fn sees(&self, org: &OrgId) -> bool {
        self.org.as_ref() == Some(org)
    }

    /// True if the session is younger than `lifetime` and was used within `idle`, and no failover was noticed
    /// since it was opened.
    pub(super) fn is_fresh(&self, lifetime: Option<Duration>, idle: Option<Duration>) -> bool {
        let within = |since: Instant, limit: Option<Duration>| {
            limit.is_none_or(|limit| since.elapsed() <= limit)
        };
        renewal::is_current(self.opened) && within(self.opened, lifetime) && within(self.used, idle)
    }

    /// Runs a statement that sees this organization and no other; returns what `take` makes of its rows, from `begun`.
    /// Takes each row as it comes, so that only one of them is in memory.
    pub(super) async fn fold<T>(
        &mut self,
        org: &OrgId,
        statement: &Statement,
        begun: T,
        take: &impl Fn(&mut T, &PgRow) -> Result<(), sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.see(org).await?;
        let (text, values) = statement.parts();
        let mut rows = sqlx::query_with(text, values).fetch(&mut self.connection);
        let mut taken = Ok(begun);
        // Rows are read to the last one in any case, so that none is left for the next statement.
        while let Some(row) = rows.try_next().await? {
            if let Ok(before) = &mut taken
                && let Err(error) = take(before, &row)
            {
                taken = Err(error);
            }
        }
        drop(rows);
        self.used = Instant::now();
        taken
    }

    /// Sets the organization, unless it is the one that was set last. While the answer is awaited, and after a
    /// failure, the session sees nobody knows whom, and is set again before its next use.
    async fn see(&mut self, org: &OrgId) -> Result<(), sqlx::Error> {
        if self.sees(org) {
            return Ok(());
        }
        self.org = None;
        sqlx::query("select set_config('clustergenie.org', $1, false)")
            .bind(org.as_str())
            .execute(&mut self.connection)
            .await?;
        self.org = Some(org.clone());
        Ok(())
    }
}
