//! `clustergenie health`: checks the readiness of a process, for container health checks.

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::config::Health;

/// Timeout of the check. A process answers `/readyz` without waiting for anything.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Succeeds if the process is ready.
///
/// # Errors
/// When it does not answer, or some parts are not ready: which ones and why.
pub(crate) async fn run(settings: Health) -> anyhow::Result<()> {
    let url = format!("{}/readyz", settings.url);
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    let unreachable = || format!("{url} does not answer");
    let response = client.get(&url).send().await.with_context(unreachable)?;
    let readiness: Readiness = response
        .json()
        .await
        .with_context(|| format!("{url} is not a process of ClusterGenie"))?;
    if readiness.ready {
        return Ok(());
    }
    let reasons: Vec<_> = readiness
        .parts
        .iter()
        .filter(|part| !part.ready)
        .map(|part| {
            format!(
                "{}: {}",
                part.name,
                part.reason.as_deref().unwrap_or("not ready")
            )
        })
        .collect();
    bail!("not ready: {}", reasons.join("; "))
}

#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    ready: bool,
    reason: Option<String>,
}
