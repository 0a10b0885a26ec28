//! Owners, policies and grants of the database, stated by one query, which is checked too: `rights.sql`.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgExecutor, PgPool};

/// Attempts at a statement: about a minute.
const ATTEMPTS: u32 = 120;

/// The SQLSTATE of a lock that was not taken within the lock timeout.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The query for what is missing of owners, policies and grants.
pub const RIGHTS: &str = include_str!("../rights.sql");

/// A right, owner or policy that is missing, or a right that is too much.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Missing {
    /// The object.
    pub(crate) object: String,
    /// The statement that corrects it.
    statement: String,
}

/// Returns what is missing.
pub(crate) async fn missing(database: impl PgExecutor<'_>) -> Result<Vec<Missing>, sqlx::Error> {
    sqlx::query_as(RIGHTS).fetch_all(database).await
}

/// States what is missing. Each statement is a transaction of its own, so that no two tables that are in use are
/// locked at once.
///
/// # Errors
/// When Postgres refuses a statement; those before it stay done.
pub(crate) async fn state(pool: &PgPool) -> Result<(), sqlx::Error> {
    // The lock ends with the connection, whatever happens.
    let mut connection = pool.acquire().await?.detach();
    let stated = state_on(&mut connection).await;
    connection.close().await?;
    stated
}

async fn state_on(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Two migrations at once would change the same rows of the catalogue.
    sqlx::query("select pg_advisory_lock(hashtextextended('clustergenie rights', 0))")
        .execute(&mut *connection)
        .await?;
    for Missing { statement, .. } in missing(&mut *connection).await? {
        state_one(connection, statement).await?;
    }
    Ok(())
}

/// Runs a statement, again and again while somebody uses the table. A statement that waits for a lock makes all later
/// users of the table wait behind it, so each attempt is short.
async fn state_one(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query("set lock_timeout = '200ms'")
        .execute(&mut *connection)
        .await?;
    let mut attempts = 1;
    loop {
        let stated = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
            .execute(&mut *connection)
            .await;
        match stated {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) && attempts < ATTEMPTS =>
            {
                attempts += 1;
                sqlx::query("select pg_sleep(0.3)")
                    .execute(&mut *connection)
                    .await?;
            }
            stated => return stated.map(|_| ()),
        }
    }
}
