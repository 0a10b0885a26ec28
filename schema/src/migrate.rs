//! Brings a database to the version of this program, and refuses one it does not understand.
//!
//! Runs under an advisory lock (sqlx takes one per database), so several processes may start at
//! once, and can be run again at any time. A database that was migrated by a newer program is
//! refused rather than written to by code that does not know its tables.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// All migrations, in order, compiled into the program.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Why the database is not at the program's version.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database knows a migration that this program does not.
    #[error(
        "the database was migrated to version {version} by a newer program; start that program's \
         version, or a newer one"
    )]
    Newer {
        /// The first applied migration that is unknown here.
        version: i64,
    },
    /// The database lacks migrations of this program.
    #[error("the database lacks migration {version}; run `clustergenie migrate` first")]
    Older {
        /// The first migration of this program that was not applied.
        version: i64,
    },
    /// A migration that was applied differs from the one of the same version here.
    #[error("migration {version} was changed after it had been applied to this database")]
    Altered {
        /// The migration whose checksum differs.
        version: i64,
    },
    /// The database could not be asked, or a migration failed.
    #[error("migrating the database failed")]
    Failed(#[source] MigrateError),
}

impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { version },
            MigrateError::VersionMismatch(version) => Self::Altered { version },
            other => Self::Failed(other),
        }
    }
}

/// Applies every migration that the database lacks.
///
/// # Errors
/// Fails without having changed anything when the database is newer than the program or an applied
/// migration was altered; a migration that fails is rolled back.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    Ok(MIGRATOR.run(pool).await?)
}

/// Checks, without changing anything, that the database is exactly at the program's version.
///
/// # Errors
/// Says whether the database is newer, older or altered.
pub async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    let applied = applied_versions(pool).await?;
    if let Some(&version) = applied.iter().find(|v| !MIGRATOR.version_exists(**v)) {
        return Err(SchemaError::Newer { version });
    }
    match MIGRATOR.iter().find(|m| !applied.contains(&m.version)) {
        Some(missing) => Err(SchemaError::Older {
            version: missing.version,
        }),
        None => Ok(()),
    }
}

async fn applied_versions(pool: &PgPool) -> Result<Vec<i64>, SchemaError> {
    let failed = |error| SchemaError::Failed(MigrateError::Execute(error));
    let tracked: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    if !tracked {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
        .fetch_all(pool)
        .await
        .map_err(failed)
}
