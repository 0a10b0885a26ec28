//! The table of applied migrations, in a schema of its own.
//!
//! Earlier programs kept it where the search path led, which is `public` by default. It is copied from there,
//! and stays, so that their processes find it while they are replaced.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

/// The schema of the table.
const SCHEMA: &str = "clustergenie_schema";

/// The table of applied migrations.
pub const TABLE: &str = "clustergenie_schema.migrations";

/// The first migration of every version of this program.
const FIRST: i64 = 20_261_101_000_100;

/// Makes the schema if it is missing, with a copy of the table of an earlier program if there is one.
///
/// # Errors
/// When Postgres refuses; then nothing is changed.
pub(crate) async fn prepare(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    // Others that migrate at the same time wait for the lock, and then find the schema.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('clustergenie bookkeeping', 0))")
        .execute(&mut *transaction)
        .await?;
    let is_there: bool = sqlx::query_scalar("select to_regnamespace($1) is not null")
        .bind(SCHEMA)
        .fetch_one(&mut *transaction)
        .await?;
    if !is_there {
        let mut statements = format!("create schema {SCHEMA};");
        if let Some(earlier) = earlier(&mut transaction).await? {
            statements.push_str(&format!(
                "create table {TABLE} (like {earlier} including all); \
                 insert into {TABLE} select * from {earlier};"
            ));
        }
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// Finds the table of an earlier program. Tables of other programs have the same name, and other migrations.
async fn earlier(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c \
         join pg_namespace n on n.oid = c.relnamespace \
         where c.relname = '_sqlx_migrations' and c.relkind = 'r' and has_schema_privilege(n.oid, 'usage') \
             and has_table_privilege(c.oid, 'select') \
         order by n.nspname <> 'public', n.nspname",
    )
    .fetch_all(&mut *connection)
    .await?;
    for table in tables {
        let ours: bool = sqlx::query_scalar(AssertSqlSafe(format!(
            "select exists (select from {table} where version = $1)"
        )))
        .bind(FIRST)
        .fetch_one(&mut *connection)
        .await?;
        if ours {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
