//! The private Postgres of an `up` that runs as another process.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::cluster::USER;
use super::server;

/// The URL of the database of the platform that runs on a data directory, with the password.
///
/// # Errors
/// When no platform runs there, or the password cannot be read.
pub(crate) fn url_of_running(data: &Path) -> anyhow::Result<String> {
    let (port, password) = server_of(data)?;
    Ok(url(&password, port))
}

/// The port and the password of the server of the platform that runs on a data directory.
///
/// # Errors
/// When no platform runs there, or the password cannot be read.
pub(super) fn server_of(data: &Path) -> anyhow::Result<(u16, String)> {
    let data = fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
    let shown = data.display();
    let Some(port) = server::port_of_running(&data.join("postgres"))? else {
        bail!(
            "no platform runs on {shown}: pass the data directory of the one that runs with --data, or its \
             database with --database-url"
        );
    };
    let file = data.join("postgres-password");
    let password = fs::read_to_string(&file).with_context(|| {
        format!(
            "{} cannot be read: run as the user that runs the platform",
            file.display()
        )
    })?;
    Ok((port, password))
}

/// The URL of the private cluster's database, with its owner.
pub(super) fn url(password: &str, port: u16) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{port}/{USER}?sslmode=disable")
}
