//! Brings a database to the version of this program, and refuses a newer one.
//!
//! Migrations run under an advisory lock (sqlx takes one per database), so several processes may migrate at
//! the same time, at any time. A database of a newer program is refused, because this program does not know
//! its tables.

use std::collections::BTreeMap;

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// All migrations, in order, compiled into the program.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The migration that creates the role of clients' queries.
const CREATES_READER: i64 = 20_261_101_000_500;

/// The SQLSTATE of a missing right.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The reason why the database is not at the program's version, or cannot be brought there.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database has a migration that this program does not know.
    #[error(
        "the database was migrated to version {version} by a newer program: start that program, or a newer \
         one"
    )]
    Newer {
        /// The first applied migration that is unknown here.
        version: i64,
    },
    /// The database lacks migrations of this program.
    #[error("the database lacks migration {version}: run `clustergenie migrate` first")]
    Older {
        /// The first migration of this program that was not applied.
        version: i64,
    },
    /// An applied migration differs from the one of the same version here.
    #[error(
        "migration {version} was changed after it had been applied to this database: use the program that \
         migrated it, or start with a new database"
    )]
    Altered {
        /// The migration whose checksum differs.
        version: i64,
    },
    /// The role may not create the role of clients' queries.
    #[error(
        "the role {role} needs CREATEROLE, to create the role clustergenie_reader: run `alter role {role} \
         createrole` as a superuser, then migrate again"
    )]
    NeedsCreateRole {
        /// The role that migrates, quoted for SQL.
        role: String,
    },
    /// The role of clients' queries was created by another role, and may not be granted by this one.
    #[error(
        "the role {role} may not use clustergenie_reader, which another role created: run `grant \
         clustergenie_reader to {role} with admin option` as a superuser, then migrate again"
    )]
    NeedsAdminOption {
        /// The role that migrates, quoted for SQL.
        role: String,
    },
    /// The role does not own the tables, so it does not see every row.
    #[error(
        "the role {role} does not own the tables of the platform and does not see every row: connect as \
         {owner}, who does"
    )]
    NotOwner {
        /// The role of the connection.
        role: String,
        /// The owner of the tables.
        owner: String,
    },
    /// Clients' queries cannot read what they should, as after a restore on a server without their role.
    #[error(
        "the role clustergenie_reader lacks rights ({missing}), as after a restore on another server: run \
         `clustergenie migrate`"
    )]
    LacksRights {
        /// The tables and views.
        missing: String,
    },
    /// The version of the database cannot be read.
    #[error("the version of the database cannot be read")]
    Unreadable(#[source] sqlx::Error),
    /// A migration failed.
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

/// Applies every migration that the database lacks, and states the rights of clients' queries again.
///
/// # Errors
/// When the database is newer than the program, or an applied migration was altered: then nothing is changed.
/// When a migration fails: then that migration is rolled back.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    let Err(error) = run(pool).await else {
        return Ok(());
    };
    if lacks_right_on_reader(&error) {
        let found = sqlx::query_as(
            "select quote_ident(rolname), rolsuper or rolcreaterole, \
                 exists (select from pg_roles where rolname = 'clustergenie_reader') \
             from pg_roles where rolname = current_user",
        );
        let (role, creates_roles, reader_exists): (String, bool, bool) = found
            .fetch_one(pool)
            .await
            .map_err(SchemaError::Unreadable)?;
        if let Some(missing) = missing_right(role, creates_roles, reader_exists) {
            return Err(missing);
        }
    }
    Err(error.into())
}

async fn run(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await?;
    let rights = include_str!("../rights.sql");
    sqlx::raw_sql(rights).execute(pool).await?;
    Ok(())
}

fn lacks_right_on_reader(error: &MigrateError) -> bool {
    let (MigrateError::ExecuteMigration(error, CREATES_READER) | MigrateError::Execute(error)) =
        error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some(INSUFFICIENT_PRIVILEGE)
}

/// Returns the error for the right on `clustergenie_reader` that the migrating role lacks, if it lacks one.
fn missing_right(role: String, creates_roles: bool, reader_exists: bool) -> Option<SchemaError> {
    match (creates_roles, reader_exists) {
        (false, _) => Some(SchemaError::NeedsCreateRole { role }),
        // From Postgres 16 on CREATEROLE grants no rights on the roles of others.
        (true, true) => Some(SchemaError::NeedsAdminOption { role }),
        (true, false) => None,
    }
}

/// Checks that the database is exactly at the program's version, and that clients' queries can read what they
/// should. Changes nothing.
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
    let missing: Option<String> = sqlx::query_scalar(include_str!("../missing_rights.sql"))
        .fetch_one(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    missing.map_or(Ok(()), |missing| Err(SchemaError::LacksRights { missing }))
}

/// Checks that the role of the connections has the rights of the tables' owner, whom row-level security does
/// not bind. A database without tables passes.
///
/// # Errors
/// [`SchemaError::NotOwner`], or when the database does not answer.
pub async fn check_owner(pool: &PgPool) -> Result<(), SchemaError> {
    let found: Option<(String, String, bool)> = sqlx::query_as(
        "select current_user::text, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE') \
         from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = 'es' and c.relname = 'events'",
    )
    .fetch_optional(pool)
    .await
    .map_err(SchemaError::Unreadable)?;
    match found {
        Some((role, owner, false)) => Err(SchemaError::NotOwner { role, owner }),
        Some((_, _, true)) | None => Ok(()),
    }
}

/// Returns the applied migrations with their checksums.
async fn applied(pool: &PgPool) -> Result<BTreeMap<i64, Vec<u8>>, SchemaError> {
    let tracked: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    if !tracked {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success")
            .fetch_all(pool)
            .await
            .map_err(SchemaError::Unreadable)?;
    Ok(rows.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(creates_roles: bool, reader_exists: bool) -> Option<String> {
        let missing = missing_right("app".to_owned(), creates_roles, reader_exists);
        missing.map(|missing| missing.to_string())
    }

    #[test]
    fn a_missing_right_is_named_with_the_statement_that_gives_it() {
        for reader_exists in [false, true] {
            let told = told(false, reader_exists).expect("it lacks CREATEROLE");
            assert!(told.contains("`alter role app createrole`"), "{told}");
        }
        let told_of_grant = told(true, true).expect("it lacks the admin option");
        let grant = "`grant clustergenie_reader to app with admin option`";
        assert!(told_of_grant.contains(grant), "{told_of_grant}");
        assert_eq!(told(true, false), None);
    }

    #[test]
    fn the_migration_that_creates_the_reader_is_known() {
        let creating = MIGRATOR.iter().filter(|migration| {
            migration
                .sql
                .as_str()
                .contains("create role clustergenie_reader")
        });
        let versions: Vec<_> = creating.map(|migration| migration.version).collect();
        assert_eq!(versions, [CREATES_READER]);
    }
}
