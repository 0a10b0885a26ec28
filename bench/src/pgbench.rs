//! `pgbench`, the program of Postgres that sends SQL as fast as it can.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::settings::Settings;

/// Transactions of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transactions {
    pub(crate) count: f64,
    pub(crate) per_second: f64,
    pub(crate) mean_millis: f64,
}

/// Sends the script, with prepared statements, on a number of connections, whose sessions have these options.
///
/// # Errors
/// When `pgbench` fails.
pub(crate) async fn run(
    settings: &Settings,
    script: &Path,
    connections: u16,
    length: Duration,
    session: &str,
) -> anyhow::Result<Transactions> {
    let connections = connections.to_string();
    let threads = if connections == "1" { "1" } else { "2" };
    let output = Command::new(settings.postgres_bin.join("pgbench"))
        .args(["--no-vacuum", "--protocol", "prepared"])
        .args(["--client", &connections, "--jobs", threads])
        .args(["--time", &length.as_secs().to_string()])
        .arg("--file")
        .arg(script)
        .arg(&settings.database_url)
        .env("PGOPTIONS", session)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("pgbench cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "pgbench failed: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Transactions {
        count: number(&said, "number of transactions actually processed: ")?,
        per_second: number(&said, "tps = ")?,
        mean_millis: number(&said, "latency average = ")?,
    })
}

/// Reads the number after this text.
fn number(said: &str, before: &str) -> anyhow::Result<f64> {
    let rest = said.split_once(before).map(|(_, rest)| rest);
    let digits = rest.and_then(|rest| rest.split([' ', '\n', '/']).next());
    digits
        .and_then(|digits| digits.parse().ok())
        .with_context(|| format!("pgbench says no \"{before}\": {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        let said = "latency average = 1.5 ms\ntps = 12.25 (without)\n";
        assert_eq!(number(said, "tps = ").unwrap(), 12.25);
        assert_eq!(number(said, "latency average = ").unwrap(), 1.5);
        assert!(number(said, "x = ").is_err());
    }
}
