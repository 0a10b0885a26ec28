//! The database of an operator's command.

use std::path::PathBuf;

use clap::Args;

use super::DATA;
use crate::postgres;

/// The database of an installation, or the private one of a running `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TargetDatabase {
    /// The URL of Postgres, with a login in the role clustergenie_service. By default the private Postgres of the
    /// platform that runs on --data. The password may be in PGPASSWORD instead.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,
    /// The data directory of a running `up`. Ignored when --database-url is given.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_DATA",
        default_value = DATA,
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
}

impl TargetDatabase {
    /// The URL of the database, which may contain a password.
    ///
    /// # Errors
    /// When no platform runs on the data directory, or the password of its database cannot be read.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        match &self.database_url {
            Some(url) => Ok(url.clone()),
            None => postgres::url_of_running(&self.data),
        }
    }
}
