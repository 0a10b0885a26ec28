//! Brings a database to the version of this program, and refuses one it does not understand.
//!
//! Runs under an advisory lock (sqlx takes one per database), so several processes may start at
//! once, and can be run again at any time. A database that was migrated by a newer program is
//! refused rather than written to by code that does not know its tables.

use std::collections::BTreeMap;

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
    Ok(())
}

/// The versions that were applied, with the checksums of what was applied.
async fn applied(pool: &PgPool) -> Result<BTreeMap<i64, Vec<u8>>, SchemaError> {
    let failed = |error| SchemaError::Failed(MigrateError::Execute(error));
    let tracked: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    if !tracked {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    Ok(rows.into_iter().collect())
}
