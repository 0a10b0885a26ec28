//! Brings a database to the version of this program, and refuses a newer one.
//!
//! Migrations run under an advisory lock (sqlx takes one per database), so several processes may migrate at
//! the same time, at any time. A database of a newer program is refused, because this program does not know
//! its tables. Nothing here depends on the schema `public` or on a search path: each name has its schema.

use std::collections::BTreeMap;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr};

use crate::{bookkeeping, rights, role};

pub use crate::bookkeeping::TABLE;
pub use crate::error::SchemaError;
pub use crate::rights::RIGHTS;

/// All migrations, in order, compiled into the program.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The migration that begins with the role of clients' queries.
const CREATES_READER: i64 = 20_261_101_000_500;

/// The statement of that migration after those about the role.
const AFTER_READER: &str = "create schema projections;";

/// Applies every migration that the database lacks, and states owners, policies and grants again ([`RIGHTS`]).
///
/// # Errors
/// When the role lacks a right, the database is newer than the program, or an applied migration was altered:
/// then nothing is changed. When a migration fails: then that migration is rolled back.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    role::prepare(pool).await?;
    bookkeeping::prepare(pool)
        .await
        .map_err(MigrateError::Execute)?;
    migrator().run(pool).await?;
    rights::state(pool).await.map_err(MigrateError::Execute)?;
    Ok(())
}

/// Returns the migrations as they are run. The role of clients' queries has been prepared before: the
/// statements of the migration would create it and grant it without a look at what is there.
fn migrator() -> Migrator {
    let mut migrations: Vec<_> = MIGRATOR.iter().cloned().collect();
    for migration in &mut migrations {
        if migration.version == CREATES_READER
            && let Some(start) = migration.sql.as_str().find(AFTER_READER)
        {
            // The checksum stays that of the whole file.
            let rest = migration.sql.as_str()[start..].to_owned();
            migration.sql = AssertSqlSafe(rest).into_sql_str();
        }
    }
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// Checks that the database is exactly at the program's version, and that both roles have the rights that they need
/// and no others. Changes nothing.
///
/// # Errors
/// When the database is newer, older or altered, lacks rights, or does not answer.
pub async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    let applied = applied(pool).await?;
    if let Some(&version) = applied.keys().find(|v| !MIGRATOR.version_exists(**v)) {
        return Err(SchemaError::Newer { version });
    }
    for migration in MIGRATOR.iter() {
        let version = migration.version;
        match applied.get(&version) {
            None => return Err(SchemaError::Older { version }),
            Some(checksum) if **checksum != *migration.checksum => {
                return Err(SchemaError::Altered { version });
            }
            Some(_) => {}
        }
    }
    let mut missing: Vec<_> = rights::missing(pool)
        .await
        .map_err(unreadable)?
        .into_iter()
        .map(|of| of.object)
        .collect();
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(SchemaError::LacksRights {
        missing: missing.join(", "),
    })
}

/// Returns the owner of the tables if the login of the connections has the rights of that owner, as a superuser has.
/// Returns `None` for a login without these rights, such as that of every process should be, and if there are no tables.
///
/// # Errors
/// When the database does not answer.
pub async fn owner_of_tables(pool: &PgPool) -> Result<Option<String>, SchemaError> {
    sqlx::query_scalar(
        "select pg_get_userbyid(c.relowner)::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = 'es' and c.relname = 'events' and pg_has_role(session_user, c.relowner, 'MEMBER')",
    )
    .fetch_optional(pool)
    .await
    .map_err(SchemaError::Unreadable)
}

/// Returns the applied migrations with their checksums.
async fn applied(pool: &PgPool) -> Result<BTreeMap<i64, Vec<u8>>, SchemaError> {
    let tracked: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(TABLE)
        .fetch_one(pool)
        .await
        .map_err(unreadable)?;
    if !tracked {
        return Ok(BTreeMap::new());
    }
    let applied = format!("select version, checksum from {TABLE} where success");
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(applied))
        .fetch_all(pool)
        .await
        .map_err(unreadable)?;
    Ok(rows.into_iter().collect())
}

/// Tells a check that lacks rights itself, as after a restore, from one that fails.
fn unreadable(error: sqlx::Error) -> SchemaError {
    match error.as_database_error() {
        Some(refused) if refused.code().as_deref() == Some("42501") => SchemaError::LacksRights {
            missing: "this check".to_owned(),
        },
        Some(_) | None => SchemaError::Unreadable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_statements_about_the_reader_are_left_out() {
        let run = migrator();
        for (whole, run) in MIGRATOR.iter().zip(run.iter()) {
            assert_eq!(
                (whole.version, &whole.checksum),
                (run.version, &run.checksum)
            );
            let (whole, run) = (whole.sql.as_str(), run.sql.as_str());
            let Some(left_out) = whole.strip_suffix(run) else {
                panic!("{run} is not the end of {whole}");
            };
            let statements: Vec<_> = left_out
                .lines()
                .map(str::trim)
                .filter(|line| line.contains("create ") || line.contains("grant "))
                .filter(|line| !line.starts_with("--"))
                .collect();
            if whole.contains("create role") {
                assert_eq!(
                    statements,
                    [
                        "create role clustergenie_reader nologin;",
                        "execute format('grant clustergenie_reader to %I', current_user);",
                    ]
                );
            } else {
                assert_eq!(left_out, "");
            }
        }
        assert!(
            run.iter()
                .all(|run| !run.sql.as_str().contains("create role"))
        );
    }
}
