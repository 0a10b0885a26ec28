//! `clustergenie health`: asks a process whether it is ready, for container health checks.

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::config::Health;

/// A process that is not stuck answers at once.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Returns when the process is ready.
///
/// # Errors
/// When it does not answer, or says which parts are not ready and why.
pub(crate) async fn run(settings: Health) -> anyhow::Result<()> {
    let url = format!("{}/readyz", settings.url.trim_end_matches('/'));
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    let unreachable = || format!("{url} does not answer");
    let response = client.get(&url).send().await.with_context(unreachable)?;
    let readiness: Readiness = response
        .json()
        .await
        .with_context(|| format!("{url} does not answer as ClusterGenie does"))?;
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
