//! Settings of `backup`, `restore` and `restored`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::DATA;

/// Settings of `backup`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Backup {
    /// The data directory of a running `up`.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The directory for backups, created if it does not exist. It holds secrets.
    #[arg(long, env = "CLUSTERGENIE_BACKUP", value_name = "DIR")]
    pub(crate) backup: PathBuf,
    /// The directory of Postgres's server programs. By default the usual places are searched.
    #[arg(long, env = "CLUSTERGENIE_POSTGRES_BIN", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
}

/// Settings of `restore`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Restore {
    /// The directory for backups.
    #[arg(long, env = "CLUSTERGENIE_BACKUP", value_name = "DIR")]
    pub(crate) backup: PathBuf,
    /// The data directory to create. It must not exist, or be empty.
    #[arg(long, env = "CLUSTERGENIE_DATA", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The time to restore to, such as 2026-11-01T12:00:00Z. By default everything that was backed up or archived is
    /// restored.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The directory of Postgres's server programs. By default the usual places are searched.
    #[arg(long, env = "CLUSTERGENIE_POSTGRES_BIN", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
}

/// Settings of `restored`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Restored {
    /// The URL of Postgres, with a login in the role clustergenie_service. By default the private Postgres in --data, which is
    /// started for this. The password may be in PGPASSWORD instead.
    #[arg(
        long,
        env = "CLUSTERGENIE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,
    /// The data directory of a stopped `up`. Ignored when --database-url is given.
    #[arg(long, env = "CLUSTERGENIE_DATA", default_value = DATA, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The directory of Postgres's server programs. By default the usual places are searched.
    #[arg(long, env = "CLUSTERGENIE_POSTGRES_BIN", value_name = "DIR")]
    pub(crate) postgres_bin: Option<PathBuf>,
    /// A description of what was restored, which is stored.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}
