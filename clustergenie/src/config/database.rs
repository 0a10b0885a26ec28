//! Which database a command of an operator looks at.

use std::path::PathBuf;

use clap::Args;

use super::DATA;
use crate::postgres;

/// The database of an installation, or the private one of an `up` that runs.
#[derive(Args, Clone, Debug)]
pub(crate) struct SomeDatabase {
    /// How to connect to Postgres, as the owner of the tables. Without it, the private Postgres of a
    /// platform that runs on --data is used. The password may be given in PGPASSWORD instead.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,
    /// The data directory of a running `up`, when there is no --database-url.
    #[arg(
        long,
        global = true,
        env = "CLUSTERGENIE_DATA",
        default_value = DATA,
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
}

impl SomeDatabase {
    /// How to connect to it. May hold a password.
    ///
    /// # Errors
    /// When no platform runs on the data directory, or its password cannot be read.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        match &self.database_url {
            Some(url) => Ok(url.clone()),
            None => postgres::url_of_running(&self.data),
        }
    }
}
