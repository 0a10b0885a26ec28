//! The private Postgres of an `up` that runs in another process.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::cluster::{Cluster, USER};

/// How to connect to the database of the platform that runs on a data directory. Holds the password.
///
/// # Errors
/// Says what to start, or whom to be.
pub(crate) fn url_of_running(data: &Path) -> anyhow::Result<String> {
    let data = fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
    let shown = data.display();
    let Some(port) = Cluster::port_of_running(&data.join("postgres"))? else {
        bail!(
            "no platform runs on {shown}: start `clustergenie up --data {shown}`, or say with \
             --database-url which database to look at"
        );
    };
    let file = data.join("postgres-password");
    let password = fs::read_to_string(&file).with_context(|| {
        format!(
            "{} cannot be read: run as the user that runs the platform",
            file.display()
        )
    })?;
    Ok(url(&password, port))
}

/// How to connect to the private cluster's database, as its owner.
pub(super) fn url(password: &str, port: u16) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{port}/{USER}?sslmode=disable")
}
