//! The reasons why a database cannot be used or migrated.

use sqlx::migrate::MigrateError;

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
    /// The role lacks rights that only somebody else can give.
    #[error(
        "the role {role} needs rights to migrate this database: let a superuser run `{statements}`, then \
         migrate again"
    )]
    NeedsRights {
        /// The role that migrates, quoted for SQL.
        role: String,
        /// The statements that give what is missing.
        statements: String,
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
    /// Owners, policies or grants are not those that the program states, as after a restore on another server.
    #[error(
        "the roles clustergenie_reader and clustergenie_service lack rights or have too many ({missing}), as after a \
         restore on another server: run `clustergenie migrate`"
    )]
    LacksRights {
        /// The objects, or the check itself if Postgres refused it.
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
