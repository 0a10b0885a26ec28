//! Owners, policies and grants of the database, stated by one query, which is checked too: `rights.sql`.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgExecutor, PgPool};

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
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
